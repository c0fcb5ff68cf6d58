//! For tests: the report of a row that streams and of one that does not.

use std::sync::Arc;
use std::time::Duration;

use statistics::report::Report;
use statistics::stats::Stats;
use traffic::clock::Slot;
use traffic::record::wire::{Contents, Decoded};
use traffic::record::{Bucket, Outcome, RequestName, Streamed};

/// A stream of ten events in 1.1 s, and a plain response; without the stream if there are to be none.
pub(crate) fn report(has_streams: bool) -> Report {
    let slot = Slot(1_700_000_000);
    let outcome = |name: &str, stream: Option<Streamed>| Outcome {
        request: Arc::new(RequestName {
            method: "POST".into(),
            name: name.into(),
        }),
        completed_at: slot.full_second() + Duration::from_secs(2),
        response_time: Duration::from_secs(2),
        content_length: 7,
        error: None,
        trace: None,
        lateness: None,
        cold: false,
        stream: stream.map(Box::new),
        measured: Vec::new(),
    };
    let streamed = Streamed {
        first_byte: Duration::from_millis(50),
        first_event: Some(Duration::from_millis(200)),
        span: Duration::from_millis(900),
        events: 10,
        input_tokens: Some(26),
        output_tokens: Some(12),
    };
    let chat = outcome("chat", has_streams.then_some(streamed));
    let mut contents = Contents {
        outcomes: vec![chat, outcome("plain", None)],
        ..Contents::default()
    };
    let payload = contents.encode(slot);
    let decoded = Decoded::read(&payload, slot).expect("what was written");
    let mut stats = Stats::new(slot.full_second());
    stats.fold(Bucket::of(slot.full_second()), &decoded);
    stats.report(slot.full_second() + Duration::from_secs(10))
}
