//! What is written is read back, what was never written is refused, and a record stays small.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::Slot;
use crate::custom_metric::{Amount, CustomMetric, MetricKind};
use crate::record::{ExceptionEntry, Fate, IterationEntry, Measured, Outcome, RequestName};
use crate::stream::Streamed;
use crate::trace_context::TraceId;

fn request(number: u8) -> Arc<RequestName> {
    Arc::new(RequestName {
        method: "GET".into(),
        name: format!("GET /{number}").into(),
    })
}

prop_compose! {
    fn a_stream()(
        first_byte in 0_u64..1_000_000,
        events in prop_oneof![Just(0_u64), 1_u64..2_000],
        after in 0_u64..1_000_000,
        span in 0_u64..60_000_000,
        input_tokens in prop::option::of(0_u64..100_000),
        output_tokens in prop::option::of(0_u64..100_000),
    ) -> Streamed {
        let has_events = events > 0;
        Streamed {
            first_byte: Duration::from_micros(first_byte),
            first_event: has_events.then(|| Duration::from_micros(first_byte + after)),
            span: Duration::from_micros(if has_events { span } else { 0 }),
            events,
            input_tokens,
            output_tokens,
        }
    }
}

prop_compose! {
    fn a_value()(
        name in "[a-c]",
        is_histogram in any::<bool>(),
        unit in "(ms)?",
        millionths in prop::option::of(prop_oneof![
            (0_u64..1_000).prop_map(|whole| whole * Amount::ONE),
            0_u64..=1_000_000_000_000_000_000,
        ]),
    ) -> Measured {
        let kind = if is_histogram { MetricKind::Histogram } else { MetricKind::Counter };
        let (name, unit) = (name.into(), unit.into());
        Measured {
            metric: Arc::new(CustomMetric { name, kind, unit }),
            amount: millionths.and_then(Amount::from_millionths),
        }
    }
}

prop_compose! {
    fn an_outcome()(
        name in 0_u8..5,
        after in 0_u64..20_000_000,
        response_time in prop_oneof![0_u64..1_000_000, any::<u64>()],
        content_length in any::<u64>(),
        error in prop::option::of("[a-c]|\\PC{0,40}"),
        trace in prop::option::of(any::<[u8; 16]>()),
        lateness in prop::option::of(0_u64..5_000_000),
        cold in any::<bool>(),
        stream in prop::option::weighted(0.1, a_stream()),
        measured in prop_oneof![Just(Vec::new()), prop::collection::vec(a_value(), 0..4)],
    ) -> Outcome {
        Outcome {
            request: request(name),
            completed_at: Slot(1_700_000_000).full_second() + Duration::from_micros(after),
            response_time: Duration::from_micros(response_time),
            content_length,
            error: error.map(Into::into),
            trace: trace.and_then(TraceId::from_bytes),
            lateness: lateness.map(Duration::from_micros),
            cold,
            stream: stream.map(Box::new),
            measured,
        }
    }
}

prop_compose! {
    fn some_contents()(
        outcomes in prop::collection::vec(an_outcome(), 0..40),
        iterations in prop::collection::vec((0_u8..100, any::<u32>(), 0..4), 0..40),
        exceptions in prop::collection::vec((any::<u32>(), "\\PC{0,40}", "\\PC{0,80}"), 0..4),
    ) -> Contents {
        let fates = [Fate::Done, Fate::Skipped, Fate::CutOff, Fate::Failed];
        Contents {
            outcomes,
            iterations: iterations
                .into_iter()
                .map(|(user, ordinal, fate)| IterationEntry { user, ordinal, fate: fates[fate as usize] })
                .collect(),
            exceptions: exceptions
                .into_iter()
                .map(|(count, message, traceback)| ExceptionEntry {
                    message: message.into(),
                    traceback: traceback.into(),
                    count,
                })
                .collect(),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(mut contents in some_contents()) {
        let slot = Slot(1_700_000_000);
        let payload = contents.encode(slot);
        let decoded = Decoded::read(&payload, slot).unwrap();
        prop_assert_eq!(decoded.to_contents(), contents);
    }

    #[test]
    fn of_each_request_and_error_the_latest_trace_is_kept(mut contents in some_contents()) {
        let pair = |outcome: &Outcome| (outcome.request.name.clone(), outcome.error.clone());
        let mut latest = BTreeMap::new();
        let failures = contents.outcomes.iter().filter(|outcome| outcome.error.is_some());
        for outcome in failures.filter(|outcome| outcome.trace.is_some()) {
            let this = (outcome.completed_at, outcome.trace);
            let latest = latest.entry(pair(outcome)).or_insert(this);
            *latest = this.max(*latest);
        }
        contents.encode(Slot(1_700_000_000));
        let kept: Vec<_> = contents.outcomes.iter().filter(|outcome| outcome.trace.is_some()).collect();
        prop_assert_eq!(kept.len(), latest.len());
        for outcome in kept {
            prop_assert_eq!(latest[&pair(outcome)], (outcome.completed_at, outcome.trace));
        }
    }

    #[test]
    fn arbitrary_bytes_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Err(error) = Decoded::read(&bytes, Slot(0)) {
            prop_assert!(error.to_string().starts_with("record "));
        }
    }

    #[test]
    fn a_payload_that_was_cut_or_changed_never_panics(
        mut contents in some_contents(),
        cut in any::<prop::sample::Index>(),
        change in any::<(prop::sample::Index, u8)>(),
    ) {
        let slot = Slot(1_700_000_000);
        let mut payload = contents.encode(slot).to_vec();
        prop_assert!(Decoded::read(&payload[..cut.index(payload.len())], slot).is_err());
        let at = change.0.index(payload.len());
        payload[at] = change.1;
        let _ = Decoded::read(&payload, slot);
    }
}

#[test]
fn eighty_outcomes_of_the_default_mix_fit_a_write_unit() {
    let slot = Slot(1_700_000_000);
    let mut contents = Contents::default();
    for n in 0..80_u64 {
        contents.outcomes.push(Outcome {
            request: request((n % 5) as u8),
            completed_at: slot.full_second() + Duration::from_micros(n * 12_345),
            response_time: Duration::from_micros(15_000 + n * 37),
            content_length: 400,
            error: None,
            trace: None,
            lateness: Some(Duration::from_micros(900)),
            cold: false,
            stream: None,
            measured: Vec::new(),
        });
        contents.iterations.push(IterationEntry {
            user: n as u8,
            ordinal: 0,
            fate: Fate::Done,
        });
    }
    let length = contents.encode(slot).len();
    assert!(length <= 1024, "{length} bytes");
}

#[test]
fn a_count_that_cannot_be_true_allocates_nothing() {
    let payload = [1, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert_eq!(
        Decoded::read(&payload, Slot(0)),
        Err(WireError::Truncated("requests"))
    );
}

#[test]
fn a_tick_in_which_everything_fails_writes_one_id_for_each_request() {
    let slot = Slot(1_700_000_000);
    let encoded = |trace: Option<TraceId>| {
        let outcomes = (0..80).map(|n| Outcome {
            request: request((n % 5) as u8),
            completed_at: slot.full_second() + Duration::from_micros(n),
            response_time: Duration::from_micros(400),
            content_length: 0,
            error: Some("connection refused".into()),
            trace,
            lateness: None,
            cold: false,
            stream: None,
            measured: Vec::new(),
        });
        let mut contents = Contents {
            outcomes: outcomes.collect(),
            ..Contents::default()
        };
        contents.encode(slot).len()
    };
    assert_eq!(encoded(Some(TraceId::random())), encoded(None) + 5 * 16);
}

#[test]
fn a_payload_without_streams_is_what_it_was_before_there_were_any() {
    let slot = Slot(1_700_000_000);
    let encoded = |stream: Option<Streamed>| {
        let outcome = |stream: Option<Streamed>| Outcome {
            request: request(1),
            completed_at: slot.full_second(),
            response_time: Duration::from_micros(400),
            content_length: 7,
            error: None,
            trace: None,
            lateness: None,
            cold: false,
            stream: stream.map(Box::new),
            measured: Vec::new(),
        };
        let mut contents = Contents {
            outcomes: vec![outcome(None), outcome(stream), outcome(None)],
            ..Contents::default()
        };
        contents.encode(slot)
    };
    let (without, with) = (encoded(None), encoded(Some(Streamed::default())));
    assert_eq!((without[0], with[0]), (1, 2));
    // a table of one: its count, which outcome, first byte, events and two tokens
    assert_eq!(without[1..], with[1..with.len() - 6]);
    let mut empty = with.to_vec();
    empty.truncate(without.len());
    empty.push(0);
    assert_eq!(
        Decoded::read(&empty, slot),
        Err(WireError::Invalid("streams"))
    );
}

#[test]
fn a_counter_takes_three_bytes_of_a_payload_and_its_name_once() {
    let slot = Slot(1_700_000_000);
    let metric = Arc::new(CustomMetric {
        name: "Orders/Created".into(),
        kind: MetricKind::Counter,
        unit: "".into(),
    });
    let encoded = |count: usize| {
        let outcome = |number: usize| Outcome {
            request: request(1),
            completed_at: slot.full_second(),
            response_time: Duration::from_micros(400),
            content_length: 7,
            error: None,
            trace: None,
            lateness: None,
            cold: false,
            stream: None,
            measured: (number < count)
                .then(|| Measured {
                    metric: Arc::clone(&metric),
                    amount: Amount::of(1.0),
                })
                .into_iter()
                .collect(),
        };
        let mut contents = Contents {
            outcomes: (0..80).map(outcome).collect(),
            ..Contents::default()
        };
        contents.encode(slot)
    };
    let (without, with) = (encoded(0), encoded(80));
    assert_eq!((without[0], with[0]), (1, 3));
    // counts of metrics and values, lengths of name and unit, the name
    assert_eq!(with.len(), without.len() + 2 + 2 + 14 + 80 * 3);
    assert_eq!(without[1..], with[1..without.len()]);
}
