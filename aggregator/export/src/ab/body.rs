//! The body of `GET /ab`.

use serde::Serialize;
use traffic::run::RunId;
use utoipa::ToSchema;

use super::words::{Difference, FailVerdict, TimeVerdict};

/// All pairs of a workload, compared.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Comparison {
    /// The run; there is none before the first.
    #[schema(value_type = Option<String>)]
    pub run: Option<RunId>,
    /// The instant from which the statistics count, in seconds since the Unix epoch.
    pub since: f64,
    /// The confidence with which the intervals of all pairs hold together, at every look.
    pub confidence: f64,
    /// The outcome of the whole comparison, in a sentence or two.
    pub summary: String,
    /// The name of side a in all pairs: its model's, or A where pairs have different models or none.
    pub a: String,
    /// The name of side b in all pairs.
    pub b: String,
    /// The pairs, in the order of the workload.
    pub pairs: Vec<Pair>,
}

/// Two rows beside one another; differences are b minus a, times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Pair {
    /// The name of the pair: the part of both names that is the same.
    pub name: String,
    /// The method of both.
    pub method: String,
    /// Side a.
    pub a: Side,
    /// Side b.
    pub b: Side,
    /// The difference of the fail ratios.
    pub fail_ratio: Difference<FailVerdict>,
    /// The difference of the average response times.
    pub avg_response_time: Difference<TimeVerdict>,
    /// The difference of the median response times.
    pub median_response_time: Difference<TimeVerdict>,
    /// The difference of the 95th percentiles.
    #[serde(rename = "response_time_percentile_0.95")]
    pub response_time_percentile_95: Difference<TimeVerdict>,
    /// The difference of the average times to the first event, where both are streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avg_first_event: Option<Difference<TimeVerdict>>,
    /// The verdict on the pair, in a few words.
    pub verdict: String,
    /// The confidence of the verdict, where it says that there is a difference: 0.95, 0.99, 0.999, 0.9999 or 0.999999.
    pub sure: Option<f64>,
    /// The verdict with its figures, as a sentence.
    pub explanation: String,
}

/// One row of a pair; nothing where no request was counted.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Side {
    /// The name that stands for the side: its model's, or A or B.
    pub label: String,
    /// The model's name, if the workload says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The request's name.
    pub name: String,
    /// The request's method.
    pub method: String,
    /// Requests, failed or not.
    pub num_requests: u64,
    /// Failures among them.
    pub num_failures: u64,
    /// Failures by requests.
    pub fail_ratio: Option<f64>,
    /// The mean response time.
    pub avg_response_time: Option<f64>,
    /// The median, as the statistics have it.
    pub median_response_time: Option<f64>,
    /// The 95th percentile, as the statistics have it.
    #[serde(rename = "response_time_percentile_0.95")]
    pub response_time_percentile_95: Option<f64>,
    /// The figures of its streams, if its requests are streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<SideStream>,
}

/// The streams of one row of a pair; times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SideStream {
    /// The mean time to the first event.
    pub avg_first_event: Option<f64>,
    /// The median time to it.
    pub median_first_event: Option<u64>,
    /// The 95th percentile of it.
    #[serde(rename = "first_event_percentile_0.95")]
    pub first_event_percentile_95: Option<u64>,
    /// The mean inter-token latency.
    pub avg_inter_token_latency: Option<f64>,
    /// Tokens of answers by the response times of these answers.
    pub tokens_per_second: Option<f64>,
    /// Tokens of prompts.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// What these tokens cost, in the currency of the workload's prices, if it has prices.
    pub cost: Option<f64>,
}
