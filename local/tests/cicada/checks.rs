//! The guide to checks of one's own, as it stands: its file runs, its checks pass where all is well, and fail,
//! in the words that it shows, where the agent's repairs do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use stand_ins::Targets;

use crate::harness::{Cicada, targets};

/// The rows of the class in the guide.
const ROWS: [&str; 4] = [
    "audit: status",
    "audit: counter before",
    "audit: repair",
    "audit: counter after",
];

fn guide() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join("docs/checks.md")).unwrap()
}

/// The guide's one workload, written to a file.
fn workload() -> (tempfile::TempDir, PathBuf) {
    let guide = guide();
    let blocks: Vec<&str> = guide
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split_once("```").expect("a block ends").0)
        .collect();
    let [block] = blocks[..] else {
        panic!("the guide has {} workloads", blocks.len());
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.toml");
    std::fs::write(&file, block).unwrap();
    (folder, file)
}

/// One audit, and how often each of its requests was sent and failed.
async fn audit(targets: &Targets) -> (Output, BTreeMap<String, (u64, u64)>) {
    let (_folder, file) = workload();
    let cicada = Cicada::bare().file(&file).at(targets);
    let output = cicada
        .args("--headless --only-summary --loglevel ERROR -t 1 --seed 1")
        .run()
        .await;
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let rows = ROWS.map(|name| {
        let row = text.lines().find(|line| line.contains(name));
        let row = row.unwrap_or_else(|| panic!("there is no row {name:?} in\n{text}"));
        let figures = row.split_once(name).unwrap().1.replace(['(', '|'], " ");
        let mut figures = figures.split_whitespace().map(str::parse);
        let mut next = || figures.next().unwrap().unwrap();
        (name.to_owned(), (next(), next()))
    });
    (output, rows.into())
}

fn counts(rows: &BTreeMap<String, (u64, u64)>) -> [(u64, u64); 4] {
    ROWS.map(|name| rows[name])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guides_file_is_right() {
    let (_folder, file) = workload();
    let output = Cicada::bare().arg("--check").file(&file).run().await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains(
            "RepairAuditUser: constant_pacing(30) to http://localhost:8001/, 1 task with 4 requests"
        ),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_repairs_are_made_and_counted_the_guides_checks_pass() {
    let targets = targets(0.0).await;
    let (output, rows) = audit(&targets).await;
    assert_eq!(counts(&rows), [(1, 0); 4]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(targets.counters().requests("POST /repair"), 1);
    // and once more, when there is something counted already
    let (_, rows) = audit(&targets).await;
    assert_eq!(counts(&rows), [(1, 0); 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_repairs_fail_the_counter_is_seen_to_stand_still() {
    let targets = targets(0.0).await;
    audit(&targets).await;
    let failing = json!({"repair_failure_ratio": {"a": 1}});
    targets.change(&failing).unwrap();
    let (output, rows) = audit(&targets).await;
    assert_eq!(counts(&rows), [(1, 0), (1, 0), (1, 1), (1, 1)]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    for said in [
        "POST audit: repair: the repair ended as ",
        "GET audit: counter after: the repair was not counted: still 1 successful ones",
    ] {
        assert!(text.contains(said), "{said} is not in\n{text}");
        // what the guide shows is what is said
        let shown = said.replace(" 1 ", " 2 ");
        assert!(guide().contains(&shown), "the guide does not say {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_down_or_counts_nothing_is_told_apart() {
    let targets = targets(0.0).await;
    let down =
        json!({"failure_ratio": {"GET /status": 1, "GET /metrics": 1}, "failure_status": 503});
    targets.change(&down).unwrap();
    let (_folder, file) = workload();
    let cicada = Cicada::new().file(&file).at(&targets).serve().await;
    cicada.swarm("user_count=1&spawn_rate=1&run_time=1").await;
    let limit = std::time::Duration::from_secs(60);
    let statistics = cicada.until_stopped(limit).await;
    let sent = |name: &str| {
        let rows = statistics["stats"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name);
        row.map_or(0, |row| row["num_requests"].as_u64().unwrap())
    };
    // what needs the number that nobody has is not sent; a repair needs nothing
    assert_eq!(ROWS.map(sent), [1, 1, 1, 0]);
    let errors: Vec<&Value> = statistics["errors"].as_array().unwrap().iter().collect();
    assert!(
        errors
            .iter()
            .any(|error| error["name"] == "audit: counter before"
                && error["error"]
                    .to_string()
                    .contains("expected status 200, got 503")),
        "{errors:?}"
    );
}
