//! The main job: six classes for more than three minutes over heartbeats that fire by themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use stand_ins::CountersSnapshot;
use testing::assert_adds_up;

use crate::costs;
use crate::emulator::output;
use crate::proxy::Fault;
use crate::scene::Scene;

/// How long a run goes on before its calls are counted.
const PART: Duration = Duration::from_secs(100);

/// How long it goes on with more users.
const AFTER_A_CHANGE: Duration = Duration::from_secs(60);

/// How long AWS takes to switch the mapping on.
const ENABLING: Duration = Duration::from_secs(30);

/// What was planned is settled this long after a stop: the longest timeouts of a class, and a margin.
const SETTLES_WITHIN: Duration = Duration::from_secs(330);

#[tokio::test(flavor = "multi_thread")]
async fn six_classes_over_several_heartbeats_are_accounted_for_to_the_request() {
    let scene = Scene::deploy("main").await;
    let stage = &scene.stage;
    assert!(!stage.heartbeat_is_on().await, "a new stage costs nothing");
    assert!(!stage.mapping_is_on().await, "a new stage costs nothing");
    // as AWS, which takes its time to begin with the queue
    scene.proxy.fault(Fault::SlowMapping, ENABLING);
    let answer = stage.post("/swarm", "user_count=36&spawn_rate=6").await;
    assert_eq!(answer["success"], true, "{answer:#}");
    assert!(stage.heartbeat_is_on().await);
    tokio::time::sleep(ENABLING).await;
    assert!(scene.arrivals() > 0, "ticks are called without the queue");
    scene.proxy.mend();
    tokio::time::sleep(PART - ENABLING).await;
    assert!(stage.mapping_is_on().await);
    let counted = costs::compare(&scene).await;
    stage.post("/swarm", "user_count=60&spawn_rate=6").await;
    tokio::time::sleep(AFTER_A_CHANGE).await;
    let (ledger, at_stop) = tokio::join!(stage.stop_and_settle(SETTLES_WITHIN), async {
        // the answer to the stop, and two seconds
        tokio::time::sleep(Duration::from_secs(5)).await;
        scene.arrivals()
    });
    stage.until_heartbeat_is_off().await;
    report(&ledger, &counted);
    assert_eq!(scene.arrivals(), at_stop, "nothing starts after a stop");
    assert_adds_up(&ledger);
    assert_eq!(ledger["missing"], 0, "{ledger:#}");
    assert_eq!(ledger["duplicates"], 0, "{ledger:#}");
    assert_eq!(
        ledger["classes"].as_object().unwrap().len(),
        6,
        "{ledger:#}"
    );
    assert_equal(&stage.counts().await, &scene.targets.counters());
    stage.destroy().await;
}

/// What the targets counted, route by route, is what the statistics say.
pub(crate) fn assert_equal(rows: &BTreeMap<String, (u64, u64)>, counters: &CountersSnapshot) {
    let mut routes: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, (requests, _)) in rows {
        let route = match name.as_str() {
            "Aggregated" => continue,
            "GET /health" => "GET /health",
            "GET /orders" => "GET /orders",
            "GET /products" => "GET /products",
            "POST /orders" => "POST /orders",
            "GET /products/:id" => "GET /products/{id}",
            name if name.starts_with("Agent Status") => "GET /status",
            name if name.starts_with("Repair Workflow") => "POST /repair",
            name if name.starts_with("Chat") || name.contains("Prompt") => "POST /chat",
            other => panic!("an unexpected row: {other}"),
        };
        *routes.entry(route).or_default() += requests;
    }
    for (route, requests) in routes {
        assert_eq!(counters.requests(route), requests, "{route}");
    }
    assert_eq!(counters.total.requests, rows["Aggregated"].0);
}

fn report(ledger: &Value, calls: &str) {
    let text = format!("{ledger:#}\n\n{calls}");
    println!("{text}");
    std::fs::write(output().join("main-job.txt"), text).unwrap();
}
