//! Streams of language models, by the names of OpenTelemetry's conventions for generative AI.

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
        ("gen_ai.server.time_per_output_token", &[0.1]),
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
