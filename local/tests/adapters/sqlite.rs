//! The store on SQLite: the contract, what is left when it is closed, and concurrent use.

use std::path::Path;

use bytes::Bytes;
use local::store::SqliteStore;
use testing::contract;
use traffic::clock::{Clock, Slot};
use traffic::ports::{
    Checkpoint, CheckpointStore as _, ProgressStore as _, RecordStore as _, RunStore as _,
};
use traffic::record::{Block, Bucket, Record, RecordKey};
use traffic::run::RunId;

mod crash;
mod full;
mod open;
mod versions;

pub(crate) const BUCKET: Bucket = Bucket(180_000_000);

pub(crate) fn open(file: &Path) -> SqliteStore {
    SqliteStore::open(file, Clock::system()).unwrap()
}

pub(crate) fn run() -> RunId {
    RunId("run".into())
}

pub(crate) fn record(writer: u64, sequence: u32, bytes: usize) -> Record {
    let payload: Vec<u8> = (0..bytes).map(|n| (n as u64 + writer) as u8).collect();
    Record {
        key: RecordKey {
            run: run(),
            bucket: BUCKET,
            class: "ModelAUser".into(),
            block: Block(0),
            slot: Slot(1_800_000_003),
            writer,
            sequence,
        },
        requests: 2,
        failures: 1,
        payload: payload.into(),
    }
}

pub(crate) async fn records(store: &SqliteStore) -> Vec<Record> {
    let page = store.records(&run(), 1, BUCKET, None).await;
    page.unwrap().records
}

#[tokio::test]
async fn a_temporary_database_keeps_the_contract() {
    contract::store::all(async || SqliteStore::temporary(Clock::system()).unwrap()).await;
}

#[tokio::test]
async fn a_database_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    contract::store::all(|| {
        number.set(number.get() + 1);
        let file = folder.path().join(format!("{}.db", number.get()));
        async move { open(&file) }
    })
    .await;
}

#[tokio::test]
async fn a_closed_database_is_one_file_and_holds_everything() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let checkpoint = Checkpoint {
        revision: 1,
        body: Bytes::from_static(b"folded"),
    };
    let store = open(&file);
    store.put_record(record(1, 0, 390_000)).await.unwrap();
    store.put_checkpoint(&run(), &checkpoint).await.unwrap();
    store.put_workload("v1", "source").await.unwrap();
    store.advance_planned(&run(), None, Slot(7)).await.unwrap();
    drop(store);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");

    let store = open(&file);
    assert_eq!(records(&store).await, [record(1, 0, 390_000)]);
    assert_eq!(store.checkpoint(&run()).await.unwrap(), Some(checkpoint));
    assert_eq!(store.workload("v1").await.unwrap(), Some("source".into()));
    assert_eq!(store.planned_until(&run()).await.unwrap(), Some(Slot(7)));
}

#[tokio::test]
async fn what_was_asked_for_before_the_last_handle_went_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let store = open(&file);
    for sequence in 0..500 {
        let mut write = Box::pin(store.put_record(record(1, sequence, 1_000)));
        // asked for, and given up before the answer
        let asked = futures_util::poll!(&mut write);
        assert!(asked.is_pending() || matches!(asked, std::task::Poll::Ready(Ok(()))));
    }
    drop(store);
    assert_eq!(records(&open(&file)).await.len(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_write_and_read_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("cicada.db"));
    let writers = (0..50).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for sequence in 0..20 {
                let record = record(writer, sequence, 500);
                store.put_record(record.clone()).await.unwrap();
                assert!(records(&store).await.contains(&record));
            }
        })
    });
    for writer in futures_util::future::join_all(writers).await {
        writer.unwrap();
    }
    assert_eq!(records(&store).await.len(), 1_000);
}

#[tokio::test]
async fn expired_records_are_gone_and_their_room_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let mut sizes = Vec::new();
    for round in 0..3 {
        let store = open(&file);
        for sequence in 0..1_200 {
            let mut record = record(1, sequence, 4_000);
            record.key.bucket = Bucket(BUCKET.0 + round);
            store.put_record(record).await.unwrap();
        }
        let mut kept = record(2, 0, 10);
        kept.key.bucket = Bucket(BUCKET.0 + 100);
        store.put_record(kept).await.unwrap();
        store.expire_records(Bucket(BUCKET.0 + 100)).await.unwrap();
        for bucket in 0..=round {
            let page = store
                .records(&run(), 1, Bucket(BUCKET.0 + bucket), None)
                .await;
            assert_eq!(page.unwrap().records, []);
        }
        let kept = store.records(&run(), 1, Bucket(BUCKET.0 + 100), None).await;
        assert_eq!(kept.unwrap().records.len(), 1);
        drop(store);
        sizes.push(std::fs::metadata(&file).unwrap().len());
    }
    assert!(sizes[2] <= sizes[0] + sizes[0] / 10, "it grows: {sizes:?}");
}

#[tokio::test]
async fn what_was_in_flight_in_another_process_is_over_when_it_is_opened() {
    let before = Clock::system().now();
    let store = SqliteStore::temporary(Clock::system()).unwrap();
    let quiet_before = store.quiet_before().unwrap();
    assert!(before <= quiet_before && quiet_before <= Clock::system().now());
    assert!(store.marker_lead().is_zero());
}
