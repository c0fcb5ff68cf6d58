//! Files of other versions are left alone.

use local::store::SqliteStore;
use rusqlite::Connection;
use traffic::clock::Clock;
use traffic::ports::RunStore as _;

fn version(file: &std::path::Path) -> i64 {
    let connection = Connection::open(file).unwrap();
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0));
    version.unwrap()
}

#[tokio::test]
async fn a_file_of_another_version_is_refused_and_left_as_it_was() {
    for other in [0, 2, 99] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cicada.db");
        drop(super::open(&file));
        assert_eq!(version(&file), 1);
        let foreign = Connection::open(&file).unwrap();
        foreign.pragma_update(None, "user_version", other).unwrap();
        foreign.close().unwrap();
        let before = std::fs::read(&file).unwrap();
        let error = SqliteStore::open(&file, Clock::system())
            .unwrap_err()
            .to_string();
        let expected =
            "was written by another version of cicada: use that version, or choose another --db";
        assert_eq!(error, format!("{} {expected}", file.display()));
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
}

#[tokio::test]
async fn what_was_chosen_and_scheduled_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let store = super::open(&file);
    store.choose_workload("v7").await.unwrap();
    drop(store);
    let store = super::open(&file);
    assert_eq!(
        store.chosen_workload().await.unwrap().as_deref(),
        Some("v7")
    );
}
