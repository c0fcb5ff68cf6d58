//! The statistics at an instant: Locust's figures, its `/stats/requests`, its tables.
//!
//! A [`Report`] holds every row and error, for tables and downloads; [`page_rows`] are those of `/stats/requests`, no more
//! than Locust's. `figures` computes, [`table`] has the console's tables, and [`past`] has the figures of earlier instants.

use serde::Serialize;
use traffic::clock::Timestamp;
use traffic::telemetry::TraceId;
use utoipa::ToSchema;

use crate::stats::OTHER_NAMES;

pub mod events;
pub mod figures;
pub mod past;
mod streams;
pub mod table;
pub mod time;

pub use crate::stats::histogram::PERCENTILES;
pub use streams::StreamFigures;

/// Rows, and errors, in `/stats/requests`: Locust's own limit.
pub const PAGE_ROWS: usize = 500;

/// The headings of [`PERCENTILES`].
pub const PERCENTILE_NAMES: [&str; 11] = [
    "50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%",
];

/// The figures of the statistics at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// All rows, sorted by name and method.
    pub rows: Vec<Row>,
    /// The row `Aggregated`.
    pub total: Row,
    /// All errors, in order of their first occurrence.
    pub errors: Vec<ErrorRow>,
    /// Medians and 95th percentiles of about the last ten seconds.
    pub current_response_time_percentiles: CurrentPercentiles,
    /// The instant from which the statistics count.
    pub start_time: Timestamp,
    /// The end of the time that `total_rps` is of: the latest request, or the end of the run if that is later; `None`
    /// before the first request.
    pub end_time: Option<Timestamp>,
    /// The instant at which the latest request was completed.
    pub last_request_timestamp: Option<Timestamp>,
}

/// One row of Locust's statistics; times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Row {
    /// The method; empty for `Aggregated`.
    #[schema(value_type = String)]
    pub method: Box<str>,
    /// The request's name.
    #[schema(value_type = String)]
    pub name: Box<str>,
    /// Requests, failed or not.
    pub num_requests: u64,
    /// Failures among them.
    pub num_failures: u64,
    /// The fastest response, rounded to whole milliseconds.
    pub min_response_time: f64,
    /// The slowest response, rounded to whole milliseconds.
    pub max_response_time: f64,
    /// Requests a second in about the last ten seconds.
    pub current_rps: f64,
    /// Failures a second in about the last ten seconds.
    pub current_fail_per_sec: f64,
    /// The mean response time.
    pub avg_response_time: f64,
    /// The median, to two significant digits and never outside minimum and maximum.
    #[schema(value_type = f64)]
    pub median_response_time: Milliseconds,
    /// Requests a second since the start.
    pub total_rps: f64,
    /// Failures a second since the start.
    pub total_fail_per_sec: f64,
    /// The 95th percentile, to two significant digits.
    #[serde(rename = "response_time_percentile_0.95")]
    pub response_time_percentile_95: u64,
    /// The 99th percentile, to two significant digits.
    #[serde(rename = "response_time_percentile_0.99")]
    pub response_time_percentile_99: u64,
    /// The mean length of a response's body, in bytes.
    pub avg_content_length: f64,
    /// The same as `current_rps`, which some dashboards know by this name.
    pub requests_per_second: f64,
    /// The figures of its streamed responses, if it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamFigures>,
    /// Failures by requests.
    #[serde(skip)]
    pub fail_ratio: f64,
    /// The fastest response as measured, if there was one.
    #[serde(skip)]
    pub exact_min: Option<f64>,
    /// The slowest response as measured, or 0.
    #[serde(skip)]
    pub exact_max: f64,
    /// Response times at [`PERCENTILES`], to two significant digits.
    #[serde(skip)]
    pub percentiles: [u64; PERCENTILES.len()],
    /// The same of about the last ten seconds.
    #[serde(skip)]
    pub current_percentiles: [u64; PERCENTILES.len()],
    /// The mean time to the first event of the streams of about the last ten seconds; only in the past.
    #[serde(skip)]
    pub current_first_event: Option<f64>,
    /// Their tokens a second; only in the past.
    #[serde(skip)]
    pub current_tokens_per_second: Option<f64>,
}

/// Milliseconds that are a whole number in Python, or a float.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Milliseconds {
    /// A key of the histogram.
    Whole(u64),
    /// A response time as measured.
    Exact(f64),
}

impl Milliseconds {
    /// The number as a float.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Exact(exact) => exact,
        }
    }
}

/// One error of Locust's statistics; times in seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ErrorRow {
    /// The request's name.
    #[schema(value_type = String)]
    pub name: Box<str>,
    /// The request's method.
    #[schema(value_type = String)]
    pub method: Box<str>,
    /// The error's text.
    #[schema(value_type = String)]
    pub error: Box<str>,
    /// The number of occurrences.
    pub occurrences: u64,
    /// The first occurrence.
    pub first_seen: f64,
    /// The latest occurrence.
    pub last_seen: f64,
    /// The same as `occurrences`, as older exporters spell it.
    #[serde(rename = "occurences")]
    pub misspelt: u64,
    /// The trace of the latest occurrence that has one.
    #[schema(value_type = Option<String>)]
    pub trace_id: Option<TraceId>,
}

/// Percentiles of about the last ten seconds, in milliseconds; none without requests in reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct CurrentPercentiles {
    /// The median.
    #[serde(rename = "response_time_percentile_0.5")]
    pub median: Option<u64>,
    /// The 95th percentile.
    #[serde(rename = "response_time_percentile_0.95")]
    pub p95: Option<u64>,
}

impl Row {
    /// True for the row that counts what exceeds the limit of names.
    fn is_others(&self) -> bool {
        self.method.is_empty() && &*self.name == OTHER_NAMES
    }
}

/// The rows of a page of `/stats/requests`, and `Aggregated` after them.
///
/// The row that counts what exceeds the limit is always among them.
pub fn page_rows(mut rows: Vec<Row>, total: Row) -> Vec<Row> {
    let others = rows.iter().skip(PAGE_ROWS).position(Row::is_others);
    if let Some(others) = others {
        rows.swap(PAGE_ROWS - 1, PAGE_ROWS + others);
    }
    rows.truncate(PAGE_ROWS);
    rows.push(total);
    rows
}
