//! The contract's part on records: none is lost, none is counted twice, none is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::values::{class, ok, run_id};
use traffic::clock::Slot;
use traffic::ports::Store;
use traffic::record::{BUCKET_SECONDS, Block, Bucket, Record, RecordKey};
use traffic::run::RunId;

/// More than the largest block here needs.
const SHARDS: u32 = 3;

pub(super) const BUCKET: Bucket = Bucket(180_000_000);

pub(super) async fn all<S, F>(open: &impl Fn() -> F)
where
    S: Store,
    F: Future<Output = S>,
{
    a_record_is_read_back_as_it_was_written(&open().await).await;
    a_record_that_is_written_again_is_one(&open().await).await;
    records_that_differ_in_any_part_of_the_key_are_two(&open().await).await;
    a_bucket_holds_its_own_records_only(&open().await).await;
    reading_on_finds_what_was_written_since(&open().await).await;
    readers_beside_writers_miss_nothing(&open().await).await;
    a_large_record_is_kept(&open().await).await;
    expiry_leaves_what_is_not_old(&open().await).await;
    no_bucket_with_records_is_passed_over(&open().await).await;
}

/// What is said to be the next bucket comes after none that has records, and never before where it was asked from.
pub async fn no_bucket_with_records_is_passed_over(store: &impl Store) {
    let later = Bucket(BUCKET.0 + 1_000);
    for bucket in [later, BUCKET] {
        let mut written = record(1);
        written.key.bucket = bucket;
        ok(store.put_record(written).await);
    }
    let run = run_id(1);
    for from in [0, 1, 999, 1_000, 1_001].map(|after| Bucket(BUCKET.0 + after)) {
        let next = ok(store.next_bucket(&run, from).await);
        assert!(next.is_none_or(|next| next >= from), "{from:?}: {next:?}");
        let with_records = [BUCKET, later].into_iter().find(|&bucket| bucket >= from);
        if let Some(with_records) = with_records {
            assert!(
                next.is_some_and(|next| next <= with_records),
                "{from:?}: {next:?}"
            );
        }
    }
    let next = ok(store.next_bucket(&run_id(2), BUCKET).await);
    assert!(next.is_none_or(|next| next >= BUCKET), "{next:?}");
}

/// Every field comes back, extremes and arbitrary bytes included.
pub async fn a_record_is_read_back_as_it_was_written(store: &impl Store) {
    let mut extreme = record(u32::MAX);
    extreme.key.class = class("Größe \u{1F41D}");
    extreme.key.block = Block(149);
    extreme.key.writer = u64::MAX;
    extreme.requests = u32::MAX;
    extreme.failures = u32::MAX;
    extreme.payload = (0..=255).collect::<Vec<u8>>().into();
    let mut empty = record(0);
    empty.key.writer = 1 << 63;
    empty.payload = Bytes::new();
    for written in [&extreme, &empty] {
        ok(store.put_record(written.clone()).await);
    }
    let read = all_of(store, &run_id(1), BUCKET).await;
    assert_eq!(read, by_key([extreme, empty]));
}

/// A write that is retried is the same record.
pub async fn a_record_that_is_written_again_is_one(store: &impl Store) {
    for _ in 0..3 {
        ok(store.put_record(record(1)).await);
    }
    let writes = (0..10).map(|_| store.put_record(record(2)));
    for written in futures_util::future::join_all(writes).await {
        ok(written);
    }
    let page = ok(store.records(&run_id(1), SHARDS, BUCKET, None).await);
    assert_eq!(page.records.len(), 2);
    assert_eq!(by_key(page.records), by_key([record(1), record(2)]));
}

/// Class, block, slot, writer and sequence all count; so do bucket and run.
pub async fn records_that_differ_in_any_part_of_the_key_are_two(store: &impl Store) {
    let mut records = vec![record(0); 6];
    records[1].key.class = class("AnotherUser");
    records[2].key.block = Block(1);
    records[3].key.slot = record(0).key.slot.plus(1);
    records[4].key.writer += 1;
    records[5].key.sequence += 1;
    for record in &records {
        ok(store.put_record(record.clone()).await);
    }
    let read = all_of(store, &run_id(1), BUCKET).await;
    assert_eq!(read, by_key(records));
}

/// Neither another bucket's nor another run's records are found in it.
pub async fn a_bucket_holds_its_own_records_only(store: &impl Store) {
    let mut next_bucket = record(1);
    next_bucket.key.bucket = BUCKET.next();
    let mut other_run = record(2);
    other_run.key.run = run_id(2);
    for record in [record(0), next_bucket.clone(), other_run.clone()] {
        ok(store.put_record(record).await);
    }
    let read = all_of(store, &run_id(1), BUCKET).await;
    assert_eq!(read, by_key([record(0)]));
    let read = all_of(store, &run_id(1), BUCKET.next()).await;
    assert_eq!(read, by_key([next_bucket]));
    let read = all_of(store, &run_id(2), BUCKET).await;
    assert_eq!(read, by_key([other_run]));
}

/// Pages read one after the other with the cursor hold everything, also when a page was empty.
pub async fn reading_on_finds_what_was_written_since(store: &impl Store) {
    let run = run_id(1);
    let mut cursor = ok(store.records(&run, SHARDS, BUCKET, None).await).cursor;
    for sequence in 0..5 {
        ok(store.put_record(record(sequence)).await);
        let mut elsewhere = record(sequence);
        elsewhere.key.bucket = BUCKET.next();
        ok(store.put_record(elsewhere).await);
        let page = ok(store.records(&run, SHARDS, BUCKET, Some(cursor)).await);
        assert!(
            page.records.contains(&record(sequence)),
            "record {sequence} was left out"
        );
        cursor = ok(store.records(&run, SHARDS, BUCKET, Some(page.cursor)).await).cursor;
    }
}

/// Reading on while many write finds, in the end, all that was acknowledged.
pub async fn readers_beside_writers_miss_nothing(store: &impl Store) {
    const WRITERS: u32 = 8;
    const EACH: u32 = 25;
    let writers = (0..WRITERS).map(|writer| async move {
        for sequence in 0..EACH {
            ok(store.put_record(by_writer(writer, sequence)).await);
        }
    });
    let is_written = AtomicBool::new(false);
    let write = async {
        futures_util::future::join_all(writers).await;
        is_written.store(true, Ordering::SeqCst);
    };
    let read = async {
        let (mut found, mut cursor) = (BTreeSet::new(), None);
        loop {
            let is_last = is_written.load(Ordering::SeqCst);
            let page = ok(store.records(&run_id(1), SHARDS, BUCKET, cursor).await);
            cursor = Some(page.cursor);
            found.extend(page.records.into_iter().map(|record| record.key));
            if is_last {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    let ((), found) = futures_util::future::join(write, read).await;
    assert_eq!(found.len(), (WRITERS * EACH) as usize);
}

/// A record of 390 KB, near DynamoDB's limit for an item, is kept whole.
pub async fn a_large_record_is_kept(store: &impl Store) {
    let mut large = record(1);
    large.payload = (0..390_000_u32).map(|n| (n % 251) as u8).collect();
    ok(store.put_record(large.clone()).await);
    let read = all_of(store, &run_id(1), BUCKET).await;
    assert_eq!(read, by_key([large]));
}

/// Buckets before the given one may go, all others stay, and a cursor stays good.
pub async fn expiry_leaves_what_is_not_old(store: &impl Store) {
    let run = run_id(1);
    let mut cursor = None;
    for sequence in 0..3 {
        let mut old = record(sequence);
        old.key.bucket = Bucket(BUCKET.0 - 1);
        ok(store.put_record(old).await);
        ok(store.put_record(record(sequence)).await);
        cursor = Some(ok(store.records(&run, SHARDS, BUCKET, None).await).cursor);
    }
    ok(store.expire_records(BUCKET).await);
    assert_eq!(all_of(store, &run, BUCKET).await.len(), 3);
    ok(store.expire_records(BUCKET.next()).await);
    ok(store.put_record(record(7)).await);
    let page = ok(store.records(&run, SHARDS, BUCKET, cursor).await);
    assert!(page.records.contains(&record(7)), "left out after expiry");
}

/// Reads a bucket page by page until a page brings nothing new.
async fn all_of(store: &impl Store, run: &RunId, bucket: Bucket) -> BTreeMap<RecordKey, Record> {
    let mut found = BTreeMap::new();
    let mut since = None;
    loop {
        let before = found.len();
        let page = ok(store.records(run, SHARDS, bucket, since).await);
        found.extend(by_key(page.records));
        if found.len() == before {
            return found;
        }
        since = Some(page.cursor);
    }
}

fn by_key(records: impl IntoIterator<Item = Record>) -> BTreeMap<RecordKey, Record> {
    let pairs = records
        .into_iter()
        .map(|record| (record.key.clone(), record));
    pairs.collect()
}

fn by_writer(writer: u32, sequence: u32) -> Record {
    let mut record = record(sequence);
    record.key.writer = u64::from(writer);
    record
}

/// A record of a run, some buckets after the first one.
pub(super) fn record_of(run: u64, after: u64) -> Record {
    let mut record = record(1);
    record.key.run = run_id(run);
    record.key.bucket = Bucket(BUCKET.0 + after);
    record
}

fn record(sequence: u32) -> Record {
    Record {
        key: RecordKey {
            run: run_id(1),
            bucket: BUCKET,
            class: class("ModelAUser"),
            block: Block(0),
            slot: Slot(BUCKET.0 * BUCKET_SECONDS + 3),
            writer: 0x0123_4567_89ab_cdef,
            sequence,
        },
        requests: 2,
        failures: 1,
        payload: Bytes::from(format!("payload {sequence}")),
    }
}
