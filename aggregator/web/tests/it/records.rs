//! Request logs as records: in any partition, any order, and any number of times.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use statistics::stats::{Limits, Stats};
use traffic::clock::Timestamp;
use traffic::random::Draws;
use traffic::record::wire::{Contents, Decoded};
use traffic::record::{Block, Bucket, ExceptionEntry, Outcome, Record, RecordKey, RequestName};
use traffic::run::RunId;
use traffic::telemetry::TraceId;

/// One request of a log; times in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: u64,
    pub(crate) method: String,
    pub(crate) name: String,
    pub(crate) response_us: u64,
    pub(crate) content_length: u64,
    pub(crate) error: Option<String>,
}

impl Request {
    /// A `GET` that took so many milliseconds and was completed at an instant that is still to be said.
    pub(crate) fn took(name: &str, milliseconds: f64) -> Self {
        Self {
            at: 0,
            method: "GET".into(),
            name: name.into(),
            response_us: (milliseconds * 1e3).round() as u64,
            content_length: 100,
            error: None,
        }
    }

    /// The same as a failure.
    pub(crate) fn failed(self, error: &str) -> Self {
        Self {
            error: Some(error.into()),
            ..self
        }
    }

    /// The trace that it leads to, if it is one of two out of three that have any. It depends on nothing
    /// but the request, and those that are completed at once have different ones.
    pub(crate) fn trace(&self) -> Option<TraceId> {
        let mut draws = Draws::new(self.at, &self.name, 0, self.response_us);
        let id = [draws.bits().to_be_bytes(), draws.bits().to_be_bytes()];
        TraceId::from_bytes(id.concat().try_into().ok()?).filter(|_| draws.chance(0.67))
    }

    fn outcome(&self) -> Outcome {
        Outcome {
            request: Arc::new(RequestName {
                method: self.method.as_str().into(),
                name: self.name.as_str().into(),
            }),
            completed_at: Timestamp::from_micros(self.at),
            response_time: Duration::from_micros(self.response_us),
            content_length: self.content_length,
            error: self.error.as_deref().map(Into::into),
            trace: self.trace(),
            lateness: None,
            cold: false,
            stream: None,
            measured: Vec::new(),
        }
    }
}

/// A record of `bucket` with these requests.
pub(crate) fn record(bucket: Bucket, writer: u64, requests: &[&Request]) -> Record {
    let exceptions = Vec::new();
    record_with(bucket, writer, requests, exceptions)
}

/// A record of `bucket` with so many requests, each sent so late.
pub(crate) fn late(bucket: Bucket, requests: usize, at: Timestamp, lateness: Duration) -> Record {
    let request = Request {
        at: at.micros(),
        ..Request::took("/late", 10.0)
    };
    let outcome = Outcome {
        lateness: Some(lateness),
        ..request.outcome()
    };
    let contents = Contents {
        outcomes: vec![outcome; requests],
        ..Contents::default()
    };
    contents_record(contents, bucket, at.micros())
}

/// A record of `bucket` with these requests and exceptions.
pub(crate) fn record_with(
    bucket: Bucket,
    writer: u64,
    requests: &[&Request],
    exceptions: Vec<ExceptionEntry>,
) -> Record {
    let contents = Contents {
        outcomes: requests.iter().map(|request| request.outcome()).collect(),
        exceptions,
        ..Contents::default()
    };
    contents_record(contents, bucket, writer)
}

fn contents_record(mut contents: Contents, bucket: Bucket, writer: u64) -> Record {
    contents.record(RecordKey {
        run: RunId("run".into()),
        bucket,
        class: "Class".into(),
        block: Block(0),
        slot: bucket.start().full_second(),
        writer,
        sequence: 0,
    })
}

/// The log in up to `writers` records a bucket, drawn at random.
pub(crate) fn partition(log: &[Request], writers: u64, draws: &mut Draws) -> Vec<Record> {
    let mut parts: BTreeMap<(Bucket, u64), Vec<&Request>> = BTreeMap::new();
    for request in log {
        let bucket = Bucket::of(Timestamp::from_micros(request.at));
        let part = (bucket, draws.below(writers));
        parts.entry(part).or_default().push(request);
    }
    parts
        .iter()
        .map(|(&(bucket, writer), requests)| record(bucket, writer, requests))
        .collect()
}

/// The records in random order, some of them twice.
pub(crate) fn delivered(records: &[Record], draws: &mut Draws) -> Vec<Record> {
    let mut delivered = records.to_vec();
    delivered.extend(records.iter().filter(|_| draws.chance(0.3)).cloned());
    shuffle(&mut delivered, draws);
    delivered
}

/// Each record once, as a store keeps them, in the order of their first delivery.
pub(crate) fn stored(delivered: Vec<Record>) -> Vec<Record> {
    let mut seen = std::collections::HashSet::new();
    delivered
        .into_iter()
        .filter(|record| seen.insert(record.key.clone()))
        .collect()
}

pub(crate) fn shuffle<T>(items: &mut [T], draws: &mut Draws) {
    for end in (1..items.len()).rev() {
        items.swap(end, draws.below(end as u64 + 1) as usize);
    }
}

pub(crate) fn fold(stats: &mut Stats, record: &Record) {
    let decoded = Decoded::read(&record.payload, record.key.slot).expect("a record of our own");
    stats.fold(record.key.bucket, &decoded);
}

/// All records folded one after the other.
pub(crate) fn fold_all(since: u64, records: &[Record], limits: Limits) -> Stats {
    let mut stats = Stats::with_limits(Timestamp::from_micros(since), limits);
    for record in records {
        fold(&mut stats, record);
    }
    stats
}

/// The records folded in several parts, which are then merged in random order, some of them by way
/// of a checkpoint.
pub(crate) fn fold_in_parts(
    since: u64,
    records: &[Record],
    limits: Limits,
    draws: &mut Draws,
) -> Stats {
    let count = 1 + draws.below(6) as usize;
    let empty = Stats::with_limits(Timestamp::from_micros(since), limits);
    let mut parts = vec![empty; count];
    for record in records {
        fold(&mut parts[draws.below(count as u64) as usize], record);
    }
    while parts.len() > 1 {
        shuffle(&mut parts, draws);
        let mut part = parts.pop().expect("there are two");
        if draws.chance(0.5) {
            part = Stats::decode(&part.encode(), limits).expect("a checkpoint of our own");
        }
        let last = parts.len() - 1;
        parts[last].merge(&part);
    }
    parts.pop().expect("there is one")
}
