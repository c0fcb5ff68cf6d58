//! Metrics: what is counted, and whether each export says it anew.

use telemetry::receiver::{Metric, attributes, metric, number_data_point};
use traffic::telemetry::{Exporter as _, Observer as _};

use crate::scene::{GET, LONG, Scene, Sent};

/// Delta and cumulative, as the protocol numbers them.
const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

/// Attributes, count and sum of each point of a histogram, and whether they are deltas.
fn points(histogram: &Metric) -> (i32, Vec<(String, u64, f64)>) {
    let Some(metric::Data::Histogram(data)) = &histogram.data else {
        panic!("{histogram:?}");
    };
    let points = data.data_points.iter().map(|point| {
        let named = format!("{:?}", attributes(&point.attributes));
        (named, point.count, point.sum.unwrap())
    });
    (data.aggregation_temporality, points.collect())
}

/// The count of iterations by fate.
fn counts(counter: &Metric) -> Vec<(String, i64)> {
    let Some(metric::Data::Sum(data)) = &counter.data else {
        panic!("{counter:?}");
    };
    let points = data.data_points.iter().map(|point| {
        let Some(number_data_point::Value::AsInt(count)) = point.value else {
            panic!("{point:?}");
        };
        (attributes(&point.attributes)["cicada.fate"].clone(), count)
    });
    let mut counts: Vec<_> = points.collect();
    counts.sort();
    counts
}

#[tokio::test]
async fn durations_are_a_histogram_by_what_was_asked_and_answered() {
    let scene = Scene::new(&[]).await;
    let failed = Sent {
        status: Some(503),
        error: Some("503"),
        took_ms: 90_000,
        ..GET
    };
    scene.iteration(&[GET, GET, failed]);
    scene.telemetry.flush(LONG).await;
    let [duration] = &scene.metrics("http.client.request.duration")[..] else {
        panic!("it is exported once");
    };
    assert_eq!(duration.unit, "s");
    let (_, mut points) = points(duration);
    points.sort_by_key(|(_, count, _)| *count);
    let [(bad, 1, took), (good, 2, sum)] = &points[..] else {
        panic!("{points:?}");
    };
    assert!((took - 90.0).abs() < 1e-9 && (sum - 0.06).abs() < 1e-9);
    for wanted in [
        "\"http.request.method\": \"GET\"",
        "\"http.response.status_code\": \"503\"",
        "\"error.type\": \"503\"",
        "\"server.address\": \"shop.example\"",
        "\"server.port\": \"8000\"",
        "\"cicada.request.name\": \"GET /products\"",
        "\"cicada.user_class\": \"ModelAUser\"",
    ] {
        assert!(bad.contains(wanted), "{bad}");
    }
    assert!(!good.contains("error.type"), "{good}");
    let Some(metric::Data::Histogram(data)) = &duration.data else {
        panic!("it is a histogram");
    };
    // an agent that takes its time is not merely slower than ten seconds
    assert_eq!(data.data_points[0].explicit_bounds.last(), Some(&120.0));
}

#[tokio::test]
async fn iterations_lateness_and_users_are_figures_too() {
    let scene = Scene::new(&[]).await;
    scene.iteration(&[GET]);
    scene.iteration(&[GET]);
    scene.telemetry.skipped("ModelAUser");
    scene.telemetry.users("ModelAUser", 5);
    scene.telemetry.users("ModelAUser", 6);
    scene.telemetry.flush(LONG).await;
    let counted = counts(&scene.metrics("cicada.iterations")[0]);
    assert_eq!(counted, [("done".to_owned(), 2), ("skipped".to_owned(), 1)]);
    let (_, lateness) = points(&scene.metrics("cicada.lateness")[0]);
    let [(_, 2, sum)] = lateness[..] else {
        panic!("{lateness:?}");
    };
    assert!((sum - 0.0014).abs() < 1e-9);
    let Some(metric::Data::Gauge(users)) = &scene.metrics("cicada.users")[0].data else {
        panic!("it is a gauge");
    };
    let value = users.data_points[0].value;
    assert_eq!(value, Some(number_data_point::Value::AsInt(6)));
}

#[tokio::test]
async fn each_export_has_what_is_new_unless_the_whole_is_asked_for() {
    let variable = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    for (preference, temporality, second) in [
        ("", DELTA, 1),
        ("delta", DELTA, 1),
        ("cumulative", CUMULATIVE, 3),
    ] {
        let scene = Scene::new(&[(variable, preference)]).await;
        scene.iteration(&[GET, GET]);
        scene.telemetry.flush(LONG).await;
        scene.iteration(&[GET]);
        scene.telemetry.flush(LONG).await;
        let exports = scene.metrics("http.client.request.duration");
        let exports: Vec<_> = exports.iter().map(points).collect();
        let counts: Vec<_> = exports
            .iter()
            .map(|(kind, points)| (*kind, points[0].1))
            .collect();
        assert_eq!(
            counts,
            [(temporality, 2), (temporality, second)],
            "{preference}"
        );
    }
}
