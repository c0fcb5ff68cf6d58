//! GuideLLM as the oracle: the same recorded streams have the figures here that it computes of them.
//!
//! `guidellm.json` has the streams and GuideLLM's answers; tests/oracle/streams.py makes it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use statistics::report::StreamFigures;
use statistics::stats::Stats;
use traffic::clock::Slot;
use traffic::record::wire::{Contents, Decoded};
use traffic::record::{Bucket, Outcome, RequestName};
use traffic::stream::{EventReader, StreamFormat, StreamRules, TokenRule};

const SLOT: Slot = Slot(1_700_000_000);

/// The outcome of a request that a recorded stream answers.
fn outcome(recorded: &Value) -> Outcome {
    let micros = |value: &Value| Duration::from_micros(value.as_u64().unwrap());
    let rules = Arc::new(StreamRules {
        format: StreamFormat::Sse,
        tokens: Some(TokenRule::OpenAi),
    });
    let mut reader = EventReader::new(&rules, false);
    let pieces = recorded["pieces"].as_array().unwrap();
    for piece in pieces {
        reader.push(piece[1].as_str().unwrap().as_bytes(), micros(&piece[0]));
    }
    let (streamed, _) = reader.finish(micros(&pieces[0][0]));
    Outcome {
        request: Arc::new(RequestName {
            method: "POST".into(),
            name: recorded["name"].as_str().unwrap().into(),
        }),
        completed_at: SLOT.full_second() + micros(&recorded["end_us"]),
        response_time: micros(&recorded["end_us"]),
        content_length: 0,
        error: None,
        trace: None,
        lateness: None,
        cold: false,
        stream: Some(Box::new(streamed)),
        measured: Vec::new(),
    }
}

/// The figures of one request, by way of its record.
fn figures(recorded: &Value) -> StreamFigures {
    let mut contents = Contents {
        outcomes: vec![outcome(recorded)],
        ..Contents::default()
    };
    let payload = contents.encode(SLOT);
    let mut stats = Stats::new(SLOT.full_second());
    let decoded = Decoded::read(&payload, SLOT).unwrap();
    stats.fold(Bucket::of(SLOT.full_second()), &decoded);
    let mut report = stats.report(SLOT.full_second() + Duration::from_secs(20));
    report.rows.remove(0).stream.unwrap()
}

#[test]
fn a_stream_has_the_figures_that_guidellm_gives_it() {
    let kept: Value = serde_json::from_str(include_str!("guidellm.json")).unwrap();
    let streams = kept["streams"].as_array().unwrap();
    assert!(streams.len() > 10);
    for recorded in streams {
        let (ours, theirs) = (figures(recorded), &recorded["guidellm"]);
        for (name, figure) in [
            ("time_to_first_token_ms", ours.avg_first_event),
            ("inter_token_latency_ms", ours.avg_inter_token_latency),
            ("output_tokens_per_second", ours.tokens_per_second),
        ] {
            // times are whole microseconds here
            let near = match (figure, theirs[name].as_f64()) {
                (Some(ours), Some(theirs)) => (ours - theirs).abs() < 0.001,
                (ours, theirs) => ours == theirs,
            };
            let theirs = &theirs[name];
            assert!(near, "{}: {name} {figure:?}, {theirs}", recorded["name"]);
        }
        for (name, tokens) in [
            ("prompt_tokens", ours.input_tokens),
            ("output_tokens", ours.output_tokens),
        ] {
            let theirs = theirs[name].as_u64().unwrap_or(0);
            assert_eq!(tokens, theirs, "{}: {name}", recorded["name"]);
        }
    }
}
