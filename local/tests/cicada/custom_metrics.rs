//! Custom metrics of a run against the stand-ins: what the target has counted, in every place that shows it.

use std::path::PathBuf;

use serde_json::{Value, json};
use telemetry::receiver::{Behaviour, Receiver, metric, number_data_point};

use crate::harness::{Cicada, LIMIT, Serving, targets};

const WORKLOAD: &str = r#"
[hosts.shop]
url = "http://127.0.0.1:9"
env = "TARGET_APP_URL"

[class.Shopper]
wait = "constant_pacing(0.5)"

[[class.Shopper.task.order.request]]
name = "order"
path = "/orders"
json = { product = "Mouse", amount = 12.25 }
metric = [
  { name = "Orders/Created", value = 1, when = "status < 300" },
  { name = "Orders/Refused", value = 1, when = "status >= 400" },
  { name = "Orders/Amount", kind = "histogram", unit = "EUR", value = "json.amount" },
  { name = "Orders/Points", value = "json.points" },
]
"#;

fn cicada(folder: &tempfile::TempDir) -> Cicada {
    let file: PathBuf = folder.path().join("shop.toml");
    std::fs::write(&file, WORKLOAD).unwrap();
    Cicada::new().file(file)
}

fn metric_of<'m>(metrics: &'m Value, name: &str) -> &'m Value {
    let mut metrics = metrics.as_array().unwrap().iter();
    metrics.find(|metric| metric["name"] == name).unwrap()
}

async fn text(serving: &Serving, path: &str) -> String {
    let answer = reqwest::get(format!("{}{path}", serving.url())).await;
    answer.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_the_targets_in_the_api_prometheus_and_otlp_and_a_reset_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let targets = targets(0.0).await;
    let receiver = Receiver::start(Behaviour::Takes).await.unwrap();
    let serving = cicada(&folder)
        .at(&targets)
        .args("--autostart -u 4 -r 10")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint())
        .serve()
        .await;
    let ten = |metrics: &Value| metric_of(metrics, "Orders/Created")["count"].as_u64() >= Some(10);
    serving
        .until("/custom-metrics", LIMIT, |metrics| {
            !metrics.as_array().unwrap().is_empty() && ten(metrics)
        })
        .await;
    serving.settle(LIMIT).await;
    let sent = targets.counters().total.requests;
    let metrics = serving.get("/custom-metrics").await;
    let created = metric_of(&metrics, "Orders/Created");
    assert_eq!(
        (&created["count"], &created["total"]),
        (&json!(sent), &json!(sent as f64))
    );
    assert_eq!(
        metric_of(&metrics, "Orders/Refused")["count"],
        0,
        "{metrics}"
    );
    let amount = metric_of(&metrics, "Orders/Amount");
    assert_eq!(amount["total"], json!(12.25 * sent as f64));
    assert_eq!(
        (&amount["median"], &amount["unit"]),
        (&json!(12.25), &json!("EUR"))
    );
    // what cannot be evaluated is told, and fails nothing
    assert_eq!(metric_of(&metrics, "Orders/Points")["errors"], json!(sent));
    let exceptions = serving.get("/exceptions").await;
    let [exception] = &exceptions["exceptions"].as_array().unwrap()[..] else {
        panic!("{exceptions}");
    };
    assert_eq!(exception["count"], json!(sent));
    let said = exception["msg"].as_str().unwrap();
    assert!(said.starts_with("the metric Orders/Points: "), "{said}");
    assert_eq!(serving.counts().await["order"], (sent, 0));

    let prometheus = text(&serving, "/metrics").await;
    for line in [
        format!("cicada_custom_counter_total{{metric=\"Orders/Created\"}} {sent}"),
        format!("cicada_custom_histogram_count{{metric=\"Orders/Amount\",unit=\"EUR\"}} {sent}"),
        format!("cicada_custom_metric_errors_total{{metric=\"Orders/Points\"}} {sent}"),
    ] {
        assert!(prometheus.lines().any(|known| known == line), "{line}");
    }

    serving.reset().await;
    let after = serving.get("/custom-metrics").await;
    assert_eq!(metric_of(&after, "Orders/Created")["count"], 0, "{after}");
    assert_eq!(serving.terminate().await, 0);
    let exported: f64 = receiver
        .metrics()
        .into_iter()
        .filter(|(_, metric)| metric.name == "Orders/Created")
        .filter_map(|(_, metric)| match metric.data? {
            metric::Data::Sum(sum) => Some(sum.data_points),
            _ => None,
        })
        .flatten()
        .filter_map(|point| match point.value? {
            number_data_point::Value::AsDouble(value) => Some(value),
            number_data_point::Value::AsInt(_) => None,
        })
        .sum();
    assert_eq!(exported, sent as f64);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_them_beside_the_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let targets = targets(0.0).await;
    let output = cicada(&folder)
        .at(&targets)
        .args("--headless -u 2 -r 10 -t 2 --json")
        .run()
        .await;
    let sent = targets.counters().total.requests;
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        printed["statistics"][0]["num_requests"],
        json!(sent),
        "{printed}"
    );
    let created = metric_of(&printed["custom_metrics"], "Orders/Created");
    assert_eq!(
        (&created["kind"], &created["total"]),
        (&json!("counter"), &json!(sent as f64))
    );
    // an exception is no good end, as in Locust
    assert_eq!(output.status.code(), Some(1));
}
