//! Spans and metrics of a `cicada` as a real OTLP receiver gets them, beside what its target saw; and
//! collectors that take nothing, which must be nothing to the traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde_json::Value;
use telemetry::receiver::{Behaviour, Receiver, SpanKind, SpanStatus, attributes};
use testing::assert_adds_up;
use tokio::net::TcpListener;

use crate::harness::{Cicada, LIMIT, Serving, rows};

/// A status check, and the repair that it leads to, which fails.
const WORKLOAD: &str = r#"
[hosts.agent]
url = "http://127.0.0.1:9"
env = "AGENT_URL"

[class.Repairer]
host = "agent"
wait = "constant_pacing(0.5)"

[[class.Repairer.task.repair.request]]
path = "/status"

[[class.Repairer.task.repair.request]]
method = "POST"
path = "/repair"
"#;

const SECRET: &str = "NRAK-0123456789";

/// A target that remembers what every request carried; `/repair` fails.
struct Agent {
    url: String,
    seen: Arc<Mutex<Vec<(String, HeaderMap)>>>,
}

impl Agent {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<(String, HeaderMap)>>> = Arc::default();
        let router = Router::new().fallback({
            let seen = Arc::clone(&seen);
            async move |request: Request| {
                let path = request.uri().path().to_owned();
                let status = match path.as_str() {
                    "/repair" => StatusCode::SERVICE_UNAVAILABLE,
                    _ => StatusCode::OK,
                };
                seen.lock().push((path, request.headers().clone()));
                status
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, seen }
    }

    fn headers(&self) -> Vec<(String, HeaderMap)> {
        self.seen.lock().clone()
    }

    /// Path, trace and span of every request.
    fn carried(&self) -> Vec<(String, Vec<u8>, Vec<u8>)> {
        let carried = |(path, headers): &(String, HeaderMap)| {
            let parts: Vec<_> = headers["traceparent"]
                .to_str()
                .unwrap()
                .split('-')
                .collect();
            let [version, trace, span, flags] = parts[..] else {
                panic!("{parts:?}");
            };
            assert_eq!((version, flags), ("00", "01"));
            (path.clone(), bytes(trace), bytes(span))
        };
        self.headers().iter().map(carried).collect()
    }
}

/// The bytes that hexadecimal digits say.
fn bytes(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

/// A `cicada` with five users of the workload.
fn cicada(folder: &tempfile::TempDir, agent: &Agent) -> Cicada {
    cicada_with(folder, agent, "constant_pacing(0.5)", 5)
}

/// The same with another number of users, and another wait.
fn cicada_with(folder: &tempfile::TempDir, agent: &Agent, wait: &str, users: u32) -> Cicada {
    let path: PathBuf = folder.path().join("workload.toml");
    let workload = WORKLOAD.replace("constant_pacing(0.5)", wait);
    std::fs::write(&path, workload).unwrap();
    Cicada::new()
        .file(path)
        .args(&format!("--autostart -u {users} -r 10"))
        .env("AGENT_URL", &agent.url)
}

async fn requests(serving: &Serving, count: u64) -> Value {
    let all = |statistics: &Value| rows(statistics)["Aggregated"].0 >= count;
    serving.until("/stats/requests", LIMIT, all).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_a_span_below_its_iteration_with_the_ids_that_the_target_saw() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start().await;
    let receiver = Receiver::start(Behaviour::Takes).await.unwrap();
    let serving = cicada(&folder, &agent)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint())
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("api-key={SECRET}"))
        .env("OTEL_SERVICE_NAME", "demo-traffic")
        .serve()
        .await;
    requests(&serving, 40).await;
    assert_adds_up(&serving.settle(LIMIT).await);
    let statistics = serving.get("/stats/requests").await;
    let log = serving.log();
    assert_eq!(serving.terminate().await, 1, "requests have failed");
    // the end has flushed: everything is there
    let carried = agent.carried();
    let spans = receiver.spans();
    let sent: BTreeSet<_> = carried.iter().cloned().collect();
    let exported: BTreeSet<_> = spans
        .iter()
        .filter(|(_, span)| span.kind() == SpanKind::Client)
        .map(|(_, span)| {
            let url = &attributes(&span.attributes)["url.full"];
            let path = url.strip_prefix(&agent.url).unwrap().to_owned();
            (path, span.trace_id.clone(), span.span_id.clone())
        })
        .collect();
    assert_eq!(
        (sent.len(), rows(&statistics)["Aggregated"].0),
        (carried.len(), carried.len() as u64)
    );
    assert_eq!(exported, sent);
    parents_are_right(&receiver, &carried);
    for (process, _) in &spans {
        assert_eq!(process["service.name"], "demo-traffic");
    }
    for (_, headers) in receiver.requests() {
        assert_eq!(headers["api-key"], SECRET);
    }
    assert!(log.contains("spans and metrics go to 127.0.0.1"), "{log}");
    assert!(!log.contains(SECRET), "{log}");
    failures_lead_to_their_traces(&statistics, &receiver);
    metrics_say_the_same(&statistics, &receiver);
}

/// Each trace has one root, and the two requests of its iteration below it.
fn parents_are_right(receiver: &Receiver, carried: &[(String, Vec<u8>, Vec<u8>)]) {
    let mut traces: BTreeMap<Vec<u8>, Vec<_>> = BTreeMap::new();
    for (_, span) in receiver.spans() {
        traces.entry(span.trace_id.clone()).or_default().push(span);
    }
    assert_eq!(
        traces.len() * 2,
        carried.len(),
        "a trace for each iteration"
    );
    for spans in traces.values() {
        let (roots, children): (Vec<_>, Vec<_>) = spans
            .iter()
            .partition(|span| span.parent_span_id.is_empty());
        let [root] = roots[..] else {
            panic!("{spans:?}");
        };
        assert_eq!(
            (root.kind(), &*root.name),
            (SpanKind::Internal, "Repairer repair")
        );
        assert_eq!(children.len(), 2);
        for child in children {
            assert_eq!(child.parent_span_id, root.span_id);
            assert!(child.start_time_unix_nano >= root.start_time_unix_nano);
            assert!(child.end_time_unix_nano <= root.end_time_unix_nano);
        }
    }
}

/// The error in the list has the id of a trace in which that request failed with that text.
fn failures_lead_to_their_traces(statistics: &Value, receiver: &Receiver) {
    let errors = statistics["errors"].as_array().unwrap();
    let [error] = &errors[..] else {
        panic!("{errors:?}");
    };
    let trace = error["trace_id"].as_str().unwrap();
    assert_eq!(trace.len(), 32);
    let spans = receiver.spans();
    let failed = spans.iter().map(|(_, span)| span).find(|span| {
        span.trace_id == bytes(trace)
            && span.kind() == SpanKind::Client
            && span.name == error["name"].as_str().unwrap()
    });
    let status = failed.expect("the trace is there").status.clone().unwrap();
    assert_eq!(status.code(), SpanStatus::Error);
    assert_eq!(status.message, error["error"].as_str().unwrap());
}

/// Deltas that add up to the statistics.
fn metrics_say_the_same(statistics: &Value, receiver: &Receiver) {
    use telemetry::receiver::metric::Data;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (_, metric) in receiver.metrics() {
        if metric.name == "http.client.request.duration"
            && let Some(Data::Histogram(histogram)) = metric.data
        {
            for point in histogram.data_points {
                let name = attributes(&point.attributes)["cicada.request.name"].clone();
                *counts.entry(name).or_default() += point.count;
            }
        }
    }
    let mut rows = rows(statistics);
    rows.remove("Aggregated");
    let rows: BTreeMap<_, _> = rows
        .into_iter()
        .map(|(name, (count, _))| (name, count))
        .collect();
    assert_eq!(counts, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_variable_every_request_still_has_its_trace_and_nothing_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Agent::start().await;
    let serving = cicada(&folder, &agent).serve().await;
    let statistics = requests(&serving, 10).await;
    let tasks = std::fs::read_dir(format!("/proc/{}/task", serving.id()));
    // elsewhere than on Linux threads have no names that can be read
    for task in tasks.into_iter().flatten().flatten() {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        assert!(!name.to_lowercase().contains("telemetry"), "{name}");
    }
    serving.settle(LIMIT).await;
    drop(serving);
    let agent_name = concat!(
        "Cicada/",
        env!("CARGO_PKG_VERSION"),
        " (+synthetic traffic)"
    );
    for (_, headers) in agent.headers() {
        assert_eq!(headers["user-agent"], agent_name);
    }
    let carried = agent.carried();
    let traces: BTreeSet<_> = carried.iter().map(|(_, trace, _)| trace).collect();
    let spans: BTreeSet<_> = carried.iter().map(|(.., span)| span).collect();
    assert_eq!(
        (traces.len() * 2, spans.len()),
        (carried.len(), carried.len())
    );
    let trace = statistics["errors"][0]["trace_id"].as_str().unwrap();
    assert!(traces.contains(&bytes(trace)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_takes_nothing_is_nothing_to_traffic_and_statistics() {
    let refused = Receiver::start(Behaviour::Takes).await.unwrap().endpoint();
    let failing = Receiver::start(Behaviour::Refuses(500)).await.unwrap();
    let hanging = Receiver::start(Behaviour::Hangs).await.unwrap();
    let endpoints = [
        (refused, "connection refused"),
        (failing.endpoint(), "status 500"),
        (hanging.endpoint(), ""),
    ];
    let runs = endpoints.map(|(endpoint, reason)| async move {
        let folder = tempfile::tempdir().unwrap();
        let agent = Agent::start().await;
        // so seldom that nobody is still busy, however slow the machine is
        let serving = cicada_with(&folder, &agent, "constant_pacing(20)", 40)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
            .env("OTEL_EXPORTER_OTLP_HEADERS", format!("api-key={SECRET}"))
            .env("OTEL_EXPORTER_OTLP_TIMEOUT", "1000000")
            .env("OTEL_BSP_SCHEDULE_DELAY", "200")
            .env("OTEL_METRIC_EXPORT_INTERVAL", "200")
            .serve()
            .await;
        requests(&serving, 40).await;
        if !reason.is_empty() {
            serving.until_logged("telemetry cannot be exported").await;
        }
        let ledger = serving.settle(LIMIT).await;
        assert_adds_up(&ledger);
        assert_eq!(
            (&ledger["missing"], &ledger["skipped"]),
            (&0.into(), &0.into())
        );
        let statistics = serving.get("/stats/requests").await;
        let seen = agent.headers().len() as u64;
        assert_eq!(rows(&statistics)["Aggregated"], (seen, seen / 2));
        let log = serving.log();
        let said = log.matches("telemetry cannot be exported").count();
        assert!(said <= 1, "{log}");
        assert!(log.contains(reason) && !log.contains(SECRET), "{log}");
        // it does not wait for as long as the collector may take
        let ended = tokio::time::timeout(LIMIT, serving.terminate()).await;
        assert_eq!(ended.expect("it ends"), 1, "requests have failed");
    });
    futures_util::future::join_all(runs).await;
}

#[tokio::test]
async fn a_variable_that_cannot_be_used_is_one_line_and_exit_code_2() {
    for (name, value, said) in [
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "is \"grpc\": write http/protobuf",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            SECRET,
            "cannot be read: write name=value, several separated by commas",
        ),
    ] {
        let output = Cicada::new()
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
            .env(name, value)
            .run()
            .await;
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text, format!("cicada: {name} {said}\n"));
    }
}
