//! Locust's CSV files, byte for byte.
//!
//! Rows, columns, order, rounding and quoting are Locust's. What it writes as an integer and what as
//! a float follows from what Python makes of the same operations.

use std::collections::VecDeque;

use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};

use super::python::{float, quoted};
use crate::control::user_count;
use crate::reader::Snapshot;
use crate::report::past::moments_of_rows;
use crate::report::time::utc;
use crate::report::{ErrorRow, Milliseconds, PERCENTILE_NAMES, PERCENTILES, Report, Row};
use crate::stats::histogram::Histogram;
use crate::stats::{OTHER_NAMES, Stats};

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

/// What comes before the percentiles in the history, and what after them.
const HISTORY: ([&str; 6], [&str; 7]) = (
    [
        "Timestamp",
        "User Count",
        "Type",
        "Name",
        "Requests/s",
        "Failures/s",
    ],
    [
        "Total Request Count",
        "Total Failure Count",
        "Total Median Response Time",
        "Total Average Response Time",
        "Total Min Response Time",
        "Total Max Response Time",
        "Total Average Content Size",
    ],
);

/// What stands where there is no percentile.
const NONE: &str = "N/A";

/// How long ago what current percentiles leave out was counted, in seconds; in order of preference.
const BEFORE: [u64; 17] = [10, 11, 9, 12, 8, 13, 7, 14, 6, 15, 5, 16, 4, 17, 3, 18, 2];

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

/// The history of all rows: Locust's `_stats_history.csv` with `--csv-full-history`, at the instants
/// that the history knows.
pub fn full_history(snapshot: &Snapshot) -> String {
    let mut table = Table::new();
    table.row(history_columns());
    for moment in moments_of_rows(snapshot) {
        for row in moment.rows.iter().chain([&moment.total]) {
            let current = &row.current_percentiles;
            table.row(history_row(moment.time, moment.user_count, row, current));
        }
    }
    table.text()
}

/// The first line of a history.
pub fn history_head() -> String {
    let mut table = Table::new();
    table.row(history_columns());
    table.text()
}

fn history_columns() -> impl Iterator<Item = &'static str> {
    let (before, after) = HISTORY;
    before.into_iter().chain(PERCENTILE_NAMES).chain(after)
}

/// Locust's `_stats_history.csv` as it is written while a run goes on.
#[derive(Debug, Default)]
pub struct HistoryWriter {
    /// Whether every row is written; if not, only `Aggregated`.
    is_full: bool,
    /// Response times up to the end of a second, of those that were asked about lately.
    taken: VecDeque<(u64, Times)>,
}

/// Response times by name and method, and of all requests.
#[derive(Debug, Default)]
struct Times {
    rows: HashMap<[Box<str>; 2], Histogram>,
    all: Histogram,
}

impl HistoryWriter {
    /// A history of `Aggregated`, or of every row.
    pub fn new(is_full: bool) -> Self {
        Self {
            is_full,
            taken: VecDeque::new(),
        }
    }

    /// The lines for an instant, to be asked for once a second.
    pub fn lines(&mut self, snapshot: &Snapshot) -> String {
        let report = snapshot.stats.report(snapshot.at);
        let users = user_count(snapshot.run.as_deref(), snapshot.at);
        let time = snapshot.at.slot().0;
        let mut table = Table::new();
        if self.is_full {
            let times = Times::of(&snapshot.stats);
            let before = self.before(time);
            for row in &report.rows {
                let current = times.percentiles_since(before, Some(row));
                table.row(history_row(time, users, row, &current));
            }
            let current = times.percentiles_since(before, None);
            table.row(history_row(time, users, &report.total, &current));
            self.keep(snapshot, times);
        } else {
            let row = &report.total;
            table.row(history_row(time, users, row, &row.percentiles));
        }
        table.text()
    }

    /// What was taken about ten seconds ago.
    fn before(&self, time: u64) -> Option<&Times> {
        let at = |second: u64| self.taken.iter().find(|(taken, _)| *taken == second);
        let seconds = BEFORE.iter().filter_map(|ago| time.checked_sub(*ago));
        seconds.filter_map(at).map(|(_, times)| times).next()
    }

    fn keep(&mut self, snapshot: &Snapshot, times: Times) {
        // what is over at the nearest full second belongs to the second before it
        let rounded = (snapshot.at.micros() + 500_000) / 1_000_000;
        let second = rounded.saturating_sub(1);
        if self.taken.back().is_none_or(|(last, _)| *last < second) {
            self.taken.push_back((second, times));
        }
        let oldest = second.saturating_sub(20);
        while self.taken.front().is_some_and(|(taken, _)| *taken < oldest) {
            self.taken.pop_front();
        }
    }
}

impl Times {
    fn of(stats: &Stats) -> Self {
        let mut times = Self::default();
        for ([name, method], entry) in stats.rows().iter() {
            times.add([name, method], &entry.histogram);
        }
        if let Some(others) = stats.rows().others() {
            times.add([OTHER_NAMES, ""], &others.histogram);
        }
        times
    }

    fn add(&mut self, [name, method]: [&str; 2], histogram: &Histogram) {
        self.all.merge(histogram);
        self.rows
            .insert([name.into(), method.into()], histogram.clone());
    }

    /// The histogram of a row; of all requests where there is none.
    fn get(&self, row: Option<&Row>) -> Option<&Histogram> {
        match row {
            Some(row) => self.rows.get(&[row.name.clone(), row.method.clone()]),
            None => Some(&self.all),
        }
    }

    /// Percentiles of what is not in an earlier copy.
    fn percentiles_since(
        &self,
        before: Option<&Self>,
        row: Option<&Row>,
    ) -> [u64; PERCENTILES.len()] {
        let (Some(now), Some(before)) = (self.get(row), before) else {
            // as in Locust, in the first seconds
            return [0; PERCENTILES.len()];
        };
        match before.get(row) {
            Some(before) => now.without(before).percentiles(PERCENTILES),
            None => now.percentiles(PERCENTILES),
        }
    }
}

fn history_row(time: u64, users: u64, row: &Row, shown: &[u64; PERCENTILES.len()]) -> Vec<String> {
    let mut cells = vec![
        time.to_string(),
        users.to_string(),
        row.method.to_string(),
        row.name.to_string(),
        format!("{:.6}", row.current_rps),
        format!("{:.6}", row.current_fail_per_sec),
    ];
    cells.extend(percentiles(row, shown));
    cells.extend([
        row.num_requests.to_string(),
        row.num_failures.to_string(),
        median(row),
        float(row.avg_response_time),
        measured(row.exact_min.unwrap_or(0.0)),
        measured(row.exact_max),
        content(row),
    ]);
    cells
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
