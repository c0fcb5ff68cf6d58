//! Databases that cannot be used, fill up or break: always said clearly, never a silent loss.

use std::fs;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use testing::assert_adds_up;

use crate::harness::{Cicada, LIMIT, Serving, targets};

mod broken;
mod full;

/// Ten users that ask four times a second.
const WORKLOAD: &str = r#"
[hosts.shop]
url = "http://127.0.0.1:9"
env = "TARGET_APP_URL"
[class.Paced]
wait = "constant_pacing(0.25)"
task.look.request = { path = "/health", timeout = "1s" }
"#;

/// Starts what follows in a shell that has run `script` first, with mounts of its own.
fn with_mounts(cicada: Cicada, script: &str) -> Cicada {
    let script = format!("{script}; exec \"$0\" \"$@\"");
    cicada.wrapped([
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-ec",
        &script,
    ])
}

/// Whether the system lets us have mounts of our own.
fn mounts_are_allowed() -> bool {
    let isolated = ["--user", "--map-root-user", "--mount", "true"];
    let allowed = std::process::Command::new("unshare")
        .args(isolated)
        .status();
    let allowed = allowed.is_ok_and(|status| status.success());
    if !allowed {
        eprintln!("skipped in part: unshare(1) cannot make a mount namespace here");
    }
    allowed
}

async fn until_health(cicada: &Serving, status: u16) -> Value {
    let began = tokio::time::Instant::now();
    loop {
        let (found, body) = cicada.status("/health").await;
        if found == status {
            return body;
        }
        assert!(
            began.elapsed() < LIMIT,
            "{found} {body:#}\n{}",
            cicada.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn is_refused(cicada: Cicada, expected: &str) {
    let output = cicada.run().await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, format!("cicada: {expected}\n"));
    assert_eq!(output.status.code(), Some(2), "{expected}");
    assert!(output.stdout.is_empty(), "{expected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_used_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let other = "choose another --db";
    let notes = file("notes.txt", &b"just some notes\n".repeat(500));
    let songs = folder.path().join("songs.db").display().to_string();
    let foreign = rusqlite::Connection::open(&songs).unwrap();
    foreign.execute_batch("CREATE TABLE songs (title)").unwrap();
    foreign.close().unwrap();
    let damaged = folder.path().join("damaged.db").display().to_string();
    damage(Path::new(&damaged)).await;
    let here = folder.path().display();
    let missing = folder.path().join("missing").display().to_string();
    let cases = [
        (notes.clone(), format!("{notes} is not a database: {other}")),
        (
            format!("{notes}/x.db"),
            format!("{notes} is not a folder: {other}"),
        ),
        (
            songs.clone(),
            format!("{songs} is a database, but not one of cicada's: {other}"),
        ),
        (
            here.to_string(),
            format!("{here} is a folder: name a file in it with --db"),
        ),
        (
            format!("{missing}/x.db"),
            format!("the folder {missing} does not exist: create it or {other}"),
        ),
    ];
    let refused = cases.iter().map(|(path, said)| {
        // whatever is to be done with it
        let line = if path.len() % 2 == 0 {
            "--headless -t 1"
        } else {
            "--autostart"
        };
        is_refused(Cicada::new().args(line).db(Path::new(path)), said)
    });
    join_all(refused).await;
    let output = Cicada::new().db(Path::new(&damaged)).run().await;
    let said = String::from_utf8_lossy(&output.stderr);
    let expected =
        format!("cicada: {damaged} is damaged: move it away and start afresh, or {other}: ");
    assert!(
        said.starts_with(&expected) && said.lines().count() == 1,
        "{said}"
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        fs::read(&notes).unwrap(),
        b"just some notes\n".repeat(500),
        "it is left as it is"
    );
}

/// A database of which only the first half is there.
async fn damage(file: &Path) {
    broken::fill(file).await;
    let length = fs::metadata(file).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(file)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_one_uses_or_may_not_be_written_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.db");
    let path = file.display();
    let first = Cicada::new().db(&file).serve().await;
    let said = format!("another cicada is using {path}: stop it or choose another --db");
    is_refused(Cicada::new().db(&file), &said).await;
    assert_eq!(
        first.status("/health").await.0,
        200,
        "the first one is none the worse"
    );
    assert_eq!(first.terminate().await, 0);

    if mounts_are_allowed() {
        let read_only =
            format!("mount --bind '{path}' '{path}'; mount -o remount,bind,ro '{path}'");
        let said = format!("{path} cannot be written: make it writable or choose another --db");
        is_refused(with_mounts(Cicada::new().db(&file), &read_only), &said).await;
    }
    let second = Cicada::new().db(&file).serve().await;
    assert_eq!(second.terminate().await, 0);
}
