//! Files of older versions get what they lack; those of newer ones are left alone.

use local::store::SqliteStore;
use rusqlite::Connection;
use traffic::clock::{Clock, Slot};
use traffic::ports::{Heartbeat, Schedule, Store};
use traffic::run::RunId;

use local::heartbeat::TokioHeartbeat;

/// A file of version 1 as the first Cicada wrote it, with a run of its form.
const VERSION_1: &str = r#"
CREATE TABLE run_names (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE class_names (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE workloads (
    version TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL
) STRICT;
CREATE TABLE runs (
    run INTEGER PRIMARY KEY REFERENCES run_names,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE plans (
    run INTEGER PRIMARY KEY REFERENCES run_names,
    planned_until INTEGER NOT NULL
) STRICT;
CREATE TABLE checkpoints (
    run INTEGER PRIMARY KEY REFERENCES run_names,
    revision INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE records (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run_names,
    bucket INTEGER NOT NULL,
    class INTEGER NOT NULL REFERENCES class_names,
    block INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    writer INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    payload BLOB NOT NULL,
    UNIQUE (run, bucket, class, block, slot, writer, sequence)
) STRICT;
CREATE INDEX records_by_bucket ON records (run, bucket);
PRAGMA application_id = 0x43494341;
PRAGMA user_version = 1;
INSERT INTO run_names VALUES (1, 'run');
INSERT INTO class_names VALUES (1, 'ModelAUser');
INSERT INTO workloads VALUES ('v1', '# a workload');
INSERT INTO runs VALUES (1, 3, '{"id":"run","revision":3,"seed":7,"workload":"v1",
    "created_at":1800000000000000,"segments":[{"from":1800000002345678,"user_count":6,"spawn_rate":1.5,
    "shares":[{"class":"ModelAUser","weight":1,"fixed_count":0}],"hosts":[null,[]]}],
    "stopped_at":1800000062000000,"reset_at":null}');
INSERT INTO plans VALUES (1, 1800000062);
INSERT INTO checkpoints VALUES (1, 2, x'0102');
INSERT INTO records VALUES (9, 1, 180000000, 1, 0, 10, 1, 0, 1, 0, x'07');
"#;

fn version(file: &std::path::Path) -> i64 {
    let connection = Connection::open(file).unwrap();
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0));
    version.unwrap()
}

#[tokio::test]
async fn a_file_of_version_1_keeps_what_it_has_and_takes_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let old = Connection::open(&file).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    old.close().unwrap();
    let schedule = Schedule {
        name: "weekdays".into(),
        start: Some("0 9 * * 1-5".into()),
        stop: None,
        time_zone: "Europe/Berlin".into(),
        swarm: r#"{"user_count":5,"spawn_rate":1}"#.into(),
    };
    // opened twice: what was brought up to date is not brought up to date again
    for time in 0..2 {
        let store = super::open(&file);
        let run = store.run(&RunId("run".into())).await.unwrap().unwrap();
        assert_eq!((run.revision, run.seed), (3, 7));
        assert_eq!(run.stopped_at, Some(Slot(1_800_000_062).full_second()));
        assert_eq!(store.latest_run().await.unwrap(), Some(run.clone()));
        assert_eq!(
            store.workload("v1").await.unwrap().as_deref(),
            Some("# a workload")
        );
        assert_eq!(
            store.planned_until(&run.id).await.unwrap(),
            Some(Slot(1_800_000_062))
        );
        assert_eq!(
            store.checkpoint(&run.id).await.unwrap().unwrap().body[..],
            [1, 2]
        );
        assert_eq!(super::records(&store).await.len(), 1);
        let (heartbeat, _beats) = TokioHeartbeat::new(Clock::system(), store.clone());
        if time == 0 {
            assert_eq!(store.chosen_workload().await.unwrap(), None);
            store.choose_workload("v1").await.unwrap();
            assert_eq!(heartbeat.schedules().await.unwrap(), []);
            heartbeat.put_schedule(&schedule).await.unwrap();
        }
        assert_eq!(
            store.chosen_workload().await.unwrap().as_deref(),
            Some("v1")
        );
        assert_eq!(
            heartbeat.schedules().await.unwrap(),
            std::slice::from_ref(&schedule)
        );
        drop((heartbeat, store));
        assert_eq!(version(&file), 2);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_brought_up_to_date_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let old = Connection::open(&file).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    // somebody else's table is in the way of the second one
    old.execute_batch("CREATE TABLE schedules (mine)").unwrap();
    old.close().unwrap();
    let error = SqliteStore::open(&file, Clock::system())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(&file.display().to_string()), "{error}");
    assert_eq!(version(&file), 1);
    let left = Connection::open(&file).unwrap();
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'chosen_workload'";
    let half: i64 = left.query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(half, 0, "all steps or none");
}

#[tokio::test]
async fn the_very_next_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    drop(super::open(&file));
    let newer = Connection::open(&file).unwrap();
    newer
        .pragma_update(None, "user_version", version(&file) + 1)
        .unwrap();
    newer.close().unwrap();
    let before = std::fs::read(&file).unwrap();
    let error = SqliteStore::open(&file, Clock::system())
        .unwrap_err()
        .to_string();
    let expected = "was written by a newer cicada: update cicada or choose another --db";
    assert_eq!(error, format!("{} {expected}", file.display()));
    assert_eq!(std::fs::read(&file).unwrap(), before);
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
