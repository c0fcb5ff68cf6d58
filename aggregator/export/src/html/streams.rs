//! The table of a report's rows whose responses are streams.

use serde::Serialize;
use statistics::report::{Row, StreamFigures};

use crate::chart::figure;

/// The columns.
pub(super) const NAMES: [&str; 9] = [
    "# Streams",
    "First byte (ms)",
    "First event (ms)",
    "First event 95 %",
    "Inter-token latency (ms)",
    "Inter-token latency 95 %",
    "Tokens in",
    "Tokens out",
    "Tokens/s",
];

/// A row.
#[derive(Serialize)]
pub(super) struct StreamRow<'a> {
    method: &'a str,
    name: &'a str,
    cells: [String; NAMES.len()],
}

impl<'a> StreamRow<'a> {
    /// The row of requests that are streams.
    pub(super) fn of(row: &'a Row) -> Option<Self> {
        Some(Self {
            method: &row.method,
            name: &row.name,
            cells: cells(row.stream.as_ref()?),
        })
    }
}

fn cells(of: &StreamFigures) -> [String; NAMES.len()] {
    let mean = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), figure);
    let percentile = |value: Option<u64>| mean(value.map(|value| value as f64));
    [
        of.responses.to_string(),
        mean(of.avg_first_byte),
        mean(of.avg_first_event),
        percentile(of.first_event_percentile_95),
        mean(of.avg_inter_token_latency),
        percentile(of.inter_token_latency_percentile_95),
        of.input_tokens.to_string(),
        of.output_tokens.to_string(),
        mean(of.tokens_per_second),
    ]
}
