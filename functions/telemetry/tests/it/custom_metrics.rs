//! Custom metrics of workloads, by their own names.

use telemetry::receiver::{attributes, metric, number_data_point};
use traffic::telemetry::Exporter as _;

use crate::scene::{GET, LONG, Scene, Sent};

#[tokio::test]
async fn counters_and_histograms_have_their_names_units_and_values() {
    let scene = Scene::new(&[]).await;
    let created = Sent {
        measured: Some(("Orders/Created", "", 1.0)),
        ..GET
    };
    let total = |value: f64| Sent {
        measured: Some(("Orders/Total", "EUR", value)),
        ..GET
    };
    scene.iteration(&[created, GET, created, total(129.9), total(0.1), total(-1.0)]);
    scene.telemetry.flush(LONG).await;
    let [counter] = &scene.metrics("Orders/Created")[..] else {
        panic!("it is exported once");
    };
    let Some(metric::Data::Sum(sum)) = &counter.data else {
        panic!("{counter:?}");
    };
    assert!(sum.is_monotonic);
    let [point] = &sum.data_points[..] else {
        panic!("{sum:?}");
    };
    assert_eq!(point.value, Some(number_data_point::Value::AsDouble(2.0)));
    let named = attributes(&point.attributes);
    assert_eq!(named["cicada.request.name"], "GET /products");
    assert_eq!(named["cicada.user_class"], "ModelAUser");

    let [histogram] = &scene.metrics("Orders/Total")[..] else {
        panic!("it is exported once");
    };
    assert_eq!(histogram.unit, "EUR");
    let Some(metric::Data::Histogram(data)) = &histogram.data else {
        panic!("{histogram:?}");
    };
    let [point] = &data.data_points[..] else {
        panic!("{data:?}");
    };
    // what could not be evaluated is no value
    assert_eq!((point.count, point.max), (2, Some(129.9)));
    assert!((point.sum.unwrap() - 130.0).abs() < 1e-9);
    assert!(point.explicit_bounds.contains(&200.0));
}
