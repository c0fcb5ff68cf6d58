//! What a `traceparent` looks like, and what is none.

use std::collections::HashSet;

use super::*;

/// The example of the specification.
const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn parse(text: &str) -> Option<SpanContext> {
    SpanContext::parse(&HeaderValue::from_str(text).unwrap())
}

#[test]
fn the_specifications_example_is_read_and_written_as_it_stands() {
    let context = parse(EXAMPLE).unwrap();
    assert_eq!(context.trace.to_string(), &EXAMPLE[3..35]);
    assert!(context.sampled);
    assert_eq!(context.traceparent(), EXAMPLE);
    let unsampled = SpanContext {
        sampled: false,
        ..context
    };
    assert_eq!(unsampled.traceparent(), EXAMPLE.replace("-01", "-00"));
}

#[test]
fn what_is_no_traceparent_is_not_read() {
    let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
    let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
    let longer = format!("{EXAMPLE}-x");
    for wrong in [
        "",
        "-",
        zero_trace,
        zero_span,
        &EXAMPLE[..54],
        &longer,
        &EXAMPLE.to_uppercase(),
        &EXAMPLE.replace('-', "_"),
        &EXAMPLE.replacen("00", "ff", 1),
    ] {
        assert_eq!(parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_known() {
    let later = format!("{}-more", EXAMPLE.replacen("00", "01", 1));
    assert_eq!(parse(&later), parse(EXAMPLE));
    assert_eq!(parse(&later.replace("-more", "more")), None);
}

#[test]
fn threads_never_share_an_id() {
    let ids = || -> Vec<_> {
        let one = |_| (TraceId::random(), SpanId::random());
        (0..10_000).map(one).collect()
    };
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(ids)).collect();
    let all: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    let traces: HashSet<_> = all.iter().map(|(trace, _)| trace).collect();
    let spans: HashSet<_> = all.iter().map(|(_, span)| span).collect();
    assert_eq!((traces.len(), spans.len()), (all.len(), all.len()));
}
