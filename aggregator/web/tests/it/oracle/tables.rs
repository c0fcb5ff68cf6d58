//! Our CSV files beside Locust's, byte for byte.

use std::sync::Arc;

use export::csv::{self, HistoryWriter};
use serde_json::Value;
use statistics::reader::Snapshot;
use statistics::stats::Stats;
use traffic::clock::Timestamp;

/// What the statistics say, without a run.
pub(crate) fn snapshot(stats: &Stats, at: Timestamp) -> Snapshot {
    Snapshot {
        run: None,
        stats: Arc::new(stats.clone()),
        ledger: Arc::default(),
        ledger_past: Arc::default(),
        is_settled: false,
        busy: 0,
        parts: Arc::default(),
        part: None,
        at,
    }
}

/// Panics where a byte differs; but where sums of floats are not exact, so may the last digits of
/// means be.
pub(crate) fn compare(place: &str, stats: &Stats, now: Timestamp, locust: &Value, is_exact: bool) {
    let report = stats.report(now);
    let history = HistoryWriter::new(false).lines(&snapshot(stats, now));
    for (table, ours, mean) in [
        ("requests", csv::requests(&report), 5),
        ("failures", csv::failures(&report), usize::MAX),
        ("history", history, 20),
    ] {
        let theirs = locust[table].as_str().expect("a text");
        if is_exact || ours == theirs {
            assert_eq!(ours, theirs, "{place}: {table}");
        } else {
            cells(&format!("{place}: {table}"), &ours, theirs, mean);
        }
    }
}

fn cells(place: &str, ours: &str, theirs: &str, mean: usize) {
    let (ours, theirs) = (rows(ours), rows(theirs));
    assert_eq!(ours.len(), theirs.len(), "{place}: rows");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.len(), theirs.len(), "{place}: {ours:?}");
        for (number, (one, other)) in ours.iter().zip(theirs).enumerate() {
            if number == mean {
                let [one, other] = [one, other].map(|cell| cell.parse::<f64>());
                if let (Ok(one), Ok(other)) = (one, other) {
                    assert!(
                        (one - other).abs() <= 1e-9 * other.abs(),
                        "{place}: {ours:?}"
                    );
                    continue;
                }
            }
            assert_eq!(one, other, "{place}: {ours:?}");
        }
    }
}

/// The cells of a table.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).from_reader(text.as_bytes());
    let records = reader.records().map(|record| record.expect("a table"));
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}
