//! Requests to language models, by the names of OpenTelemetry's conventions for generative AI.
//!
//! The conventions are in development, so their names stand here and come from no crate. A request counts as one if its
//! workload names a model or says where tokens are found.
//!
//! | metric | kind | attributes besides those of all |
//! | --- | --- | --- |
//! | `gen_ai.client.operation.duration` | histogram, s | `error.type` |
//! | `gen_ai.client.token.usage` | histogram, {token} | `gen_ai.token.type`: `input` or `output` |
//! | `gen_ai.server.time_to_first_token` | histogram, s | |
//! | `gen_ai.server.time_per_output_token` | histogram, s | |
//!
//! All have `gen_ai.operation.name`, `gen_ai.provider.name`, `gen_ai.request.model`, `server.address` and `server.port`.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};
use opentelemetry_semantic_conventions::attribute as semconv;
use traffic::telemetry::{GenAi, RequestEnd};

use crate::attributes::error_type;

const DURATION_BUCKETS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];

const TOKEN_BUCKETS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

const FIRST_TOKEN_BUCKETS: [f64; 16] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

const PER_TOKEN_BUCKETS: [f64; 13] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
];

/// The provider where no dialect says whose it is.
const OTHER: &str = "_OTHER";

/// The metrics of requests to language models.
pub(crate) struct GenAiMetrics {
    duration: Histogram<f64>,
    tokens: Histogram<u64>,
    first_token: Histogram<f64>,
    per_token: Histogram<f64>,
}

impl GenAiMetrics {
    pub(crate) fn new(meter: &Meter) -> Self {
        let seconds = |name: &'static str, description: &'static str, buckets: &[f64]| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(description)
                .with_boundaries(buckets.to_vec())
                .build()
        };
        Self {
            duration: seconds(
                "gen_ai.client.operation.duration",
                "GenAI operation duration.",
                &DURATION_BUCKETS,
            ),
            tokens: meter
                .u64_histogram("gen_ai.client.token.usage")
                .with_unit("{token}")
                .with_description("Number of input and output tokens used.")
                .with_boundaries(TOKEN_BUCKETS.to_vec())
                .build(),
            first_token: seconds(
                "gen_ai.server.time_to_first_token",
                "Time to generate first token for successful responses.",
                &FIRST_TOKEN_BUCKETS,
            ),
            per_token: seconds(
                "gen_ai.server.time_per_output_token",
                "Time per output token generated after the first token for successful responses.",
                &PER_TOKEN_BUCKETS,
            ),
        }
    }

    pub(crate) fn request(&self, request: &RequestEnd<'_>) {
        let Some(gen_ai) = request.gen_ai else {
            return;
        };
        let mut all = attributes(gen_ai);
        let host = request.url.host_str().map(ToOwned::to_owned);
        all.extend(host.map(|host| KeyValue::new(semconv::SERVER_ADDRESS, host)));
        let port = request.url.port_or_known_default().map(i64::from);
        all.extend(port.map(|port| KeyValue::new(semconv::SERVER_PORT, port)));
        let kind = error_type(request).map(|kind| KeyValue::new(semconv::ERROR_TYPE, kind));
        let with = |more: Option<KeyValue>| all.iter().cloned().chain(more).collect::<Vec<_>>();
        self.duration
            .record(request.response_time.as_secs_f64(), &with(kind));
        let Some(streamed) = request.streamed else {
            return;
        };
        let tokens = [
            ("input", streamed.input_tokens),
            ("output", streamed.output_tokens),
        ];
        for (kind, tokens) in tokens {
            if let Some(tokens) = tokens {
                let kind = KeyValue::new("gen_ai.token.type", kind);
                self.tokens.record(tokens, &with(Some(kind)));
            }
        }
        // the conventions have these of successful responses only
        if request.error.is_none() {
            let times = [
                (&self.first_token, streamed.first_event),
                (&self.per_token, streamed.inter_token_latency()),
            ];
            for (histogram, time) in times {
                if let Some(time) = time {
                    histogram.record(time.as_secs_f64(), &all);
                }
            }
        }
    }
}

/// The attributes that a span has of a request's stream and of its model.
pub(crate) fn of_span(request: &RequestEnd<'_>) -> Vec<KeyValue> {
    let mut found = request.gen_ai.map(attributes).unwrap_or_default();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let first_byte = request.first_byte.map(milliseconds);
    found.extend(first_byte.map(|time| KeyValue::new("cicada.first_byte_ms", time)));
    let Some(streamed) = request.streamed else {
        return found;
    };
    let first_event = streamed.first_event.map(milliseconds);
    found.extend(first_event.map(|time| KeyValue::new("cicada.first_event_ms", time)));
    found.push(KeyValue::new("cicada.events", count(streamed.events)));
    let tokens = [
        ("gen_ai.usage.input_tokens", streamed.input_tokens),
        ("gen_ai.usage.output_tokens", streamed.output_tokens),
    ];
    let known = tokens
        .into_iter()
        .filter_map(|(name, tokens)| Some((name, tokens?)));
    found.extend(known.map(|(name, tokens)| KeyValue::new(name, count(tokens))));
    found
}

/// The attributes that all have.
fn attributes(gen_ai: GenAi<'_>) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("gen_ai.operation.name", "chat"),
        KeyValue::new("gen_ai.provider.name", gen_ai.provider.unwrap_or(OTHER)),
    ];
    let model = gen_ai.model.map(ToOwned::to_owned);
    attributes.extend(model.map(|model| KeyValue::new("gen_ai.request.model", model)));
    attributes
}
