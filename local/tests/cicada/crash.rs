//! A killed process loses at most the last two seconds, says what is missing, and goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use testing::assert_adds_up;
use tokio::time::sleep;

use crate::harness::{Cicada, LIMIT, rows, targets};

fn no_less(before: &BTreeMap<String, (u64, u64)>, after: &BTreeMap<String, (u64, u64)>) {
    for (name, (requests, failures)) in before {
        let (now, failed) = after.get(name).copied().unwrap_or_default();
        assert!(
            now >= *requests && failed >= *failures,
            "{name}: {requests}, then {now}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_keeps_what_it_had_reported_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("runs.db");
    let targets = targets(0.2).await;
    let start = || Cicada::new().at(&targets).db(&db);
    let first = start().serve().await;
    first
        .swarm("user_count=40&spawn_rate=40&user_classes=TargetAppUser")
        .await;
    first
        .until("/stats/requests", LIMIT, |answer| {
            rows(answer)["Aggregated"].0 > 150
        })
        .await;
    let two_seconds_before = targets.counters().total.requests;
    sleep(Duration::from_secs(2)).await;
    let reported = first.counts().await;
    let run = first.get("/ledger").await["run"].clone();
    first.kill().await;
    let seen = targets.counters().total.requests;
    // long enough for something to be due meanwhile
    sleep(Duration::from_secs(1)).await;

    let second = start().serve().await;
    let resumed = second.counts().await;
    no_less(&reported, &resumed);
    assert!(resumed["Aggregated"].0 >= two_seconds_before);
    assert_eq!(second.get("/ledger").await["run"], run, "the run goes on");
    second
        .until("/stats/requests", LIMIT, |answer| {
            rows(answer)["Aggregated"].0 > seen + 100 && answer["state"] == "running"
        })
        .await;
    let ledger = second.settle(LIMIT).await;
    assert_adds_up(&ledger);
    let missing = ledger["missing"].as_u64().unwrap();
    let recorded = second.total().await;
    let sent = targets.counters().total.requests;
    assert!(sent >= recorded);
    assert!(
        missing >= sent - recorded,
        "what was sent and lost is missing: {ledger:#}"
    );
    assert!(
        missing > 0,
        "what was due while nothing ran is missing: {ledger:#}"
    );
    assert_eq!(second.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_run_and_a_reset_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("runs.db");
    let targets = targets(0.0).await;
    let start = || Cicada::new().at(&targets).db(&db);
    let first = start().serve().await;
    first
        .swarm("user_count=10&spawn_rate=10&user_classes=TargetAppUser")
        .await;
    first
        .until("/stats/requests", LIMIT, |answer| {
            rows(answer)["Aggregated"].0 > 30
        })
        .await;
    let ledger = first.settle(LIMIT).await;
    let counts = first.counts().await;
    assert_eq!(counts["Aggregated"].0, targets.counters().total.requests);
    assert_eq!(first.terminate().await, 0);

    let second = start().serve().await;
    assert_eq!(second.counts().await, counts);
    assert_eq!(second.get("/ledger").await["planned"], ledger["planned"]);
    assert_eq!(second.get("/stats/requests").await["state"], "stopped");
    second.reset().await;
    assert_eq!(second.total().await, 0);
    second.kill().await;

    let third = start().serve().await;
    assert_eq!(third.total().await, 0, "a reset survives");
    assert!(
        third.counts().await.contains_key("GET /health"),
        "rows stay, with zeros"
    );
}
