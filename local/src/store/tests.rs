//! Tests that need the connection itself: a database that is full at a given size.

use std::sync::Arc;

use bytes::Bytes;
use traffic::record::RecordKey;

use super::*;

const PAGE: usize = 4_096;

fn record(class: &str, sequence: u32, bytes: usize) -> Record {
    Record {
        key: RecordKey {
            run: RunId("run".into()),
            bucket: Bucket(1),
            class: class.into(),
            block: Block(0),
            slot: Slot(10),
            writer: 1,
            sequence,
        },
        requests: 1,
        failures: 0,
        payload: Bytes::from(vec![7; bytes]),
    }
}

async fn limit_pages(store: &SqliteStore, pages: i64) {
    let limit = move |database: &mut Database| {
        let connection = &database.connection;
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
    };
    store.run_task(limit).await.unwrap();
}

async fn full(store: &SqliteStore) {
    for sequence in 0.. {
        match store.put_record(record("A", sequence, 10 * PAGE)).await {
            Ok(()) => assert!(sequence < 1_000, "it never runs full"),
            Err(StoreError::Full(_)) => return,
            Err(other) => panic!("not full, but {other:?}"),
        }
    }
}

async fn classes(store: &SqliteStore) -> Vec<(Arc<str>, u32)> {
    let page = store
        .records(&RunId("run".into()), 1, Bucket(1), None)
        .await;
    let records = page.unwrap().records.into_iter();
    records
        .map(|record| (record.key.class, record.key.sequence))
        .collect()
}

#[tokio::test]
async fn a_full_database_says_so_and_takes_records_again_when_there_is_room() {
    for store in both_kinds() {
        limit_pages(&store.0, 200).await;
        full(&store.0).await;
        let kept = classes(&store.0).await;
        assert!(kept.len() >= 5, "{kept:?}");
        full(&store.0).await;
        limit_pages(&store.0, 100_000).await;
        store.0.put_record(record("B", 7, 10 * PAGE)).await.unwrap();
        let now = classes(&store.0).await;
        assert_eq!(now[..kept.len()], kept);
        assert_eq!(now.last(), Some(&("B".into(), 7)));
    }
}

#[tokio::test]
async fn when_a_batch_is_rolled_back_its_new_names_are_not_mixed_up() {
    for store in both_kinds() {
        store.0.put_record(record("A", 0, 10)).await.unwrap();
        limit_pages(&store.0, 40).await;
        // these two are queued together, or fail one after the other
        let (small, large) = tokio::join!(
            store.0.put_record(record("New", 0, 10)),
            store.0.put_record(record("Newer", 0, 100 * PAGE)),
        );
        assert!(matches!(large, Err(StoreError::Full(_))), "{large:?}");
        limit_pages(&store.0, 100_000).await;
        store.0.put_record(record("Last", 0, 10)).await.unwrap();
        store.0.put_record(record("New", 1, 10)).await.unwrap();
        let mut expected = vec![("A".into(), 0), ("Last".into(), 0), ("New".into(), 1)];
        if small.is_ok() {
            expected.insert(1, ("New".into(), 0));
        }
        assert_eq!(classes(&store.0).await, expected);
    }
}

#[tokio::test]
async fn records_that_wait_while_the_thread_is_busy_share_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let store = SqliteStore::open(&file, Clock::system()).unwrap();
    let before = commits(&file);
    for sequence in 0..10 {
        store.put_record(record("A", sequence, 10)).await.unwrap();
    }
    let (one_by_one, before) = (commits(&file) - before, commits(&file));
    assert_eq!(one_by_one, 10);

    let (release, held) = std::sync::mpsc::channel();
    let busy = store.run_task(move |_| Ok(held.recv()));
    let writes = (10..110).map(|sequence| store.put_record(record("A", sequence, 10)));
    let writes = futures_util::future::join_all(writes);
    let release = async {
        tokio::task::yield_now().await;
        release.send(()).unwrap();
    };
    let (busy, written, ()) = tokio::join!(busy, writes, release);
    assert_eq!(busy.unwrap(), Ok(()));
    assert!(written.iter().all(Result::is_ok));
    assert_eq!(commits(&file) - before, 1);
    assert_eq!(classes(&store).await.len(), 110);
}

/// The commits in the write-ahead log: frames that say how large the database is after them.
fn commits(file: &Path) -> usize {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + PAGE;
    let log = std::fs::read(file.with_extension("db-wal")).unwrap();
    let frames = log[HEADER..].chunks_exact(FRAME);
    frames.filter(|frame| frame[4..8] != [0; 4]).count()
}

/// A store in a file with the folder that it lies in, and a temporary one.
fn both_kinds() -> [(SqliteStore, Option<tempfile::TempDir>); 2] {
    let folder = tempfile::tempdir().unwrap();
    let file = SqliteStore::open(&folder.path().join("cicada.db"), Clock::system()).unwrap();
    let temporary = SqliteStore::temporary(Clock::system()).unwrap();
    [(file, Some(folder)), (temporary, None)]
}
