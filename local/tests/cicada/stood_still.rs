//! A process that is stopped by a signal for a while, and goes on: what it sent is counted, what it could
//! not send is missing, and nothing is both.

use std::time::Duration;

use futures_util::future::join_all;
use testing::assert_adds_up;
use tokio::time::{Instant, sleep};

use crate::harness::{Cicada, LIMIT, Serving, rows, targets};

/// Users that ask four times a second.
const WORKLOAD: &str = r#"
[hosts.shop]
url = "http://127.0.0.1:9"
env = "TARGET_APP_URL"
[class.Paced]
wait = "constant_pacing(0.25)"
task.look.request = { path = "/health", timeout = "10s" }
"#;

async fn stand_still(cicada: &Serving, time: Duration) {
    signal(cicada, "-STOP");
    sleep(time).await;
    signal(cicada, "-CONT");
}

fn signal(cicada: &Serving, signal: &str) {
    let id = cicada.id().to_string();
    let sent = std::process::Command::new("kill")
        .args([signal, &id])
        .status();
    assert!(sent.unwrap().success());
}

async fn is_counted(users: u32, seconds: u64) {
    let targets = targets(0.0).await;
    let folder = tempfile::tempdir().unwrap();
    let workload = folder.path().join("paced.toml");
    std::fs::write(&workload, WORKLOAD).unwrap();
    let cicada = Cicada::new()
        .at(&targets)
        .db(&folder.path().join("runs.db"))
        .file(workload);
    let cicada = cicada.serve().await;
    cicada
        .swarm(&format!("user_count={users}&spawn_rate=1000"))
        .await;
    let enough = u64::from(users) * 8;
    cicada
        .until("/stats/requests", LIMIT, |answer| {
            rows(answer)["Aggregated"].0 > enough
        })
        .await;
    stand_still(&cicada, Duration::from_secs(seconds)).await;
    let before = targets.counters().total.requests;
    let began = Instant::now();
    while targets.counters().total.requests < before + enough {
        assert!(began.elapsed() < LIMIT, "no traffic:\n{}", cicada.log());
        sleep(Duration::from_millis(100)).await;
    }
    let ledger = cicada.settle(LIMIT).await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["duplicates"], 0, "{seconds} s: {ledger:#}");
    let counted = cicada.total().await;
    let sent = targets.counters().total.requests;
    assert_eq!(counted, sent, "{seconds} s: {ledger:#}\n{}", cicada.log());
    let missing = ledger["missing"].as_u64().unwrap();
    // the process may have been kept from its processor as well
    assert!(missing > 0 || seconds <= 30, "{seconds} s: {ledger:#}");
    println!("{seconds} s: sent {sent}, counted {counted}, missing {missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_sent_that_stood_still_is_counted_and_nothing_is_both_missing_and_recorded()
{
    join_all([is_counted(20, 5), is_counted(20, 40)]).await;
}

mod soak {
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "minutes: make soak"]
    async fn what_a_process_sent_that_stood_still_for_minutes_is_counted() {
        super::is_counted(83, 120).await;
        super::is_counted(20, 300).await;
    }
}
