//! A disk that runs full in mid-run, and has room again later.

use std::io::Write as _;
use std::path::PathBuf;

use stand_ins::Targets;
use tempfile::TempDir;

use super::*;
use crate::harness::rows;

/// Takes all the room that the process has in `folder`, as it sees it.
fn take_all_room(process: u32, folder: &Path) -> PathBuf {
    let ballast = seen_by(process, folder).join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    // the last bytes too
    for size in [65_536, 4_096, 512, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
    ballast
}

/// A path as a process with mounts of its own sees it.
fn seen_by(process: u32, path: &Path) -> PathBuf {
    let inside = path.strip_prefix("/").unwrap();
    PathBuf::from(format!("/proc/{process}/root")).join(inside)
}

/// A process that has sent some requests, with its database on a small disk of its own: the targets, the folder that
/// the disk is mounted in, the disk, and the process.
async fn on_a_small_disk() -> (Targets, TempDir, PathBuf, Serving) {
    let targets = targets(0.0).await;
    let folder = tempfile::tempdir().unwrap();
    let workload = folder.path().join("paced.toml");
    fs::write(&workload, WORKLOAD).unwrap();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = format!("mount -t tmpfs -o size=6m cicada '{}'", disk.display());
    let cicada = Cicada::new()
        .at(&targets)
        .db(&disk.join("runs.db"))
        .file(workload);
    let cicada = with_mounts(cicada, &mount).serve().await;
    cicada.swarm("user_count=10&spawn_rate=1000").await;
    let some = |statistics: &Value| statistics["stats"][0]["num_requests"].as_u64() > Some(40);
    cicada.until("/stats/requests", LIMIT, some).await;
    (targets, folder, disk, cicada)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_what_is_lost_is_missing() {
    if !mounts_are_allowed() {
        return;
    }
    let (targets, folder, disk, cicada) = on_a_small_disk().await;
    assert_eq!(cicada.status("/health").await.0, 200);

    let ballast = take_all_room(cicada.id(), &disk);
    let said = until_health(&cicada, 503).await;
    assert_eq!(said["status"], "unavailable");
    assert!(
        said["message"]
            .as_str()
            .unwrap()
            .starts_with("results cannot be written")
    );
    // nothing more is sent when it could not be recorded for a while
    cicada
        .until_logged("nothing is sent while results cannot be written")
        .await;
    let full = "the store is full: make room on its disk";
    cicada
        .until_logged(&format!("{full}: {}/runs.db: ", disk.display()))
        .await;
    let answer = cicada.post("/swarm", "user_count=1&spawn_rate=1").await;
    assert_eq!(answer["success"], false, "{answer}");
    assert_eq!(answer["message"], full, "{answer}");
    let sent = targets.counters().total.requests;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(targets.counters().total.requests, sent);

    fs::remove_file(ballast).unwrap();
    until_health(&cicada, 200).await;
    let goes_on = async {
        while targets.counters().total.requests < sent + 40 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(LIMIT, goes_on)
        .await
        .expect("it goes on");
    let answer = cicada.post("/stop", "").await;
    assert_eq!(answer["success"], true, "{answer}");
    // what was sent is still to be written
    let idle = |answer: &Value| answer["state"] == "stopping" && answer["user_count"] == 0;
    cicada.until("/stats/requests", LIMIT, idle).await;
    let sent = targets.counters().total.requests;
    let all = |statistics: &Value| rows(statistics)["Aggregated"].0 == sent;
    // what was sent is recorded, late as it may be
    cicada.until("/stats/requests", LIMIT, all).await;
    assert!(!cicada.log().contains("panicked"), "{}", cicada.log());

    // it takes a minute until nothing more can come of what was not sent; a new process knows at once
    let disk = seen_by(cicada.id(), &disk);
    let folder_on_disk = fs::File::open(&disk).unwrap();
    assert_eq!(cicada.terminate().await, 0);
    let copy = folder.path().join("copy.db");
    let left = format!(
        "/proc/self/fd/{}/runs.db",
        std::os::fd::AsRawFd::as_raw_fd(&folder_on_disk)
    );
    fs::copy(left, &copy).unwrap();
    let cicada = Cicada::new().db(&copy).serve().await;
    let ledger = cicada.get("/ledger").await;
    assert_adds_up(&ledger);
    assert_eq!(cicada.total().await, sent);
    let number = |field: &str| ledger[field].as_u64().unwrap();
    assert_eq!(number("recorded"), sent, "{ledger:#}");
    assert!(number("missing") > 0, "{ledger:#}");
    assert_eq!(number("pending"), 0, "{ledger:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_on_a_full_disk_holds_and_is_written_once_there_is_room() {
    if !mounts_are_allowed() {
        return;
    }
    let (targets, _folder, disk, cicada) = on_a_small_disk().await;
    let ballast = take_all_room(cicada.id(), &disk);
    until_health(&cicada, 503).await;

    let answer = cicada.post("/stop", "").await;
    assert_eq!(answer["success"], true, "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(
        message.contains("could not be written yet and will be"),
        "{message}"
    );
    // what was sent is still to be written
    let idle = |answer: &Value| answer["state"] == "stopping" && answer["user_count"] == 0;
    cicada.until("/stats/requests", LIMIT, idle).await;
    let sent = targets.counters().total.requests;
    let said = until_health(&cicada, 503).await;
    let message = said["message"].as_str().unwrap();
    assert!(message.contains("the stop of the run could not"), "{said}");
    // writes succeed at times while what is full is cleaned up: traffic must not begin again then
    fs::remove_file(ballast).unwrap();
    until_health(&cicada, 200).await;
    cicada.until_logged("the stop is written").await;
    let stopped = |answer: &Value| answer["state"] == "stopped";
    cicada.until("/stats/requests", LIMIT, stopped).await;
    let all = |statistics: &Value| rows(statistics)["Aggregated"].0 == sent;
    cicada.until("/stats/requests", LIMIT, all).await;
    assert_eq!(targets.counters().total.requests, sent);
    assert_eq!(cicada.terminate().await, 0);
    assert_eq!(targets.counters().total.requests, sent);
}
