//! The dashboard and the alert conditions for New Relic ask for what is really exported, by its name.

use std::collections::BTreeSet;
use std::path::Path;

use telemetry::receiver::{attributes, metric};
use traffic::telemetry::Exporter as _;

use crate::scene::{GET, LONG, Scene, Sent};

/// What New Relic itself gives each span.
const ITS_OWN: [&str; 2] = ["duration.ms", "trace.id"];

fn text(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/monitoring");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The names with dots in the queries of a file, without the texts in them.
fn asked(name: &str) -> BTreeSet<String> {
    let text = text(name);
    let queries = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("\"query\": \""));
    let outside = queries.flat_map(|query| query.split('\'').step_by(2));
    let words = outside
        .flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && !"._".contains(c)));
    let dotted = words.filter(|word| word.contains('.') && word.starts_with(char::is_alphabetic));
    dotted.map(ToOwned::to_owned).collect()
}

/// The names of metrics, of their attributes, of spans' and of the resource's that arrive.
async fn sent() -> BTreeSet<String> {
    let scene = Scene::new(&[]).await;
    let failed = Sent {
        status: Some(503),
        error: Some("503"),
        ..GET
    };
    scene.iteration(&[GET, failed]);
    scene.telemetry.users("ModelAUser", 7);
    scene.telemetry.flush(LONG).await;
    let mut names = BTreeSet::new();
    for (resource, span) in scene.receiver.spans() {
        names.extend(resource.into_keys());
        names.extend(attributes(&span.attributes).into_keys());
    }
    for (_, metric) in scene.receiver.metrics() {
        names.insert(metric.name);
        let points: Vec<_> = match metric.data.unwrap() {
            metric::Data::Histogram(data) => {
                data.data_points.into_iter().map(|p| p.attributes).collect()
            }
            metric::Data::Sum(data) => data.data_points.into_iter().map(|p| p.attributes).collect(),
            metric::Data::Gauge(data) => {
                data.data_points.into_iter().map(|p| p.attributes).collect()
            }
            other => panic!("{other:?}"),
        };
        names.extend(
            points
                .iter()
                .flat_map(|point| attributes(point).into_keys()),
        );
    }
    names
}

#[tokio::test]
async fn dashboard_and_alerts_ask_for_what_is_sent() {
    let sent = sent().await;
    for (file, least) in [("new-relic.json", 12), ("new-relic-alerts.json", 3)] {
        let asked = asked(file);
        assert!(asked.len() >= least, "{file}: {asked:?}");
        for name in asked {
            let is_there = sent.contains(&name) || ITS_OWN.contains(&name.as_str());
            assert!(is_there, "{file} asks for {name}, and {sent:?} is sent");
        }
    }
    // and every metric is shown
    let shown = asked("new-relic.json");
    for metric in [
        "http.client.request.duration",
        "cicada.iterations",
        "cicada.lateness",
        "cicada.users",
    ] {
        assert!(shown.contains(metric) && sent.contains(metric), "{metric}");
    }
}
