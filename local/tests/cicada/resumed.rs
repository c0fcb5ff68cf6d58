//! Runs that go on through restarts with `--resume`, and the end of a program that is told to end.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use stand_ins::Targets;
use testing::{Recorder, assert_adds_up};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::sleep;

use crate::harness::{Cicada, LIMIT, Serving, targets};

/// Longer than nothing is sent in a run that is on.
const A_WHILE: Duration = Duration::from_secs(3);

const FIRST: &str = "TargetAppUser --resume --autostart -u 20 -r 20";

fn resuming(db: &Path, targets: &Targets) -> Cicada {
    Cicada::new().at(targets).db(db).args(FIRST)
}

async fn until_more(cicada: &Serving, targets: &Targets, more: u64) {
    let sent = targets.counters().total.requests + more;
    while targets.counters().total.requests < sent {
        sleep(Duration::from_millis(50)).await;
    }
    // and answers for it
    cicada
        .until("/health", LIMIT, |health| health["status"] == "ok")
        .await;
}

fn users(statistics: &Value) -> &Value {
    &statistics["user_count"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_as_it_was_until_somebody_stops_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("runs.db");
    let targets = targets(0.0).await;
    let cicada = resuming(&db, &targets).serve().await;
    until_more(&cicada, &targets, 20).await;
    let run = cicada.get("/ledger").await["run"].clone();
    // a person asks for more than the command line does
    cicada
        .swarm("user_count=30&spawn_rate=30&user_classes=TargetAppUser")
        .await;
    until_more(&cicada, &targets, 20).await;
    assert_eq!(cicada.terminate().await, 0);

    let sent = targets.counters().total.requests;
    let cicada = resuming(&db, &targets).serve().await;
    cicada
        .until_logged("a run that was not stopped goes on")
        .await;
    cicada.until_logged("the run goes on as it was").await;
    assert!(
        cicada.total().await >= sent,
        "what was under way is recorded"
    );
    assert_eq!(users(&cicada.get("/stats/requests").await), 30);
    until_more(&cicada, &targets, 20).await;
    cicada.kill().await;

    let cicada = resuming(&db, &targets).serve().await;
    until_more(&cicada, &targets, 20).await;
    assert_eq!(cicada.interrupt().await, 0);
    let cicada = resuming(&db, &targets).serve().await;
    assert_eq!(cicada.get("/ledger").await["run"], run);
    let ledger = cicada.settle(LIMIT).await;
    assert_adds_up(&ledger);
    assert!(
        ledger["missing"].as_u64() > Some(0),
        "while it was away: {ledger:#}"
    );
    let (recorded, sent) = (cicada.total().await, targets.counters().total.requests);
    // the one that was killed had no time
    assert!(
        recorded <= sent && recorded + 60 >= sent,
        "{recorded} of {sent}"
    );
    assert_eq!(cicada.terminate().await, 0);

    let cicada = resuming(&db, &targets).serve().await;
    cicada
        .until_logged("the last run is over and stays so")
        .await;
    sleep(A_WHILE).await;
    let statistics = cicada.get("/stats/requests").await;
    assert_eq!(
        (&statistics["state"], users(&statistics)),
        (&"stopped".into(), &0.into())
    );
    assert_eq!(targets.counters().total.requests, sent);
    assert_eq!(
        cicada.get("/runs").await["runs"].as_array().unwrap().len(),
        1
    );
    // and the next one is begun by hand, and left like any
    cicada
        .swarm("user_count=10&spawn_rate=10&user_classes=TargetAppUser")
        .await;
    until_more(&cicada, &targets, 5).await;
    assert_eq!(cicada.terminate().await, 0);
    let cicada = resuming(&db, &targets).serve().await;
    cicada
        .until("/stats/requests", LIMIT, |answer| {
            answer["state"] == "running"
        })
        .await;
    assert_ne!(
        cicada.get("/ledger").await["run"],
        run,
        "the newest goes on"
    );
    assert_eq!(cicada.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_time_is_over_meanwhile_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("runs.db");
    let targets = targets(0.0).await;
    let cicada = resuming(&db, &targets).args("-t 8s").serve().await;
    until_more(&cicada, &targets, 10).await;
    assert_eq!(cicada.terminate().await, 0);
    let sent = targets.counters().total.requests;
    sleep(Duration::from_secs(9)).await;
    let cicada = resuming(&db, &targets).args("-t 8s").serve().await;
    cicada
        .until_logged("a run ended while cicada was away")
        .await;
    assert_eq!(cicada.get("/stats/requests").await["state"], "stopped");
    let ledger = cicada.get("/ledger").await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["pending"], 0, "{ledger:#}");
    assert!(ledger["missing"].as_u64() > Some(0), "{ledger:#}");
    assert_eq!(
        (cicada.total().await, targets.counters().total.requests),
        (sent, sent)
    );
    assert_eq!(cicada.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_keeps_the_workload_that_it_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let (file, db) = (
        folder.path().join("shop.toml"),
        folder.path().join("runs.db"),
    );
    let recorder = Recorder::start().await;
    let workload = |path: &str| {
        format!(
            "[hosts]\nshop = \"{}\"\n[class.Looker]\nwait = \"constant_pacing(0.2)\"\n\
             task.look.request = \"GET {path}\"\n",
            recorder.url()
        )
    };
    let lines = |line: &str| {
        recorder
            .seen()
            .iter()
            .filter(|seen| seen.line == line)
            .count()
    };
    std::fs::write(&file, workload("/old")).unwrap();
    let start = || {
        Cicada::new()
            .db(&db)
            .file(&file)
            .args("--resume --autostart -u 4 -r 4")
    };
    let cicada = start().serve().await;
    while lines("GET /old") < 8 {
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(cicada.terminate().await, 0);
    std::fs::write(&file, workload("/new")).unwrap();
    let before = lines("GET /old");
    let cicada = start().serve().await;
    cicada
        .until_logged("it keeps the workload that it began with")
        .await;
    while lines("GET /old") < before + 8 {
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(lines("GET /new"), 0);
    cicada.settle(LIMIT).await;
    cicada.swarm("user_count=2&spawn_rate=2").await;
    while lines("GET /new") == 0 {
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(cicada.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_told_to_end_records_what_hangs_and_ends_well() {
    const USERS: u64 = 1_000;
    // the target is in this process
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, db) = (
        folder.path().join("slow.toml"),
        folder.path().join("runs.db"),
    );
    let recorder = Recorder::start().await;
    let workload = format!(
        "[hosts]\nshop = \"{}\"\n[class.Waiter]\nwait = \"constant_pacing(3600)\"\n\
         task.wait.request = {{ path = \"/slow\", timeout = \"600s\" }}\n",
        recorder.url()
    );
    std::fs::write(&file, workload).unwrap();
    let start = || Cicada::new().db(&db).file(&file).args("--resume");
    let cicada = start().serve().await;
    cicada
        .swarm(&format!("user_count={USERS}&spawn_rate=1000"))
        .await;
    while (recorder.seen().len() as u64) < USERS {
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(cicada.terminate().await, 0);
    let cicada = start().serve().await;
    let ledger = cicada.get("/ledger").await;
    assert_adds_up(&ledger);
    for field in ["planned", "recorded", "cut_off"] {
        assert_eq!(ledger[field], USERS, "{field}: {ledger:#}");
    }
    cicada
        .until("/stats/requests", LIMIT, |answer| {
            answer["state"] == "running"
        })
        .await;
    assert_eq!(cicada.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn stand_ins_that_are_told_to_end_end_well_whatever_they_are_busy_with() {
    let mut stand_ins = Command::new(env!("CARGO_BIN_EXE_stand-in-targets"))
        .args(["--target-app", "127.0.0.1:0", "--ai-agent", "127.0.0.1:0"])
        .args(["--fixed-latency-ms", "GET /orders=3600000"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(stand_ins.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let url = line.strip_prefix("target-app").unwrap().trim().to_owned();
    let client = reqwest::Client::new();
    let hanging = tokio::spawn(client.get(format!("{url}/orders")).send());
    let counters = format!("{url}/stand-in/counters");
    let is_there = async {
        loop {
            let counted = client.get(&counters).send().await.unwrap();
            if counted.text().await.unwrap().contains("/orders") {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, is_there).await.unwrap();
    let id = stand_ins.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .arg(id)
            .status()
            .await
            .unwrap()
            .success()
    );
    let ended = tokio::time::timeout(LIMIT, stand_ins.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(0));
    assert!(hanging.await.unwrap().is_err());
}
