//! The alert rules and the dashboard in `docs/monitoring`: they ask for nothing that there is not, their queries
//! are PromQL, and the alerts fire when they should and at no other time.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use super::Metrics;
use crate::cicada::Cicada;
use crate::records::Request;
use testing::tools::{promtool, root};

fn file(name: &str) -> PathBuf {
    root().join("docs/monitoring").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Everything in a text that has the form of a metric's name of ours.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    words
        .filter(|word| word.starts_with("locust_") || word.starts_with("cicada_"))
        .collect()
}

/// The names that samples have, with traffic of every kind.
async fn offered() -> BTreeSet<String> {
    let cicada = Cicada::new();
    cicada.started("user_count=6&spawn_rate=600").await;
    cicada.settle().await;
    let requests = [
        Request::took("/a", 5.0),
        Request::took("/b", 7.0).failed("no"),
    ];
    cicada.completed(&requests).await;
    cicada.pass(12.0).await;
    let metrics = Metrics::of(&cicada.get("/metrics").await);
    let samples = metrics.families.iter().flat_map(|family| {
        let samples = family["samples"].as_array().expect("a list");
        samples
            .iter()
            .map(|sample| sample[0].as_str().expect("a name").to_owned())
    });
    samples.collect()
}

/// The queries of all panels.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().expect("targets"));
    targets
        .map(|target| target["expr"].as_str().expect("a query").to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn rules_and_dashboard_ask_for_what_there_is() {
    let offered = offered().await;
    let (dashboard, readme) = (text("dashboard.json"), text("README.md"));
    for name in ["alerts.yml", "alerts.test.yml", "dashboard.json"] {
        let text = text(name);
        let asked = metrics_in(&text);
        assert!(asked.len() > 4, "{name}: {asked:?}");
        for metric in asked {
            assert!(offered.contains(metric), "{name} asks for {metric}");
        }
    }
    // the table of metrics names each, or what comes after the common beginning
    for metric in &offered {
        let ends: Vec<usize> = metric.match_indices('_').map(|(at, _)| at).collect();
        let said = readme.contains(metric.as_str())
            || ends
                .iter()
                .any(|&at| readme.contains(&format!("`{}", &metric[at..])))
            || ends.iter().any(|&at| {
                readme.contains(&format!(
                    "`{}_`",
                    &metric[at..]
                        .trim_end_matches("_total")
                        .trim_end_matches("_response_time")
                ))
            });
        assert!(said, "README.md says nothing of {metric}");
    }
    // and the dashboard shows nearly all of them
    let shown = metrics_in(&dashboard).len();
    assert!(shown >= 25, "{shown} of {}", offered.len());
}

#[test]
fn the_dashboards_queries_are_promql() {
    let dashboard: Value = serde_json::from_str(&text("dashboard.json")).expect("it is JSON");
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    let queries = queries(&dashboard);
    assert!(queries.len() > 30, "{}", queries.len());
    for (number, query) in queries.iter().enumerate() {
        let query = query
            .replace("$__rate_interval", "1m")
            .replace("$instance", ".*");
        assert!(!query.contains('$'), "{query}");
        let query = serde_json::to_string(&query).expect("a text");
        rules.push_str(&format!("  - record: panel{number}\n    expr: {query}\n"));
    }
    let checked = promtool(&["check", "rules", "/dev/stdin"], &rules);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.success(), "{said}");
    let broken = promtool(
        &["check", "rules", "/dev/stdin"],
        &rules.replace("sum(", "sum(("),
    );
    assert!(!broken.status.success(), "it reads what it is given");
}

#[test]
fn the_alerts_fire_when_they_should_and_at_no_other_time() {
    let rules = file("alerts.yml").display().to_string();
    let checked = promtool(&["check", "rules", &rules], "");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(
        checked.status.success() && said.contains("5 rules found"),
        "{said}"
    );
    let tests = file("alerts.test.yml").display().to_string();
    let tested = promtool(&["test", "rules", &tests], "");
    let said = String::from_utf8_lossy(&tested.stdout).into_owned();
    assert!(tested.status.success(), "{said}");
    let fires = text("alerts.test.yml").matches("exp_alerts:").count();
    assert_eq!(
        fires,
        text("alerts.yml").matches("- alert:").count(),
        "each is seen to fire"
    );
}
