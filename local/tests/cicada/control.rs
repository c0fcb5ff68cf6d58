//! Stopping, resizing, and runs that end by themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use stand_ins::{CountersSnapshot, Targets};
use tokio::time::{Instant, sleep};

use crate::harness::{Cicada, assert_adds_up, targets};

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

fn arrivals(counters: &CountersSnapshot) -> BTreeMap<String, Vec<u64>> {
    let users = counters.users.iter();
    users
        .map(|user| (user.user.clone(), user.arrivals_us.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_starts_later_than_two_seconds_after_stop_has_answered() {
    let folder = tempfile::tempdir().unwrap();
    let targets = logging_targets().await;
    let cicada = Cicada::new()
        .at(&targets)
        .arg("-f")
        .arg(workload(&folder))
        .serve()
        .await;
    for round in 0..3 {
        cicada.swarm("user_count=50&spawn_rate=1000").await;
        sleep(Duration::from_millis(3_000 + 370 * round)).await;
        let asked = Instant::now();
        cicada.post("/stop", "").await;
        assert!(
            asked.elapsed() < Duration::from_secs(10),
            "{:?}",
            asked.elapsed()
        );
        sleep(Duration::from_secs(2)).await;
        let then = targets.counters().total.requests;
        assert!(then > 0);
        sleep(Duration::from_secs(3)).await;
        assert_eq!(targets.counters().total.requests, then, "round {round}");
        assert_eq!(cicada.get("/stats/requests").await["state"], "stopped");
    }
    assert_adds_up(&cicada.get("/ledger").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn resizing_keeps_the_statistics_and_leaves_no_gap_for_those_who_stay() {
    let folder = tempfile::tempdir().unwrap();
    let targets = logging_targets().await;
    let cicada = Cicada::new()
        .at(&targets)
        .arg("-f")
        .arg(workload(&folder))
        .serve()
        .await;
    cicada.swarm("user_count=20&spawn_rate=100").await;
    let limit = Duration::from_secs(20);
    let users = |count: u64| move |answer: &serde_json::Value| answer["user_count"] == count;
    cicada.until("/stats/requests", limit, users(20)).await;
    sleep(Duration::from_secs(3)).await;
    let before = cicada.total().await;
    cicada.swarm("user_count=150&spawn_rate=100").await;
    cicada.until("/stats/requests", limit, users(150)).await;
    sleep(Duration::from_secs(2)).await;
    cicada.swarm("user_count=5&spawn_rate=100").await;
    cicada.until("/stats/requests", limit, users(5)).await;
    sleep(Duration::from_secs(3)).await;
    let ledger = cicada.settle(limit).await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["missing"], 0, "{ledger:#}");
    assert!(cicada.total().await > before);
    let counters = targets.counters();
    assert_eq!(cicada.total().await, counters.total.requests);

    let arrivals = arrivals(&counters);
    assert_eq!(arrivals.len(), 150);
    for user in 0..5 {
        let instants = &arrivals[&format!("Paced/{user}")];
        let longest = instants
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .max()
            .unwrap();
        assert!(longest < 450_000, "user {user} paused for {longest} us");
        assert!(instants.len() > 40);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_time_ends_the_run_whoever_has_gone_away() {
    let folder = tempfile::tempdir().unwrap();
    let targets = logging_targets().await;
    let cicada = Cicada::new()
        .at(&targets)
        .arg("-f")
        .arg(workload(&folder))
        .serve()
        .await;
    // nobody asks anything from here on
    cicada
        .swarm("user_count=10&spawn_rate=1000&run_time=4s")
        .await;
    sleep(Duration::from_secs(9)).await;
    let counters = targets.counters();
    let sent = counters.total.requests;
    assert!((150..=165).contains(&sent), "{sent}");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(targets.counters().total.requests, sent);
    let ledger = cicada.get("/ledger").await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["recorded"], sent);
}
