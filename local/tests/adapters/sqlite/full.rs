//! A disk without room: told, nothing lost, and good again when there is room.

use std::path::{Path, PathBuf};

use local::store::SqliteStore;
use traffic::clock::Clock;
use traffic::ports::{RecordStore as _, StoreError};
use traffic::record::Record;

use super::{open, record, records};
use crate::child::{child_with_mounts, variable};

const FOLDER: &str = "CICADA_TEST_FOLDER";

/// Fills the small disk that its parent has mounted for it.
#[tokio::test]
#[ignore = "run in a process of its own by other tests"]
async fn fills_a_disk_and_makes_room() {
    let folder = PathBuf::from(variable(FOLDER));
    let file = folder.join("cicada.db");
    let ballast = folder.join("ballast");
    std::fs::write(&ballast, vec![1; 3_000_000]).unwrap();

    let store = open(&file);
    let mut acknowledged = fill(&store, 1, &file.display().to_string()).await;
    assert!(acknowledged.len() > 5, "only {}", acknowledged.len());
    assert_eq!(records(&store).await, acknowledged);
    std::fs::remove_file(&ballast).unwrap();
    acknowledged.push(record(9, 0, 50_000));
    store.put_record(record(9, 0, 50_000)).await.unwrap();
    acknowledged.extend(fill(&store, 2, &file.display().to_string()).await);
    assert_eq!(records(&store).await, acknowledged);
    drop(store);
    // there may be no room to copy the log into the file: then it stays, and is read
    assert_eq!(records(&open(&file)).await, acknowledged);

    let other = SqliteStore::open(&folder.join("other.db"), Clock::system()).unwrap_err();
    let said = other.to_string();
    assert!(said.starts_with("there is no room for "), "{said}");
    println!("filled: ok");
}

/// Fills the small disk that holds temporary files.
#[tokio::test]
#[ignore = "run in a process of its own by other tests"]
async fn fills_the_temporary_folder() {
    let folder = variable(FOLDER);
    let store = SqliteStore::temporary(Clock::system()).unwrap();
    let acknowledged = fill(&store, 1, "the temporary database").await;
    assert_eq!(records(&store).await, acknowledged);
    // nothing that could stay behind
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    println!("filled: ok");
}

/// Writes until there is no room; what was acknowledged.
async fn fill(store: &SqliteStore, writer: u64, place: &str) -> Vec<Record> {
    let mut acknowledged = Vec::new();
    for sequence in 0..1_000 {
        let record = record(writer, sequence, 50_000);
        match store.put_record(record.clone()).await {
            Ok(()) => acknowledged.push(record),
            Err(StoreError::Full(source)) => {
                let said = source.to_string();
                assert!(said.starts_with(&format!("{place}: ")), "{said}");
                return acknowledged;
            }
            Err(other) => panic!("not full, but {other:?}"),
        }
    }
    panic!("it never runs full");
}

fn on_a_small_disk(name: &str, size: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mount = format!(
        "mount -t tmpfs -o size={size} cicada {}",
        path(folder.path())
    );
    let Some(mut child) = child_with_mounts(name, &mount) else {
        return;
    };
    child
        .env(FOLDER, folder.path())
        .env("TMPDIR", folder.path());
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("filled: ok"), "{output:?}");
}

fn path(path: &Path) -> String {
    format!("'{}'", path.display())
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    on_a_small_disk("sqlite::full::fills_a_disk_and_makes_room", "6m");
}

#[test]
fn a_full_temporary_folder_is_told_and_loses_nothing() {
    on_a_small_disk("sqlite::full::fills_the_temporary_folder", "12m");
}
