//! The figures of a row whose responses are streams, named as benchmarks of language models name them: the time to the
//! first event is their time to first token (TTFT).

use serde::Serialize;
use utoipa::ToSchema;

use crate::stats::streams::Streams;

/// The figures of streamed responses; times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct StreamFigures {
    /// Responses that were read as streams.
    pub responses: u64,
    /// The mean time to the first byte.
    pub avg_first_byte: Option<f64>,
    /// The mean time to the first event.
    pub avg_first_event: Option<f64>,
    /// The median time to the first event, to two significant digits like all percentiles.
    pub median_first_event: Option<u64>,
    /// The 95th percentile of it.
    #[serde(rename = "first_event_percentile_0.95")]
    pub first_event_percentile_95: Option<u64>,
    /// The 99th percentile of it.
    #[serde(rename = "first_event_percentile_0.99")]
    pub first_event_percentile_99: Option<u64>,
    /// The mean inter-token latency (ITL): from the first event to the last, by the tokens less one.
    pub avg_inter_token_latency: Option<f64>,
    /// The median of it.
    pub median_inter_token_latency: Option<u64>,
    /// The 95th percentile of it.
    #[serde(rename = "inter_token_latency_percentile_0.95")]
    pub inter_token_latency_percentile_95: Option<u64>,
    /// The 99th percentile of it.
    #[serde(rename = "inter_token_latency_percentile_0.99")]
    pub inter_token_latency_percentile_99: Option<u64>,
    /// Events.
    pub events: u64,
    /// Tokens of prompts, where that is known.
    pub input_tokens: u64,
    /// Tokens of answers, where that is known.
    pub output_tokens: u64,
    /// Tokens of answers by the response times of these answers: what one user gets in a second.
    pub tokens_per_second: Option<f64>,
}

impl StreamFigures {
    /// The figures of what was counted.
    pub fn of(streams: &Streams) -> Self {
        let sum = &streams.sum;
        let mean =
            |micros: u128, count: u64| (count > 0).then(|| micros as f64 / 1e3 / count as f64);
        let first = streams.first_event.percentiles([0.5, 0.95, 0.99]);
        let first = first.map(|time| (sum.with_events > 0).then_some(time));
        let between = streams.inter_token_latency.percentiles([0.5, 0.95, 0.99]);
        let between = between.map(|time| (sum.with_gaps > 0).then_some(time));
        Self {
            responses: sum.responses,
            avg_first_byte: mean(sum.first_byte_us, sum.responses),
            avg_first_event: mean(sum.first_event_us, sum.with_events),
            median_first_event: first[0],
            first_event_percentile_95: first[1],
            first_event_percentile_99: first[2],
            avg_inter_token_latency: mean(sum.inter_token_latency_us, sum.with_gaps),
            median_inter_token_latency: between[0],
            inter_token_latency_percentile_95: between[1],
            inter_token_latency_percentile_99: between[2],
            events: sum.events,
            input_tokens: sum.input_tokens,
            output_tokens: sum.output_tokens,
            tokens_per_second: (sum.output_us > 0)
                .then(|| sum.output_tokens as f64 / (sum.output_us as f64 / 1e6)),
        }
    }
}
