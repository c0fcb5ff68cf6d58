//! Locust's CSV files, byte for byte.
//!
//! Rows, columns, order, rounding and quoting are Locust's. A number is written as an integer or as a float as Python
//! writes the result of the same operations.

use sha2::{Digest as _, Sha256};
use statistics::reader::Snapshot;
use statistics::report::time::utc;
use statistics::report::{ErrorRow, PERCENTILE_NAMES, Report};

use self::table::{STREAMS, Table, content, measured, median, percentiles, streams};
use super::python::{float, quoted};

mod ab;
mod history;
mod table;

pub use ab::{ab, ledger};
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

/// The table of requests: Locust's `_stats.csv`; where there are streams, their columns follow Locust's.
pub fn requests(report: &Report) -> String {
    let mut table = Table::new();
    let has_streams = report.total.stream.is_some();
    let of_streams = if has_streams { &STREAMS[..] } else { &[] };
    table.row(REQUESTS.iter().chain(&PERCENTILE_NAMES).chain(of_streams));
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
        if has_streams {
            cells.extend(streams(row.stream.as_ref()));
        }
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

/// The key by which Locust sorts failures.
fn digest(error: &ErrorRow) -> [u8; 32] {
    let key = format!("{}.{}.{}", error.method, error.name, quoted(&error.error));
    Sha256::digest(key.as_bytes()).into()
}

/// The table of exceptions: Locust's `_exceptions.csv`.
pub fn exceptions(snapshot: &Snapshot) -> String {
    let mut table = Table::new();
    table.row(EXCEPTIONS);
    for (message, traceback, count) in snapshot.exceptions() {
        table.row([&*count.to_string(), message, traceback, "local"]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streamed_report::report;

    #[test]
    fn columns_of_streams_follow_locusts_and_only_where_there_are_streams() {
        let (without, with) = (requests(&report(false)), requests(&report(true)));
        for (line, longer) in without.lines().zip(with.lines()) {
            assert!(longer.starts_with(line), "{longer}");
        }
        let added: Vec<&str> = (without.lines().zip(with.lines()))
            .map(|(line, longer)| &longer[line.len()..])
            .collect();
        assert!(
            added[0].starts_with(",Streams,Average First Byte,"),
            "{added:?}"
        );
        assert_eq!(
            added[1],
            ",1,50.0,200.0,200,200,200,81.818,82,82,82,26,12,6.0"
        );
        assert_eq!(added[2], ",".repeat(STREAMS.len()));
        assert_eq!(added[3], added[1]);
    }
}
