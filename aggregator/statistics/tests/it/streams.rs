//! Streams in the statistics: counted for their rows alone, the same in any order, kept in checkpoints.

use std::sync::Arc;
use std::time::Duration;

use statistics::stats::{Limits, Stats};
use traffic::clock::Slot;
use traffic::record::{Outcome, RequestName, Streamed};

use crate::folded::folded;

const SLOT: Slot = Slot(1_700_000_000);

fn outcome(name: &str, after: u64, stream: Option<Streamed>) -> Outcome {
    Outcome {
        request: Arc::new(RequestName {
            method: "POST".into(),
            name: name.into(),
        }),
        completed_at: SLOT.full_second() + Duration::from_secs(after),
        response_time: Duration::from_secs(2),
        content_length: 7,
        error: None,
        trace: None,
        lateness: None,
        cold: false,
        stream: stream.map(Box::new),
        measured: Vec::new(),
    }
}

fn streamed(first_ms: u64, span_ms: u64, events: u64) -> Option<Streamed> {
    Some(Streamed {
        first_byte: Duration::from_millis(first_ms / 2),
        first_event: Some(Duration::from_millis(first_ms)),
        span: Duration::from_millis(span_ms),
        events,
        input_tokens: Some(10),
        output_tokens: Some(events),
    })
}

fn all() -> Vec<Outcome> {
    vec![
        outcome("chat", 1, streamed(200, 900, 10)),
        outcome("chat", 2, streamed(400, 1_600, 17)),
        outcome("chat", 3, None),
        outcome("plain", 4, None),
        outcome("other chat", 5, streamed(100, 0, 1)),
    ]
}

#[test]
fn rows_that_stream_have_figures_of_their_own_and_others_have_none() {
    let stats = folded(SLOT, SLOT.full_second(), &[&all()]);
    let report = stats.report(SLOT.full_second() + Duration::from_secs(20));
    let streams = report
        .rows
        .iter()
        .map(|row| (&*row.name, row.stream.as_ref()));
    let [
        ("chat", Some(chat)),
        ("other chat", Some(other)),
        ("plain", None),
    ] = streams.collect::<Vec<_>>()[..]
    else {
        panic!("{report:?}");
    };
    assert_eq!(
        (
            chat.responses,
            chat.events,
            chat.input_tokens,
            chat.output_tokens
        ),
        (2, 27, 20, 27)
    );
    assert_eq!(
        (chat.avg_first_byte, chat.avg_first_event),
        (Some(150.0), Some(300.0))
    );
    assert_eq!(
        (chat.median_first_event, chat.first_event_percentile_95),
        (Some(400), Some(400))
    );
    // (last - first) / (events - 1)
    assert_eq!(
        (
            chat.avg_inter_token_latency,
            chat.median_inter_token_latency
        ),
        (Some(100.0), Some(100))
    );
    assert_eq!(chat.tokens_per_second, Some(27.0 / 4.0));
    assert_eq!(
        (
            other.avg_inter_token_latency,
            other.median_inter_token_latency
        ),
        (None, None)
    );
    let total = report.total.stream.unwrap();
    assert_eq!((total.responses, total.output_tokens), (3, 28));
}

#[test]
fn every_order_and_partition_gives_the_same_and_a_checkpoint_keeps_it() {
    let all = all();
    let whole = folded(SLOT, SLOT.full_second(), &[&all]);
    for at in 0..=all.len() {
        let (one, other) = all.split_at(at);
        assert_eq!(
            folded(SLOT, SLOT.full_second(), &[other, one]).encode(),
            whole.encode()
        );
        let mut merged = folded(SLOT, SLOT.full_second(), &[one]);
        merged.merge(&folded(SLOT, SLOT.full_second(), &[other]));
        assert_eq!(merged.encode(), whole.encode());
    }
    let read = Stats::decode(&whole.encode(), Limits::default()).unwrap();
    let now = SLOT.full_second() + Duration::from_secs(20);
    assert_eq!(read.report(now), whole.report(now));
}

#[test]
fn streams_from_before_a_reset_do_not_count() {
    let since = SLOT.full_second() + Duration::from_millis(1_500);
    let stats = folded(SLOT, since, &[&all()]);
    let chat = stats.row("chat", "POST").unwrap();
    assert_eq!(chat.streams.as_ref().unwrap().sum.responses, 1);
    let mut all_before = folded(SLOT, SLOT.full_second(), &[&all()]);
    assert!(all_before.reset(SLOT.full_second() + Duration::from_secs(6)));
    assert!(all_before.row("chat", "POST").unwrap().streams.is_none());
}
