//! Streams of language models, by the names of OpenTelemetry's conventions for generative AI.

use std::collections::BTreeSet;
use std::time::Duration;

use telemetry::receiver::{Metric, attributes, metric};
use traffic::record::Streamed;
use traffic::telemetry::Exporter as _;

use crate::scene::{GET, LONG, Scene, Sent};

const STREAMED: Streamed = Streamed {
    first_byte: Duration::from_millis(40),
    first_event: Some(Duration::from_millis(300)),
    span: Duration::from_millis(900),
    events: 10,
    input_tokens: Some(26),
    output_tokens: Some(12),
};

const CHAT: Sent = Sent {
    url: "http://agent.example:11434/api/chat",
    method: "POST",
    name: "Chat",
    took_ms: 1_300,
    streamed: Some(STREAMED),
    model: Some("mistral:7b-instruct"),
    ..GET
};

/// The sum and the attributes of each point of a histogram of seconds or tokens.
fn sums(metrics: &[Metric]) -> Vec<(f64, String)> {
    let [one] = metrics else {
        panic!("it is exported once: {metrics:?}");
    };
    let Some(metric::Data::Histogram(data)) = &one.data else {
        panic!("{one:?}");
    };
    let points = data.data_points.iter();
    let sums = points.map(|point| {
        let named = format!("{:?}", attributes(&point.attributes));
        (point.sum.unwrap(), named)
    });
    let mut sums: Vec<_> = sums.collect();
    sums.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    sums
}

#[tokio::test]
async fn a_stream_of_a_model_has_its_durations_and_tokens() {
    let scene = Scene::new(&[]).await;
    scene.iteration(&[CHAT, GET]);
    scene.telemetry.flush(LONG).await;
    for (name, wanted) in [
        ("gen_ai.client.operation.duration", &[1.3][..]),
        ("gen_ai.client.token.usage", &[12.0, 26.0]),
        ("gen_ai.server.time_to_first_token", &[0.3]),
        // 900 ms after the first of twelve tokens
        ("gen_ai.server.time_per_output_token", &[0.081_818]),
    ] {
        let sums = sums(&scene.metrics(name));
        assert_eq!(sums.len(), wanted.len(), "{name}: {sums:?}");
        for ((sum, named), wanted) in sums.iter().zip(wanted) {
            assert!((sum - wanted).abs() < 1e-9, "{name}: {sum}");
            for attribute in [
                "\"gen_ai.operation.name\": \"chat\"",
                "\"gen_ai.provider.name\": \"ollama\"",
                "\"gen_ai.request.model\": \"mistral:7b-instruct\"",
                "\"server.address\": \"agent.example\"",
                "\"server.port\": \"11434\"",
            ] {
                assert!(named.contains(attribute), "{name}: {named}");
            }
        }
    }
    let tokens = sums(&scene.metrics("gen_ai.client.token.usage"));
    assert!(
        tokens[1].1.contains("\"gen_ai.token.type\": \"input\""),
        "{tokens:?}"
    );
}

/// The boundaries of a histogram's buckets.
fn boundaries(metric: &Metric) -> Vec<f64> {
    let Some(metric::Data::Histogram(data)) = &metric.data else {
        panic!("{metric:?}");
    };
    data.data_points[0].explicit_bounds.clone()
}

/// So many numbers, each a multiple of the one before.
fn multiples(first: f64, factor: f64, count: usize) -> Vec<f64> {
    std::iter::successors(Some(first), |last| Some(last * factor))
        .take(count)
        .collect()
}

/// Units, descriptions and boundaries are those of the conventions' version 1.37, names of attributes too.
#[tokio::test]
async fn metrics_are_those_of_the_conventions() {
    let scene = Scene::new(&[]).await;
    scene.iteration(&[CHAT]);
    scene.telemetry.flush(LONG).await;
    let common = [
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "server.address",
        "server.port",
    ];
    for (name, unit, description, buckets, more) in [
        (
            "gen_ai.client.operation.duration",
            "s",
            "GenAI operation duration.",
            multiples(0.01, 2.0, 14),
            None,
        ),
        (
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            multiples(1.0, 4.0, 14),
            Some("gen_ai.token.type"),
        ),
        (
            "gen_ai.server.time_to_first_token",
            "s",
            "Time to generate first token for successful responses.",
            vec![
                0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0,
                7.5, 10.0,
            ],
            None,
        ),
        (
            "gen_ai.server.time_per_output_token",
            "s",
            "Time per output token generated after the first token for successful responses.",
            vec![
                0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
            ],
            None,
        ),
    ] {
        let [metric] = &scene.metrics(name)[..] else {
            panic!("{name} is not exported once");
        };
        assert_eq!((&*metric.unit, &*metric.description), (unit, description));
        let near = |(one, other): (f64, f64)| (one - other).abs() < 1e-9 * other;
        let found = boundaries(metric);
        let pairs = found.iter().copied().zip(buckets.iter().copied());
        assert!(
            found.len() == buckets.len() && pairs.into_iter().all(near),
            "{name}: {found:?}"
        );
        let Some(metric::Data::Histogram(data)) = &metric.data else {
            panic!("{metric:?}");
        };
        for point in &data.data_points {
            let wanted: BTreeSet<String> = common.into_iter().chain(more).map(Into::into).collect();
            let found: BTreeSet<String> = attributes(&point.attributes).into_keys().collect();
            assert_eq!(found, wanted, "{name}");
        }
    }
}

#[tokio::test]
async fn a_failed_stream_has_no_time_to_its_first_token() {
    let scene = Scene::new(&[]).await;
    let failed = Sent {
        error: Some("too few tokens"),
        ..CHAT
    };
    scene.iteration(&[failed]);
    scene.telemetry.flush(LONG).await;
    let [(_, named)] = &sums(&scene.metrics("gen_ai.client.operation.duration"))[..] else {
        panic!("one of one kind");
    };
    assert!(named.contains("check_failed"), "{named}");
    assert!(
        scene
            .metrics("gen_ai.server.time_to_first_token")
            .is_empty()
    );
}

#[tokio::test]
async fn a_span_has_the_figures_of_its_stream() {
    let scene = Scene::new(&[]).await;
    let (_, contexts) = scene.iteration(&[CHAT, GET]);
    scene.telemetry.flush(LONG).await;
    let (_, span) = scene.span(contexts[0]);
    let found = attributes(&span.attributes);
    for (name, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "mistral:7b-instruct"),
        ("gen_ai.usage.input_tokens", "26"),
        ("gen_ai.usage.output_tokens", "12"),
        ("cicada.first_byte_ms", "40"),
        ("cicada.first_event_ms", "300"),
        ("cicada.events", "10"),
    ] {
        assert_eq!(found[name], value, "{name}");
    }
    let (_, other) = scene.span(contexts[1]);
    assert!(!attributes(&other.attributes).contains_key("gen_ai.operation.name"));
}
