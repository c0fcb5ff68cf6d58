//! `--tags` and `--exclude-tags` leave the tasks that they leave in Locust, which runs the same file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use testing::Recorder;
use tokio::process::Command;

use super::{headless, stderr, stdout};

fn tagged() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("locustfile/tests/locust/files/tagged.py")
}

/// The rows of statistics as JSON.
fn rows(json: &str) -> BTreeSet<String> {
    let rows: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let name = |row: &Value| {
        format!(
            "{} {}",
            row["method"].as_str().unwrap(),
            row["name"].as_str().unwrap()
        )
    };
    rows.as_array().unwrap().iter().map(name).collect()
}

async fn same_as_locust(line: &str, recorder: &Recorder) {
    let line = format!(
        "-H {} --headless --json -u 20 -r 20 -t 3 {line}",
        recorder.url()
    );
    let ours = headless(&tagged(), recorder).args(&line);
    let mut theirs = Command::new(testing::tools::locusts_python());
    theirs
        .args(["-m", "locust", "--loglevel", "CRITICAL", "-f"])
        .arg(tagged());
    theirs.args(line.split_whitespace()).kill_on_drop(true);
    let (ours, theirs) = tokio::join!(ours.run(), theirs.output());
    let theirs = theirs.unwrap();
    assert_eq!(
        rows(&stdout(&ours)),
        rows(&stdout(&theirs)),
        "{line}: {}",
        stderr(&ours)
    );
    assert_eq!(ours.status.code(), Some(0), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_leave_the_tasks_that_they_leave_in_locust() {
    let recorder = Recorder::start().await;
    let lines = [
        "--tags smoke",
        "-T read write",
        "-E write",
        "-T read write -E smoke",
    ];
    let tried = lines.map(|line| same_as_locust(line, &recorder));
    futures_util::future::join_all(tried).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_without_a_task_that_is_left_has_no_users_and_no_class_at_all_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.toml");
    let text = "[hosts.a]\nurl = 'http://127.0.0.1:9'\n[class.A]\nwait = 'constant(1)'\n\
                task.x = { tags = ['one'], request = '/x' }\ntask.y = { request = '/y' }\n\
                [class.B]\nwait = 'constant(1)'\ntask.z.request = '/z'\n[user.B]\nweight = 5\n";
    std::fs::write(&file, text).unwrap();
    let recorder = Recorder::start().await;
    let ratio = headless(&file, &recorder)
        .args("--show-task-ratio-json -u 4 --tags one")
        .run()
        .await;
    let ratio: Value = serde_json::from_str(&stdout(&ratio)).unwrap();
    assert_eq!(
        [&ratio["total"]["A"]["ratio"], &ratio["total"]["B"]["ratio"]],
        [1.0, 0.0]
    );
    assert_eq!(
        ratio["total"]["A"]["tasks"],
        serde_json::json!({"x": {"ratio": 1.0}})
    );
    let none = headless(&file, &recorder)
        .env("LOCUST_TAGS", "other")
        .run()
        .await;
    let line = "cicada: no task has the tags that are asked for: see --tags and --exclude-tags\n";
    assert_eq!(
        stderr(&none)
            .lines()
            .last()
            .map(|line| format!("{line}\n"))
            .as_deref(),
        Some(line)
    );
    assert_eq!(none.status.code(), Some(2));
}
