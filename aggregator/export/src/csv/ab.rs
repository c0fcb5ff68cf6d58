//! A/B and the ledger as CSV: a row for each pair, and for each class.

use statistics::ledger::{Account, Ledger};

use super::table::Table;
use crate::ab::{Comparison, Difference, Pair, Side, SideStream};

const PAIR: [&str; 5] = ["Name", "Method", "Verdict", "Sure", "Explanation"];

const SIDE: [&str; 8] = [
    "Model",
    "Name",
    "Request Count",
    "Failure Count",
    "Fail Ratio",
    "Average Response Time",
    "Median Response Time",
    "95%",
];

const DIFFERENCES: [&str; 4] = [
    "Fail Ratio",
    "Average Response Time",
    "Median Response Time",
    "95%",
];

const STREAM: [&str; 8] = [
    "Average First Event",
    "First Event 50%",
    "First Event 95%",
    "Average Inter-Token Latency",
    "Tokens/s",
    "Input Tokens",
    "Output Tokens",
    "Cost",
];

const LEDGER: [&str; 13] = [
    "Class",
    "Planned",
    "Recorded",
    "Cut Off",
    "Skipped",
    "Missing",
    "Pending",
    "Duplicates",
    "Unplanned",
    "Lateness 50% (ms)",
    "Lateness 95% (ms)",
    "Lateness 99% (ms)",
    "Lateness Max (ms)",
];

/// The pairs: both sides, and the differences with the ends of their intervals. Times are milliseconds.
pub fn ab(comparison: &Comparison) -> String {
    let mut table = Table::new();
    let sides = ["A", "B"];
    let mut head: Vec<String> = PAIR.map(str::to_owned).to_vec();
    head.extend(
        sides
            .iter()
            .flat_map(|side| SIDE.map(|name| format!("{side} {name}"))),
    );
    head.extend(
        DIFFERENCES
            .iter()
            .flat_map(|name| ["Difference", "Low", "High"].map(|end| format!("{name} {end}"))),
    );
    let mut pairs = comparison.pairs.iter();
    let has_streams = pairs.any(|pair| pair.avg_first_event.is_some());
    if has_streams {
        let sides = sides.iter();
        head.extend(sides.flat_map(|side| STREAM.map(|name| format!("{side} {name}"))));
        head.extend(["Difference", "Low", "High"].map(|end| format!("First Event {end}")));
    }
    table.row(head);
    for pair in &comparison.pairs {
        let mut cells = cells(pair);
        if has_streams {
            cells.extend(stream(pair.a.stream.as_ref()));
            cells.extend(stream(pair.b.stream.as_ref()));
            let first_event = pair.avg_first_event.as_ref();
            cells.extend(first_event.map_or_else(Default::default, ends));
        }
        table.row(cells);
    }
    table.text()
}

fn cells(pair: &Pair) -> Vec<String> {
    let mut cells = vec![
        pair.name.clone(),
        pair.method.clone(),
        pair.verdict.clone(),
        number(pair.sure),
        pair.explanation.clone(),
    ];
    cells.extend(side(&pair.a));
    cells.extend(side(&pair.b));
    cells.extend(ends(&pair.fail_ratio));
    cells.extend(ends(&pair.avg_response_time));
    cells.extend(ends(&pair.median_response_time));
    cells.extend(ends(&pair.response_time_percentile_95));
    cells
}

fn side(side: &Side) -> [String; 8] {
    [
        side.model.clone().unwrap_or_default(),
        side.name.clone(),
        side.num_requests.to_string(),
        side.num_failures.to_string(),
        number(side.fail_ratio),
        number(side.avg_response_time),
        number(side.median_response_time),
        number(side.response_time_percentile_95),
    ]
}

fn stream(side: Option<&SideStream>) -> [String; STREAM.len()] {
    let Some(side) = side else {
        return std::array::from_fn(|_| String::new());
    };
    let whole = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    [
        number(side.avg_first_event),
        whole(side.median_first_event),
        whole(side.first_event_percentile_95),
        number(side.avg_inter_token_latency),
        number(side.tokens_per_second),
        side.input_tokens.to_string(),
        side.output_tokens.to_string(),
        number(side.cost),
    ]
}

fn ends<V>(of: &Difference<V>) -> [String; 3] {
    [of.difference, of.low, of.high].map(number)
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The classes of the ledger, and all of them in the last row.
pub fn ledger(ledger: &Ledger) -> String {
    let mut table = Table::new();
    table.row(LEDGER);
    for (class, account) in &ledger.classes {
        table.row(booked(class, account));
    }
    table.row(booked("All classes", &ledger.total));
    table.text()
}

fn booked(class: &str, account: &Account) -> Vec<String> {
    let counts = [
        account.planned,
        account.recorded,
        account.cut_off,
        account.skipped,
        account.missing,
        account.pending,
        account.duplicates,
        account.unplanned,
    ];
    let late = &account.lateness_ms;
    let lateness = [late.p50, late.p95, late.p99, late.max];
    let counts = counts.iter().map(u64::to_string);
    std::iter::once(class.to_owned())
        .chain(counts)
        .chain(lateness.iter().map(f64::to_string))
        .collect()
}
