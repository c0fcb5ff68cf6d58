//! Spans as the semantic conventions have them.

use telemetry::receiver::{SpanKind, SpanStatus, attributes};
use traffic::telemetry::{Exporter as _, Observer as _};

use crate::scene::{GET, LONG, Scene, Sent, began, context};

#[tokio::test]
async fn a_request_is_a_client_span_below_its_iteration() {
    let scene = Scene::new(&[]).await;
    let (iteration, requests) = scene.iteration(&[GET]);
    scene.telemetry.flush(LONG).await;
    let (process, span) = scene.span(requests[0]);
    assert_eq!(span.parent_span_id, iteration.span.to_bytes());
    assert_eq!(span.kind(), SpanKind::Client);
    assert_eq!(span.name, "GET /products");
    let start = began().micros() * 1_000;
    assert_eq!(span.start_time_unix_nano, start);
    assert_eq!(span.end_time_unix_nano, start + 30_000_000);
    assert_eq!(span.status.unwrap_or_default().code(), SpanStatus::Unset);
    let said = attributes(&span.attributes);
    let said: Vec<_> = said
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let agent = concat!(
        "Cicada/",
        env!("CARGO_PKG_VERSION"),
        " (+synthetic traffic)"
    );
    assert_eq!(
        said,
        [
            ("cicada.request.name", "GET /products"),
            ("cicada.user_class", "ModelAUser"),
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("server.address", "shop.example"),
            ("server.port", "8000"),
            (
                "url.full",
                "http://shop.example:8000/products?token=REDACTED"
            ),
            ("user_agent.original", agent),
        ]
    );
    assert_eq!(process["service.name"], "cicada");
    assert_eq!(process["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(process["telemetry.sdk.language"], "rust");
}

#[tokio::test]
async fn an_iteration_is_the_root_of_its_trace() {
    let scene = Scene::new(&[]).await;
    let slow = Sent {
        took_ms: 2_000,
        ..GET
    };
    let (iteration, _) = scene.iteration(&[GET, slow]);
    scene.telemetry.flush(LONG).await;
    let (_, span) = scene.span(iteration);
    assert!(span.parent_span_id.iter().all(|byte| *byte == 0));
    assert_eq!(
        (span.kind(), &*span.name),
        (SpanKind::Internal, "ModelAUser check_and_repair")
    );
    let took = span.end_time_unix_nano - span.start_time_unix_nano;
    assert_eq!(took, 2_030_000_000);
    let said = attributes(&span.attributes);
    let said: Vec<_> = said
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("cicada.iteration", "41"),
            ("cicada.run", "the-run"),
            ("cicada.task", "check_and_repair"),
            ("cicada.user", "7"),
            ("cicada.user_class", "ModelAUser"),
        ]
    );
}

#[tokio::test]
async fn a_failure_has_a_type_of_few_words_and_its_text_as_the_status() {
    let scene = Scene::new(&[]).await;
    let failed = |status, error| Sent {
        status,
        error: Some(error),
        ..GET
    };
    let cases = [
        (failed(Some(503), "503 Service Unavailable for url"), "503"),
        (
            failed(Some(200), "expected json.success is true"),
            "check_failed",
        ),
        (failed(None, "no complete response within 1.5 s"), "timeout"),
        (
            failed(None, "cannot connect: host name not found"),
            "cannot connect",
        ),
        (failed(None, "connection refused"), "connection refused"),
    ];
    for (sent, kind) in cases {
        let (iteration, requests) = scene.iteration(&[GET, sent]);
        scene.telemetry.flush(LONG).await;
        let (_, span) = scene.span(requests[1]);
        assert_eq!(attributes(&span.attributes)["error.type"], kind);
        for context in [requests[1], iteration] {
            let status = scene.span(context).1.status.unwrap();
            assert_eq!(status.code(), SpanStatus::Error);
            assert_eq!(status.message, sent.error.unwrap());
        }
        let (_, good) = scene.span(requests[0]);
        assert_eq!(good.status.unwrap_or_default().code(), SpanStatus::Unset);
    }
}

#[tokio::test]
async fn a_status_that_the_workload_wants_is_no_failure() {
    let scene = Scene::new(&[]).await;
    let wanted = Sent {
        status: Some(404),
        ..GET
    };
    let (_, requests) = scene.iteration(&[wanted]);
    scene.telemetry.flush(LONG).await;
    let (_, span) = scene.span(requests[0]);
    assert_eq!(
        span.status.clone().unwrap_or_default().code(),
        SpanStatus::Unset
    );
    assert!(!attributes(&span.attributes).contains_key("error.type"));
}

#[tokio::test]
async fn a_method_of_somebodys_own_is_other_and_names_the_span() {
    let scene = Scene::new(&[]).await;
    let brew = Sent {
        method: "BREW",
        name: "/pot",
        ..GET
    };
    let (_, requests) = scene.iteration(&[brew]);
    scene.telemetry.flush(LONG).await;
    let (_, span) = scene.span(requests[0]);
    assert_eq!(span.name, "BREW /pot");
    assert_eq!(
        attributes(&span.attributes)["http.request.method"],
        "_OTHER"
    );
}

#[tokio::test]
async fn a_span_that_the_workload_made_is_not_made_again() {
    let scene = Scene::new(&[]).await;
    let theirs = Sent {
        is_ours: false,
        ..GET
    };
    let (iteration, _) = scene.iteration(&[theirs]);
    scene.telemetry.flush(LONG).await;
    scene.span(iteration);
    assert_eq!(scene.receiver.spans().len(), 1);
}

#[tokio::test]
async fn what_is_not_sampled_is_counted_and_not_sent() {
    let scene = Scene::new(&[("OTEL_TRACES_SAMPLER", "always_off")]).await;
    let (iteration, _) = scene.iteration(&[GET]);
    assert!(!iteration.sampled);
    scene.telemetry.flush(LONG).await;
    assert!(scene.receiver.spans().is_empty());
    assert_eq!(scene.metrics("cicada.iterations").len(), 1);
}

#[tokio::test]
async fn a_quarter_of_the_traces_is_kept_whole() {
    let ratio = [
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
    ];
    let scene = Scene::new(&ratio).await;
    let kept = (0..4_000).filter(|_| scene.telemetry.samples(context().trace));
    assert!((800..1_200).contains(&kept.count()));
    let (iteration, requests) = loop {
        let told = scene.iteration(&[GET, GET]);
        if told.0.sampled {
            break told;
        }
    };
    scene.telemetry.flush(LONG).await;
    for context in [iteration, requests[0], requests[1]] {
        scene.span(context);
    }
    assert_eq!(scene.receiver.spans().len(), 3);
}

#[tokio::test]
async fn headers_compression_and_the_processs_name_are_as_asked_for() {
    let scene = Scene::new(&[
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=NRAK%2D1"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_SERVICE_NAME", "demo traffic"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=show%20room",
        ),
    ])
    .await;
    let (iteration, _) = scene.iteration(&[GET]);
    scene.telemetry.flush(LONG).await;
    let (process, _) = scene.span(iteration);
    assert_eq!(process["service.name"], "demo traffic");
    assert_eq!(process["deployment.environment.name"], "show room");
    let requests = scene.receiver.requests();
    let paths: Vec<_> = requests.iter().map(|(path, _)| path.as_str()).collect();
    assert!(
        paths.contains(&"/v1/traces") && paths.contains(&"/v1/metrics"),
        "{paths:?}"
    );
    for (_, headers) in requests {
        assert_eq!(headers["api-key"], "NRAK-1");
        assert_eq!(headers["content-encoding"], "gzip");
        assert!(
            headers["user-agent"]
                .to_str()
                .unwrap()
                .starts_with("OTel-OTLP-Exporter-Rust/")
        );
    }
    assert_eq!(scene.receiver.unreadable(), 0);
}
