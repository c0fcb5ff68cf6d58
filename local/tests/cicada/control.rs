//! Stopping, resizing, and runs that end by themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use stand_ins::{CountersSnapshot, Targets};
use testing::assert_adds_up;
use tokio::time::{Instant, sleep};

use crate::harness::{Cicada, LIMIT, Serving, targets};

/// One class that is due four times a second, so that a gap shows.
const PACED: &str = r#"
[hosts.shop]
url = "http://127.0.0.1:9"
env = "TARGET_APP_URL"
[headers]
X-Cicada-User = "{{ user_class }}/{{ user }}"
[class.Paced]
host = "shop"
wait = "constant_pacing(0.25)"
task.look.request = "GET /health"
"#;

fn workload(folder: &tempfile::TempDir) -> std::path::PathBuf {
    let path = folder.path().join("paced.toml");
    std::fs::write(&path, PACED).unwrap();
    path
}

async fn logging_targets() -> Targets {
    let targets = targets(0.0).await;
    targets
        .change(&json!({ "arrival_log": 1_000_000 }))
        .unwrap();
    targets
}

async fn served() -> (Targets, Serving) {
    let folder = tempfile::tempdir().unwrap();
    let targets = logging_targets().await;
    let cicada = Cicada::new().at(&targets).file(workload(&folder));
    let cicada = cicada.serve().await;
    (targets, cicada)
}

/// Waits until it holds.
async fn until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < LIMIT);
        sleep(Duration::from_millis(20)).await;
    }
}

fn arrivals(counters: &CountersSnapshot) -> BTreeMap<String, Vec<u64>> {
    let users = counters.users.iter();
    users
        .map(|user| (user.user.clone(), user.arrivals_us.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_any_more_when_the_state_is_stopped() {
    let (targets, cicada) = served().await;
    for round in 0..3 {
        let before = targets.counters().total.requests;
        cicada.swarm("user_count=50&spawn_rate=1000").await;
        let sent = || targets.counters().total.requests;
        until(|| sent() > before + 400).await;
        // anywhere in a slot
        sleep(Duration::from_millis(370 * round)).await;
        cicada.post("/stop", "").await;
        let stopped = |answer: &serde_json::Value| answer["state"] == "stopped";
        cicada.until("/stats/requests", LIMIT, stopped).await;
        let then = sent();
        // they were due four times a second
        sleep(Duration::from_secs(2)).await;
        assert_eq!(sent(), then, "round {round}");
        assert_eq!(cicada.get("/stats/requests").await["state"], "stopped");
    }
    assert_adds_up(&cicada.get("/ledger").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn resizing_keeps_the_statistics_and_leaves_no_gap_for_those_who_stay() {
    let (targets, cicada) = served().await;
    cicada.swarm("user_count=20&spawn_rate=100").await;
    let users = |count: u64| move |answer: &serde_json::Value| answer["user_count"] == count;
    cicada.until("/stats/requests", LIMIT, users(20)).await;
    sleep(Duration::from_secs(3)).await;
    let before = cicada.total().await;
    cicada.swarm("user_count=150&spawn_rate=100").await;
    cicada.until("/stats/requests", LIMIT, users(150)).await;
    sleep(Duration::from_secs(2)).await;
    cicada.swarm("user_count=5&spawn_rate=100").await;
    cicada.until("/stats/requests", LIMIT, users(5)).await;
    sleep(Duration::from_secs(3)).await;
    let ledger = cicada.settle(LIMIT).await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["missing"], 0, "{ledger:#}");
    assert!(cicada.total().await > before);
    let counters = targets.counters();
    assert_eq!(cicada.total().await, counters.total.requests);

    let arrivals = arrivals(&counters);
    assert_eq!(arrivals.len(), 150);
    // a request that a busy machine sent late, or that took long, makes a gap that is not the resize's
    let slowest = cicada.get("/stats/requests").await["stats"][0]["max_response_time"].clone();
    let late = [&ledger["lateness_ms"]["max"], &slowest].map(|ms| ms.as_f64().unwrap());
    let skipped = ledger["skipped"].as_f64().unwrap();
    let allowed = 450.0 + late[0] + late[1] + 250.0 * skipped;
    for user in 0..5 {
        let instants = &arrivals[&format!("Paced/{user}")];
        let gaps = instants.windows(2).map(|pair| pair[1] - pair[0]);
        let longest = gaps.max().unwrap() as f64 / 1_000.0;
        assert!(
            longest < allowed,
            "user {user} paused for {longest} of {allowed} ms"
        );
        assert!(instants.len() as f64 + skipped > 32.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_time_ends_the_run_whoever_has_gone_away() {
    let (targets, cicada) = served().await;
    // nobody asks anything from here on
    cicada
        .swarm("user_count=10&spawn_rate=1000&run_time=4s")
        .await;
    let mut sent = 0;
    let (began, mut quiet_since) = (Instant::now(), Instant::now());
    // forty were due each second
    while sent == 0 || quiet_since.elapsed() < Duration::from_secs(4) {
        assert!(began.elapsed() < LIMIT, "{sent} were sent");
        sleep(Duration::from_millis(100)).await;
        let now = targets.counters().total.requests;
        if now != sent {
            (sent, quiet_since) = (now, Instant::now());
        }
    }
    let ledger = cicada.get("/ledger").await;
    assert_adds_up(&ledger);
    let planned = ledger["planned"].as_u64().unwrap();
    assert!((150..=165).contains(&planned), "{ledger:#}");
    assert_eq!(
        (&ledger["recorded"], &ledger["pending"]),
        (&sent.into(), &0.into())
    );
}
