//! Locust's `_stats_history.csv`: afterwards from the history, or line by line while a run goes on.

use std::collections::VecDeque;

use hashbrown::HashMap;
use statistics::reader::Snapshot;
use statistics::report::past::moments_of_rows;
use statistics::report::{PERCENTILE_NAMES, PERCENTILES, Row};
use statistics::stats::histogram::Histogram;
use statistics::stats::{OTHER_NAMES, Stats};

use super::table::{Table, content, measured, median, percentiles};
use crate::python::float;

/// The columns before the percentiles, and those after them.
const COLUMNS: ([&str; 6], [&str; 7]) = (
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

/// The age in seconds of the copy that current percentiles leave out, in order of preference.
const BEFORE: [u64; 17] = [10, 11, 9, 12, 8, 13, 7, 14, 6, 15, 5, 16, 4, 17, 3, 18, 2];

/// The history of all rows: Locust's `_stats_history.csv` with `--csv-full-history`, at the instants
/// that the history knows.
pub fn full_history(snapshot: &Snapshot) -> String {
    let mut table = Table::new();
    table.row(columns());
    for moment in moments_of_rows(snapshot) {
        for row in moment.rows.iter().chain([&moment.total]) {
            let current = &row.current_percentiles;
            table.row(line(moment.time, moment.user_count, row, current));
        }
    }
    table.text()
}

/// The first line of a history.
pub fn history_head() -> String {
    let mut table = Table::new();
    table.row(columns());
    table.text()
}

fn columns() -> impl Iterator<Item = &'static str> {
    let (before, after) = COLUMNS;
    before.into_iter().chain(PERCENTILE_NAMES).chain(after)
}

/// Locust's `_stats_history.csv` as it is written while a run goes on.
#[derive(Debug, Default)]
pub struct HistoryWriter {
    /// True if every row is written, and not only `Aggregated`.
    is_full: bool,
    /// Copies of the response times up to the end of a second, for the latest seconds.
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
        let report = snapshot.report();
        let users = snapshot.user_count();
        let time = snapshot.at.full_second().0;
        let mut table = Table::new();
        if self.is_full {
            let times = Times::of(&snapshot.stats);
            let before = self.before(time);
            for row in &report.rows {
                let current = times.percentiles_since(before, Some(row));
                table.row(line(time, users, row, &current));
            }
            let current = times.percentiles_since(before, None);
            table.row(line(time, users, &report.total, &current));
            self.keep(snapshot, times);
        } else {
            let row = &report.total;
            table.row(line(time, users, row, &row.percentiles));
        }
        table.text()
    }

    /// The copy from about ten seconds ago.
    fn before(&self, time: u64) -> Option<&Times> {
        let at = |second: u64| self.taken.iter().find(|(taken, _)| *taken == second);
        let seconds = BEFORE.iter().filter_map(|ago| time.checked_sub(*ago));
        seconds.filter_map(at).map(|(_, times)| times).next()
    }

    fn keep(&mut self, snapshot: &Snapshot, times: Times) {
        // requests that have ended by the nearest full second belong to the second before it
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

    /// The histogram of a row, or of all requests.
    fn get(&self, row: Option<&Row>) -> Option<&Histogram> {
        match row {
            Some(row) => self.rows.get(&[row.name.clone(), row.method.clone()]),
            None => Some(&self.all),
        }
    }

    /// The percentiles of the response times that are not in an earlier copy.
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

fn line(time: u64, users: u64, row: &Row, shown: &[u64; PERCENTILES.len()]) -> Vec<String> {
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
