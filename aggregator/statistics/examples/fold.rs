//! Times the statistics on so many outcomes, from records as the store has them, and prints one line
//! of JSON. `bench/harness/fold.py` does the same with Locust.
//!
//! `fold [OUTCOMES [OUTCOMES A RECORD]]`: 18 names, response times from 0.1 to 2,000 ms, and one
//! failure in a hundred with one of four texts, a thousand requests a second. The records are made
//! before the clock starts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use statistics::stats::Stats;
use traffic::clock::{Slot, Timestamp};
use traffic::record::wire::{Contents, Decoded};
use traffic::record::{Bucket, Outcome, RequestName};
use traffic::telemetry::TraceId;

const START: Slot = Slot(1_735_689_600);

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| {
        argument
            .parse::<u64>()
            .expect("the arguments are whole numbers")
    });
    let outcomes = arguments.next().unwrap_or(1_000_000);
    let per_record = arguments.next().unwrap_or(80);
    let records = records(outcomes, per_record);
    let started = tokio::time::Instant::now();
    let mut stats = Stats::new(START.full_second());
    for (slot, payload) in &records {
        let decoded = Decoded::read(payload, *slot).expect("a record of our own");
        stats.fold(Bucket::of(slot.full_second()), &decoded);
    }
    let seconds = started.elapsed().as_secs_f64();
    let counted = stats.report(START.full_second()).total.num_requests;
    println!("{{\"outcomes\": {counted}, \"seconds\": {seconds}}}");
}

fn records(outcomes: u64, per_record: u64) -> Vec<(Slot, Bytes)> {
    let names: Vec<Arc<RequestName>> = (0..18)
        .map(|number| {
            Arc::new(RequestName {
                method: "GET".into(),
                name: format!("/route/{number}").into(),
            })
        })
        .collect();
    let errors: Vec<Arc<str>> = (500..504)
        .map(|status| format!("HTTPError {status}").into())
        .collect();
    let outcome = |number: u64| Outcome {
        request: Arc::clone(&names[number as usize % names.len()]),
        completed_at: completed_at(number),
        response_time: Duration::from_micros((number * 7_919 % 20_000 + 1) * 100),
        content_length: 16 + number % 1_000,
        error: (number % 100 == 99).then(|| Arc::clone(&errors[number as usize / 100 % 4])),
        trace: (number % 100 == 99).then(TraceId::random),
        lateness: Some(Duration::from_micros(number % 1_000)),
        cold: false,
        stream: None,
        measured: Vec::new(),
    };
    let firsts = (0..outcomes).step_by(per_record as usize);
    firsts
        .map(|first| {
            let slot = completed_at(first).full_second();
            let numbers = first..outcomes.min(first + per_record);
            let mut contents = Contents {
                outcomes: numbers.map(outcome).collect(),
                ..Contents::default()
            };
            (slot, contents.encode(slot))
        })
        .collect()
}

fn completed_at(number: u64) -> Timestamp {
    START.full_second() + Duration::from_millis(number)
}
