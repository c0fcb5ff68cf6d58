//! A file that is damaged while it is in use.

use std::os::unix::fs::FileExt as _;

use bytes::Bytes;
use local::store::SqliteStore;
use tokio::time::{Instant, sleep};
use traffic::clock::{Clock, Slot};
use traffic::ports::RecordStore as _;
use traffic::record::{Block, Bucket, Record, RecordKey};
use traffic::run::RunId;

use super::*;

/// A database with many records of a run that nobody knows.
pub(super) async fn fill(file: &Path) {
    let store = SqliteStore::open(file, Clock::system()).unwrap();
    for sequence in 0..300 {
        let key = RecordKey {
            run: RunId("old".into()),
            bucket: Bucket(180_000_000),
            class: "Paced".into(),
            block: Block(0),
            slot: Slot(1_800_000_003),
            writer: 1,
            sequence,
        };
        let payload = Bytes::from(vec![7; 3_000]);
        store
            .put_record(Record {
                key,
                requests: 1,
                failures: 0,
                payload,
            })
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_mid_run_is_said_and_does_not_break_it() {
    let targets = targets(0.0).await;
    let folder = tempfile::tempdir().unwrap();
    let workload = folder.path().join("paced.toml");
    fs::write(&workload, WORKLOAD).unwrap();
    let file = folder.path().join("runs.db");
    fill(&file).await;
    let cicada = Cicada::new()
        .at(&targets)
        .db(&file)
        .file(workload)
        .serve()
        .await;
    overwrite(&file);
    let answer = cicada.post("/swarm", "user_count=10&spawn_rate=1000").await;
    assert_eq!(
        answer["success"], true,
        "the pages of the runs are whole: {answer}"
    );
    let said = until_health(&cicada, 503).await;
    assert_eq!(said["status"], "unavailable");
    let what = format!(
        "the store is damaged, or not one of cicada's: move it away and start afresh: {}: ",
        file.display()
    );
    cicada.until_logged(&what).await;
    // what was recorded is still told, and nothing is counted that was not recorded
    assert_eq!(cicada.total().await, 0);
    let ledger = until_planned(&cicada).await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["recorded"], 0, "{ledger:#}");
    assert!(!cicada.log().contains("panicked"), "{}", cicada.log());
    cicada.kill().await;

    // whoever starts on it again is told what is missing, and as soon as it writes, why
    let again = Cicada::new().at(&targets).db(&file).serve().await;
    let ledger = again.get("/ledger").await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["recorded"], 0, "{ledger:#}");
    assert!(ledger["missing"].as_u64().unwrap() > 0, "{ledger:#}");
    until_health(&again, 503).await;
    again.until_logged(&what).await;
    assert!(!again.log().contains("panicked"), "{}", again.log());
    again.kill().await;
}

/// The ledger once the first slot has ended.
async fn until_planned(cicada: &Serving) -> Value {
    let began = Instant::now();
    loop {
        let ledger = cicada.get("/ledger").await;
        if ledger["planned"].as_u64().unwrap() > 0 {
            return ledger;
        }
        assert!(began.elapsed() < LIMIT, "{ledger:#}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Writes garbage over all pages but those that say what tables there are.
fn overwrite(file: &Path) {
    let begin = 20 * 4_096;
    let length = fs::metadata(file).unwrap().len() - begin;
    let handle = fs::OpenOptions::new().write(true).open(file).unwrap();
    handle
        .write_all_at(&vec![0xa5; length as usize], begin)
        .unwrap();
}
