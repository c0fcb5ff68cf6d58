//! What is counted for a row whose responses are streams: first events, inter-token latency, and tokens.
//!
//! A row without streams has none of it, and takes no memory for it.

use serde::{Deserialize, Serialize};
use traffic::record::Streamed;

use super::histogram::{Histogram, key_of};
use super::smallest_keys::Merge;

/// Streamed responses, in any order.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    /// What all of them add up to.
    pub sum: StreamSum,
    /// Times to the first event (TTFT).
    pub first_event: Histogram,
    /// Inter-token latencies (ITL), one of each response.
    pub inter_token_latency: Histogram,
}

/// What streamed responses add up to; times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamSum {
    /// Responses that were read as streams.
    pub responses: u64,
    /// Times to the first byte.
    pub first_byte_us: u128,
    /// Responses that had an event.
    pub with_events: u64,
    /// Times to the first event.
    pub first_event_us: u128,
    /// The earliest first event; `u64::MAX` before the first.
    pub first_event_min_us: u64,
    /// The latest first event.
    pub first_event_max_us: u64,
    /// Responses that had two events and two tokens at least.
    pub with_gaps: u64,
    /// Their inter-token latencies.
    pub inter_token_latency_us: u128,
    /// Events.
    pub events: u64,
    /// Tokens of prompts, where that is known.
    pub input_tokens: u64,
    /// Tokens of answers, where that is known.
    pub output_tokens: u64,
    /// Response times of those whose answer's tokens are known.
    pub output_us: u128,
}

impl Default for StreamSum {
    fn default() -> Self {
        Self {
            responses: 0,
            first_byte_us: 0,
            with_events: 0,
            first_event_us: 0,
            first_event_min_us: u64::MAX,
            first_event_max_us: 0,
            with_gaps: 0,
            inter_token_latency_us: 0,
            events: 0,
            input_tokens: 0,
            output_tokens: 0,
            output_us: 0,
        }
    }
}

/// What of streamed responses is kept over time; times in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamsPassed {
    with_events: u64,
    first_event_us: u128,
    output_tokens: u64,
    output_us: u128,
}

impl StreamsPassed {
    /// Counts a response that took so many microseconds in all.
    pub(crate) fn add(&mut self, streamed: &Streamed, response_time_us: u64) {
        if let Some(first) = streamed.first_event {
            self.with_events += 1;
            self.first_event_us += first.as_micros();
        }
        if let Some(output) = streamed.output_tokens {
            self.output_tokens = self.output_tokens.saturating_add(output);
            self.output_us += u128::from(response_time_us);
        }
    }

    /// The mean time to the first event, in milliseconds.
    pub(crate) fn avg_first_event(&self) -> Option<f64> {
        (self.with_events > 0).then(|| self.first_event_us as f64 / 1e3 / self.with_events as f64)
    }

    /// Tokens of answers by the response times of these answers.
    pub(crate) fn tokens_per_second(&self) -> Option<f64> {
        (self.output_us > 0).then(|| self.output_tokens as f64 / (self.output_us as f64 / 1e6))
    }
}

impl Merge for StreamsPassed {
    fn merge(&mut self, other: &Self) {
        self.with_events = self.with_events.saturating_add(other.with_events);
        self.first_event_us = self.first_event_us.saturating_add(other.first_event_us);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.output_us = self.output_us.saturating_add(other.output_us);
    }
}

impl Streams {
    /// Counts a response that took so many microseconds in all.
    pub(crate) fn add(&mut self, streamed: &Streamed, response_time_us: u64) {
        let micros =
            |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let sum = &mut self.sum;
        sum.responses = sum.responses.saturating_add(1);
        sum.first_byte_us += u128::from(micros(streamed.first_byte));
        if let Some(first) = streamed.first_event.map(micros) {
            sum.with_events = sum.with_events.saturating_add(1);
            sum.first_event_us += u128::from(first);
            sum.first_event_min_us = sum.first_event_min_us.min(first);
            sum.first_event_max_us = sum.first_event_max_us.max(first);
            self.first_event.add(key_of(first));
        }
        if let Some(between) = streamed.inter_token_latency().map(micros) {
            sum.with_gaps = sum.with_gaps.saturating_add(1);
            sum.inter_token_latency_us += u128::from(between);
            self.inter_token_latency.add(key_of(between));
        }
        sum.events = sum.events.saturating_add(streamed.events);
        let input = streamed.input_tokens.unwrap_or(0);
        sum.input_tokens = sum.input_tokens.saturating_add(input);
        if let Some(output) = streamed.output_tokens {
            sum.output_tokens = sum.output_tokens.saturating_add(output);
            sum.output_us += u128::from(response_time_us);
        }
    }
}

impl Merge for Streams {
    fn merge(&mut self, other: &Self) {
        let (sum, more) = (&mut self.sum, &other.sum);
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        let add_times = |sum: &mut u128, more: u128| *sum = sum.saturating_add(more);
        add(&mut sum.responses, more.responses);
        add_times(&mut sum.first_byte_us, more.first_byte_us);
        add(&mut sum.with_events, more.with_events);
        add_times(&mut sum.first_event_us, more.first_event_us);
        sum.first_event_min_us = sum.first_event_min_us.min(more.first_event_min_us);
        sum.first_event_max_us = sum.first_event_max_us.max(more.first_event_max_us);
        add(&mut sum.with_gaps, more.with_gaps);
        add_times(&mut sum.inter_token_latency_us, more.inter_token_latency_us);
        add(&mut sum.events, more.events);
        add(&mut sum.input_tokens, more.input_tokens);
        add(&mut sum.output_tokens, more.output_tokens);
        add_times(&mut sum.output_us, more.output_us);
        self.first_event.merge(&other.first_event);
        self.inter_token_latency.merge(&other.inter_token_latency);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn streamed(first_ms: u64, span_ms: u64, events: u64, tokens: Option<u64>) -> Streamed {
        Streamed {
            first_byte: Duration::from_millis(first_ms / 2),
            first_event: (events > 0).then(|| Duration::from_millis(first_ms)),
            span: Duration::from_millis(span_ms),
            events,
            input_tokens: Some(3),
            output_tokens: tokens,
        }
    }

    #[test]
    fn parts_merge_to_what_one_counts_in_any_order() {
        let all = [
            (streamed(200, 900, 10, Some(12)), 1_200_000),
            (streamed(400, 0, 1, Some(1)), 500_000),
            (streamed(600, 0, 0, None), 700_000),
        ];
        let count = |some: &[usize]| {
            let mut streams = Streams::default();
            for (streamed, took) in some.iter().map(|&number| &all[number]) {
                streams.add(streamed, *took);
            }
            streams
        };
        let whole = count(&[0, 1, 2]);
        for (one, other) in [(&[0][..], &[1, 2][..]), (&[2, 0], &[1]), (&[], &[2, 1, 0])] {
            let mut merged = count(one);
            merged.merge(&count(other));
            assert_eq!(merged.sum, whole.sum);
            assert!(merged.first_event.iter().eq(whole.first_event.iter()));
            assert!(
                merged
                    .inter_token_latency
                    .iter()
                    .eq(whole.inter_token_latency.iter())
            );
        }
        let sum = whole.sum;
        assert_eq!((sum.responses, sum.with_events, sum.with_gaps), (3, 2, 1));
        // 900 ms over the eleven tokens after the first
        assert_eq!(sum.inter_token_latency_us, 81_818);
        assert_eq!(
            (sum.first_event_min_us, sum.first_event_max_us),
            (200_000, 400_000)
        );
        assert_eq!((sum.input_tokens, sum.output_tokens), (9, 13));
        assert_eq!(sum.output_us, 1_700_000);
    }
}
