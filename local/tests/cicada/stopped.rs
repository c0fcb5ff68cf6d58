//! The end of a run: what is under way ends, nothing else begins, and then nothing changes any more.

use std::time::Duration;

use serde_json::Value;
use testing::{Recorder, assert_adds_up};
use tokio::time::{sleep, timeout};

use crate::harness::{Cicada, LIMIT, Serving};

/// Two requests, of which the first takes two seconds.
const CHATS: &str = r#"
[hosts.agent]
url = "http://127.0.0.1:9"
env = "AI_AGENT_URL"
[headers]
X-Cicada-User = "{{ user_class }}/{{ user }}"
[class.Chat]
host = "agent"
wait = "WAIT"
[[class.Chat.task.talk.request]]
path = "/leisurely"
[[class.Chat.task.talk.request]]
path = "/after"
"#;

async fn serve(recorder: &Recorder, folder: &tempfile::TempDir, wait: &str, line: &str) -> Serving {
    let path = folder.path().join("chats.toml");
    std::fs::write(&path, CHATS.replace("WAIT", wait)).unwrap();
    let cicada = Cicada::new().env("AI_AGENT_URL", recorder.url());
    cicada.file(path).args(line).serve().await
}

fn total(statistics: &Value) -> u64 {
    let rows = statistics["stats"].as_array().unwrap();
    rows.last().unwrap()["num_requests"].as_u64().unwrap()
}

/// Polls until the state is `stopped`; says which states and user counts there were before.
async fn until_stopped(cicada: &Serving) -> (Vec<(String, u64)>, Value) {
    let polls = async {
        let mut seen = Vec::new();
        loop {
            let statistics = cicada.get("/stats/requests").await;
            let state = statistics["state"].as_str().unwrap().to_owned();
            if state == "stopped" {
                return (seen, statistics);
            }
            seen.push((state, statistics["user_count"].as_u64().unwrap()));
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, polls).await.expect("it stops")
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_is_final_and_until_then_the_users_that_are_busy_are_shown() {
    for wait in ["constant_pacing(30)", "constant(0)"] {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::start().await;
        let cicada = serve(&recorder, &folder, wait, "").await;
        cicada.swarm("user_count=4&spawn_rate=1000").await;
        while recorder.seen().len() < 4 {
            sleep(Duration::from_millis(5)).await;
        }
        cicada.post("/stop", "").await;
        let (states, statistics) = until_stopped(&cicada).await;
        assert!(
            states.contains(&("stopping".into(), 4)),
            "{wait}: {states:?}"
        );
        let is_stopping = |(state, users): &(String, u64)| state == "stopping" && *users <= 4;
        assert!(states.iter().all(is_stopping), "{wait}: {states:?}");
        let lines: Vec<String> = recorder.seen().into_iter().map(|seen| seen.line).collect();
        assert_eq!(
            lines, ["GET /leisurely"; 4],
            "{wait}: and no second request"
        );
        assert_eq!(total(&statistics), 4, "{wait}");
        let ledger = cicada.get("/ledger").await;
        assert_adds_up(&ledger);
        for (name, count) in [("missing", 0), ("pending", 0), ("unplanned", 0)] {
            assert_eq!(ledger[name], count, "{wait}: {name} in {ledger}");
        }
        sleep(Duration::from_millis(1_500)).await;
        assert_eq!(cicada.get("/stats/requests").await, statistics, "{wait}");
        assert_eq!(cicada.get("/ledger").await, ledger, "{wait}");
        assert_eq!(recorder.seen().len(), 4, "{wait}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_stop_timeout_an_iteration_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::start().await;
    let cicada = serve(
        &recorder,
        &folder,
        "constant_pacing(30)",
        "--stop-timeout 60",
    )
    .await;
    cicada.swarm("user_count=3&spawn_rate=1000").await;
    while recorder.seen().len() < 3 {
        sleep(Duration::from_millis(5)).await;
    }
    cicada.post("/stop", "").await;
    let (_, statistics) = until_stopped(&cicada).await;
    assert_eq!((total(&statistics), recorder.seen().len()), (6, 6));
    assert_eq!(cicada.get("/ledger").await["cut_off"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_target_counts_is_what_is_told_however_often_the_users_change() {
    for wait in [
        "constant_pacing(0.3)",
        "between(0.1, 0.5)",
        "constant(0.05)",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::start().await;
        let path = folder.path().join("quick.toml");
        let quick = CHATS.replace("WAIT", wait).replace("/leisurely", "/quick");
        std::fs::write(&path, quick).unwrap();
        let cicada = Cicada::new().env("AI_AGENT_URL", recorder.url());
        let cicada = cicada.file(path).serve().await;
        for (number, users) in [5, 60, 2, 130, 40, 1, 90, 7].into_iter().enumerate() {
            let form = format!("user_count={users}&spawn_rate={}", 40 * (number + 1));
            cicada.swarm(&form).await;
            sleep(Duration::from_millis(37 + 211 * (number as u64 % 4))).await;
        }
        cicada.post("/stop", "").await;
        let (_, statistics) = until_stopped(&cicada).await;
        let ledger = cicada.get("/ledger").await;
        assert_adds_up(&ledger);
        assert_eq!(ledger["unplanned"], 0, "{wait}: {ledger}");
        assert_eq!(ledger["duplicates"], 0, "{wait}: {ledger}");
        assert_eq!(
            total(&statistics),
            recorder.seen().len() as u64,
            "{wait}: {ledger}"
        );
    }
}
