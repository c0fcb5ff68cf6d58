//! The statistics as Locust's `--json` has them: a list of rows, each with all of its counts.
//!
//! Locust keeps the requests of every single second; Cicada keeps those of the latest seconds.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use traffic::clock::Timestamp;

use statistics::custom_metrics::{self, MetricFigures};
use statistics::ledger::AdaptiveLoad;
use statistics::reader::Snapshot;
use statistics::report::StreamFigures;
use statistics::stats::OTHER_NAMES;
use statistics::stats::entry::Entry;
use statistics::stats::histogram::{Histogram, milliseconds};
use statistics::thresholds::{Judged, judged};

/// One row, in the order of Locust's fields.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    method: &'a str,
    last_request_timestamp: Option<f64>,
    start_time: f64,
    num_requests: u64,
    num_none_requests: u64,
    num_failures: u64,
    total_response_time: f64,
    max_response_time: f64,
    min_response_time: Option<f64>,
    total_content_length: u128,
    response_times: Times<'a>,
    num_reqs_per_sec: BTreeMap<u64, u64>,
    num_fail_per_sec: BTreeMap<u64, u64>,
    /// After Locust's own, of rows with streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<StreamFigures>,
}

/// The rows of a run, and what it has besides.
#[derive(Serialize)]
struct WithMore<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    statistics: Vec<Row<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    thresholds: Vec<Judged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adaptive: Option<&'a AdaptiveLoad>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    custom_metrics: Vec<MetricFigures>,
}

/// The count of each response time in milliseconds, from the fastest.
struct Times<'a>(&'a Histogram);

impl Serialize for Times<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let times = self.0.iter();
        serializer.collect_map(times.map(|(key, count)| (milliseconds(key), count)))
    }
}

/// `value` as Python's `json.dumps(..., indent=4)` writes it.
pub fn indented(value: &impl Serialize) -> String {
    let mut json = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut json, format);
    let written = value.serialize(&mut serializer);
    written.expect("memory takes all that is written, and keys are texts or numbers");
    String::from_utf8(json).expect("JSON is text")
}

/// The rows that have requests, as JSON that is indented by four. Of a run with thresholds, an adaptive load, custom
/// metrics, a name or a note an object: the rows lie under `statistics` then, the verdicts under `thresholds`, the
/// decisions under `adaptive` and the metrics under `custom_metrics`.
pub fn statistics(snapshot: &Snapshot) -> String {
    let stats = &snapshot.stats;
    let since = stats.since();
    let others = stats.rows().others();
    let rows: Vec<Row<'_>> = stats
        .rows()
        .iter()
        .chain(others.map(|others| ([OTHER_NAMES, ""], others)))
        .filter(|(_, entry)| entry.sum.requests > 0)
        .map(|([name, method], entry)| row(name, method, entry, since))
        .collect();
    let (thresholds, custom_metrics) = (judged(snapshot), custom_metrics::figures(snapshot));
    let adaptive = snapshot.ledger.adaptive.as_ref();
    let run = snapshot.run.as_ref().map(|run| run.plan.run());
    let [name, note] = ["name", "note"].map(|key| run.and_then(|run| run.label(key)));
    let has_more = !thresholds.is_empty()
        || !custom_metrics.is_empty()
        || adaptive.is_some()
        || name.is_some()
        || note.is_some();
    if !has_more {
        return indented(&rows);
    }
    indented(&WithMore {
        name,
        note,
        statistics: rows,
        thresholds,
        adaptive,
        custom_metrics,
    })
}

fn row<'a>(name: &'a str, method: &'a str, entry: &'a Entry, since: Timestamp) -> Row<'a> {
    let (first, last) = entry.span.unzip();
    let ms = |micros: u64| micros as f64 / 1e3;
    let per_second = |count: fn(u64, u64) -> u64| {
        let seconds = entry.seconds.iter();
        let counted =
            seconds.map(|(second, counts)| (second, count(counts.requests, counts.failures)));
        counted.filter(|(_, count)| *count > 0).collect()
    };
    Row {
        name,
        method,
        last_request_timestamp: last.map(Timestamp::seconds),
        start_time: first.unwrap_or(since).seconds(),
        num_requests: entry.sum.requests,
        num_none_requests: 0,
        num_failures: entry.sum.failures,
        total_response_time: entry.sum.response_us as f64 / 1e3,
        max_response_time: ms(entry.sum.max_us),
        min_response_time: (entry.sum.min_us < u64::MAX).then(|| ms(entry.sum.min_us)),
        total_content_length: entry.sum.content,
        response_times: Times(&entry.histogram),
        num_reqs_per_sec: per_second(|requests, _| requests),
        num_fail_per_sec: per_second(|_, failures| failures),
        stream: entry.streams.as_deref().map(StreamFigures::of),
    }
}
