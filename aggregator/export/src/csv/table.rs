//! A CSV table as it grows, and cells as Locust writes them.

use statistics::report::{Milliseconds, PERCENTILES, Row, StreamFigures};

use crate::python::float;

/// The columns of streams.
pub(super) const STREAMS: [&str; 13] = [
    "Streams",
    "Average First Byte",
    "Average First Event",
    "First Event 50%",
    "First Event 95%",
    "First Event 99%",
    "Average Inter-Token Latency",
    "Inter-Token Latency 50%",
    "Inter-Token Latency 95%",
    "Inter-Token Latency 99%",
    "Input Tokens",
    "Output Tokens",
    "Tokens/s",
];

/// The cell of a percentile that there is none of.
const NONE: &str = "N/A";

pub(super) struct Table(csv::Writer<Vec<u8>>);

impl Table {
    pub(super) fn new() -> Self {
        let mut builder = csv::WriterBuilder::new();
        builder.terminator(csv::Terminator::CRLF);
        Self(builder.from_writer(Vec::new()))
    }

    pub(super) fn row<I: IntoIterator<Item = T>, T: AsRef<[u8]>>(&mut self, cells: I) {
        self.0
            .write_record(cells)
            .expect("rows of a table are equally long, and memory takes them");
    }

    pub(super) fn text(self) -> String {
        let bytes = self.0.into_inner().expect("memory takes what is written");
        String::from_utf8(bytes).expect("cells are texts")
    }
}

pub(super) fn percentiles(
    row: &Row,
    shown: &[u64; PERCENTILES.len()],
) -> [String; PERCENTILES.len()] {
    shown.map(|shown| match row.num_requests {
        0 => NONE.into(),
        _ => shown.to_string(),
    })
}

pub(super) fn median(row: &Row) -> String {
    match row.median_response_time {
        Milliseconds::Whole(whole) => whole.to_string(),
        Milliseconds::Exact(exact) => float(exact),
    }
}

/// A response time as it was measured; Locust has an integer for 0, and for a row without requests.
pub(super) fn measured(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    float(value)
}

pub(super) fn content(row: &Row) -> String {
    if row.num_requests == 0 {
        return "0".into();
    }
    float(row.avg_content_length)
}

/// The cells of [`STREAMS`]; empty where nothing is known.
pub(super) fn streams(figures: Option<&StreamFigures>) -> [String; STREAMS.len()] {
    let Some(figures) = figures else {
        return std::array::from_fn(|_| String::new());
    };
    let mean = |value: Option<f64>| value.map(float).unwrap_or_default();
    let percentile = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        figures.responses.to_string(),
        mean(figures.avg_first_byte),
        mean(figures.avg_first_event),
        percentile(figures.median_first_event),
        percentile(figures.first_event_percentile_95),
        percentile(figures.first_event_percentile_99),
        mean(figures.avg_inter_token_latency),
        percentile(figures.median_inter_token_latency),
        percentile(figures.inter_token_latency_percentile_95),
        percentile(figures.inter_token_latency_percentile_99),
        figures.input_tokens.to_string(),
        figures.output_tokens.to_string(),
        mean(figures.tokens_per_second),
    ]
}
