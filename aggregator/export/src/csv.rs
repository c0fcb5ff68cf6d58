//! Locust's CSV files, byte for byte.
//!
//! Rows, columns, order, rounding and quoting are Locust's. What it writes as an integer and what as
//! a float follows from what Python makes of the same operations.

use sha2::{Digest as _, Sha256};

use super::python::{float, quoted};
use statistics::reader::Snapshot;
use statistics::report::time::utc;
use statistics::report::{ErrorRow, Milliseconds, PERCENTILE_NAMES, PERCENTILES, Report, Row};

mod history;

pub use history::{HistoryWriter, full_history, history_head};

const REQUESTS: [&str; 11] = [
    "Type",
    "Name",
    "Request Count",
    "Failure Count",
    "Median Response Time",
    "Average Response Time",
    "Min Response Time",
    "Max Response Time",
    "Average Content Size",
    "Requests/s",
    "Failures/s",
];

const FAILURES: [&str; 6] = [
    "Method",
    "Name",
    "Error",
    "Occurrences",
    "First Seen",
    "Last Seen",
];

const EXCEPTIONS: [&str; 4] = ["Count", "Message", "Traceback", "Nodes"];

/// What stands where there is no percentile.
const NONE: &str = "N/A";

/// A table as it grows.
struct Table(csv::Writer<Vec<u8>>);

impl Table {
    fn new() -> Self {
        let mut builder = csv::WriterBuilder::new();
        builder.terminator(csv::Terminator::CRLF);
        Self(builder.from_writer(Vec::new()))
    }

    fn row<I: IntoIterator<Item = T>, T: AsRef<[u8]>>(&mut self, cells: I) {
        self.0
            .write_record(cells)
            .expect("rows of a table are equally long, and memory takes them");
    }

    fn text(self) -> String {
        let bytes = self.0.into_inner().expect("memory takes what is written");
        String::from_utf8(bytes).expect("cells are texts")
    }
}

/// The table of requests: Locust's `_stats.csv`.
pub fn requests(report: &Report) -> String {
    let mut table = Table::new();
    table.row(REQUESTS.iter().chain(&PERCENTILE_NAMES));
    for row in report.rows.iter().chain([&report.total]) {
        let mut cells = vec![
            row.method.to_string(),
            row.name.to_string(),
            row.num_requests.to_string(),
            row.num_failures.to_string(),
            median(row),
            float(row.avg_response_time),
            measured(row.exact_min.unwrap_or(0.0)),
            measured(row.exact_max),
            content(row),
            float(row.total_rps),
            float(row.total_fail_per_sec),
        ];
        cells.extend(percentiles(row, &row.percentiles));
        table.row(cells);
    }
    table.text()
}

/// The table of failures: Locust's `_failures.csv`.
pub fn failures(report: &Report) -> String {
    let mut table = Table::new();
    table.row(FAILURES);
    let mut errors: Vec<&ErrorRow> = report.errors.iter().collect();
    errors.sort_by_cached_key(|error| digest(error));
    for error in errors {
        table.row([
            &*error.method,
            &*error.name,
            &*error.error,
            &error.occurrences.to_string(),
            &utc(error.first_seen as u64),
            &utc(error.last_seen as u64),
        ]);
    }
    table.text()
}

/// What Locust sorts failures by.
fn digest(error: &ErrorRow) -> [u8; 32] {
    let key = format!("{}.{}.{}", error.method, error.name, quoted(&error.error));
    Sha256::digest(key.as_bytes()).into()
}

/// The table of what could not be evaluated: Locust's `_exceptions.csv`.
pub fn exceptions(snapshot: &Snapshot) -> String {
    let mut table = Table::new();
    table.row(EXCEPTIONS);
    for (message, traceback, count) in snapshot.exceptions() {
        table.row([&*count.to_string(), message, traceback, "local"]);
    }
    table.text()
}

fn percentiles(row: &Row, shown: &[u64; PERCENTILES.len()]) -> [String; PERCENTILES.len()] {
    let is_there = row.num_requests > 0;
    shown.map(|shown| {
        if is_there {
            shown.to_string()
        } else {
            NONE.into()
        }
    })
}

fn median(row: &Row) -> String {
    match row.median_response_time {
        Milliseconds::Whole(whole) => whole.to_string(),
        Milliseconds::Exact(exact) => float(exact),
    }
}

/// A response time as it was measured; where there was none, or it was none, Locust has an integer.
fn measured(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    float(value)
}

fn content(row: &Row) -> String {
    if row.num_requests == 0 {
        return "0".into();
    }
    float(row.avg_content_length)
}
