//! The ledger adds up on real runs, and the statistics are what the targets saw.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use stand_ins::CountersSnapshot;
use testing::assert_adds_up;

use crate::harness::{Cicada, LIMIT, targets};

/// The statistics' rows, added up by the targets' routes.
fn by_route(rows: &BTreeMap<String, (u64, u64)>) -> BTreeMap<&'static str, u64> {
    let mut routes = BTreeMap::new();
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
    routes
}

fn assert_equal(rows: &BTreeMap<String, (u64, u64)>, counters: &CountersSnapshot) {
    for (route, requests) in by_route(rows) {
        assert_eq!(counters.requests(route), requests, "{route}");
    }
    assert_eq!(counters.total.requests, rows["Aggregated"].0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_users_are_accounted_for_to_the_request() {
    are_accounted_for(25).await;
}

mod soak {
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "ten minutes: make soak"]
    async fn sixty_users_for_ten_minutes_are_accounted_for_to_the_request() {
        super::are_accounted_for(600).await;
    }
}

async fn are_accounted_for(seconds: u64) {
    let targets = targets(1.0).await;
    let cicada = Cicada::new().at(&targets).serve().await;
    cicada
        .swarm(&format!("user_count=60&spawn_rate=10&run_time={seconds}"))
        .await;
    let limit = LIMIT + Duration::from_secs(seconds);
    cicada.until_stopped(limit).await;
    let ledger = cicada.until_settled(LIMIT).await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["missing"], 0, "{ledger:#}");
    assert_eq!(ledger["duplicates"], 0, "{ledger:#}");
    assert_eq!(ledger["classes"].as_object().unwrap().len(), 6);
    assert!(
        ledger["planned"].as_u64().unwrap() > 6 * seconds - 30,
        "{ledger:#}"
    );
    assert_equal(&cicada.counts().await, &targets.counters());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_takes_25_seconds_has_users_skipped_never_overlapped() {
    let targets = targets(0.0).await;
    let slow = json!({ "POST /chat": 25_000, "POST /repair": 25_000 });
    targets
        .change(&json!({ "fixed_latency_ms": slow }))
        .unwrap();
    let cicada = Cicada::new().at(&targets).args("--seed 3").serve().await;
    cicada
        .swarm("user_count=60&spawn_rate=60&run_time=45")
        .await;
    cicada.until_stopped(2 * LIMIT).await;
    let ledger = cicada
        .until("/ledger", 2 * LIMIT, |ledger| ledger["pending"] == 0)
        .await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["missing"], 0, "{ledger:#}");
    assert!(
        ledger["classes"]["PassiveLoadUser"]["skipped"]
            .as_u64()
            .unwrap()
            > 0,
        "{ledger:#}"
    );
    // on a machine that is busy one of them may have been, by itself
    let skipped = |class: &str| ledger["classes"][class]["skipped"].as_u64().unwrap();
    assert!(
        skipped("TargetAppUser") < skipped("PassiveLoadUser"),
        "{ledger:#}"
    );
    let counters = targets.counters();
    for user in &counters.users {
        assert_eq!(user.gauge.max_concurrent, 1, "{user:?}");
        assert!(
            user.models.values().all(|model| model.max_concurrent <= 1),
            "{user:?}"
        );
    }
    assert_equal(&cicada.counts().await, &counters);
}
