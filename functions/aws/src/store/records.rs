//! Records: by run, bucket and shard, in the order in which writing them was begun.
//!
//! DynamoDB keeps no order of writes, so the sort key begins with the writer's time when it began to
//! write. A write that is given up and begun again is another item then: who reads tells records
//! apart by their key. How a reader that reads on misses nothing, the [store](super) says.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use traffic::clock::{Slot, Timestamp, micros};
use traffic::ports::{Cursor, RecordPage, StoreError};
use traffic::random::class_key;
use traffic::record::{Block, Bucket, Record, RecordKey, Shard};
use traffic::run::RunId;

use super::item::{Item, SK};
use super::table::{Range, Table};
use crate::config::CALL_TIMEOUT;

/// The most that the clocks of two machines may differ; Amazon's are within milliseconds.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5);

/// The longest that a write which its writer has given up may still be on its way.
const LINGERS: Duration = Duration::from_secs(5);

/// A reader reads on from so long before its last read began.
const OVERLAP: Duration = CALL_TIMEOUT
    .saturating_add(CLOCKS_DIFFER)
    .saturating_add(LINGERS);

/// Shards that are read at once.
const CONCURRENT_SHARDS: usize = 16;

const CLASS: &str = "class";
const BLOCK: &str = "block";
const SLOT: &str = "slot";
const REQUESTS: &str = "requests";
const FAILURES: &str = "failures";
const PAYLOAD: &str = "payload";

/// Writes a record: a write unit for each kilobyte that is left after packing.
pub(super) async fn put(
    table: &Table,
    record: &Record,
    retention: Duration,
    now: Timestamp,
) -> Result<(), StoreError> {
    table
        .put("write a record", item(record, retention, now))
        .await
}

/// Reads the shards of a bucket, each from `since` on.
pub(super) async fn get(
    table: &Table,
    run: &RunId,
    shards: u32,
    bucket: Bucket,
    since: Option<Cursor>,
    now: Timestamp,
) -> Result<RecordPage, StoreError> {
    let from = since.map(|Cursor(begun)| time_in(bucket, Timestamp::from_micros(begun) - OVERLAP));
    let ranges = (0..shards).map(|shard| Range {
        pk: partition(run, bucket, Shard(shard)),
        from: from.clone(),
        before: None,
        descending: false,
        limit: None,
    });
    let reads = stream::iter(ranges).map(|range| table.query("read records", range));
    let shards: Vec<Vec<Item>> = reads.buffered(CONCURRENT_SHARDS).try_collect().await?;
    let mut records = Vec::with_capacity(shards.iter().map(Vec::len).sum());
    let mut known = BTreeSet::new();
    for item in shards
        .into_iter()
        .flatten()
        .filter(|item| item.is_live(now))
    {
        let record = parse(run, bucket, item)?;
        if known.insert(record.key.clone()) {
            records.push(record);
        }
    }
    let cursor = Cursor(now.micros());
    Ok(RecordPage { records, cursor })
}

fn item(record: &Record, retention: Duration, now: Timestamp) -> Item {
    let key = &record.key;
    let partition = partition(&key.run, key.bucket, Shard::of(key.block));
    let (time, tick) = (time_in(key.bucket, now), tick(key));
    let sort = format!("{time}#{:016x}#{}#{tick:08x}", key.writer, key.sequence);
    let mut item = Item::new(partition, sort)
        .text(CLASS, &*key.class)
        .number(BLOCK, key.block.0)
        .number(SLOT, key.slot.0)
        .number(REQUESTS, record.requests)
        .expires_at(key.bucket.end() + retention);
    if record.failures > 0 {
        item = item.number(FAILURES, record.failures);
    }
    item.packing_bytes(PAYLOAD, &record.payload)
}

/// Stands for class, block and slot in the sort key, by FNV-1a: each attribute's bytes count, and a writer's
/// nonce tells its tick apart from all others as it is.
fn tick(key: &RecordKey) -> u32 {
    class_key(u64::from(key.block.0) << 40 ^ key.slot.0, &key.class) as u32
}

fn parse(run: &RunId, bucket: Bucket, mut item: Item) -> Result<Record, StoreError> {
    let payload = item.unpack_bytes(PAYLOAD)?;
    let sort = item.read_text(SK)?;
    let mut parts = sort.split('#').skip(1);
    let writer = parts
        .next()
        .and_then(|part| u64::from_str_radix(part, 16).ok());
    let sequence = parts.next().and_then(|part| part.parse().ok());
    let (Some(writer), Some(sequence)) = (writer, sequence) else {
        let text = format!("{sort:?} is not the key of a record");
        return Err(StoreError::Corrupt(text.into()));
    };
    let key = RecordKey {
        run: run.clone(),
        bucket,
        class: item.read_text(CLASS)?.into(),
        block: Block(item.read_number(BLOCK)?),
        slot: Slot(item.read_number(SLOT)?),
        writer,
        sequence,
    };
    let failures = if item.has(FAILURES) {
        item.read_number(FAILURES)?
    } else {
        0
    };
    Ok(Record {
        key,
        requests: item.read_number(REQUESTS)?,
        failures,
        payload,
    })
}

pub(super) fn partition(run: &RunId, Bucket(bucket): Bucket, Shard(shard): Shard) -> String {
    format!("records#{run}#{bucket}#{shard}")
}

/// Milliseconds since the bucket began, in as many digits for every instant: 0 for one before it, and
/// the last of them for one more than four hours after.
fn time_in(bucket: Bucket, instant: Timestamp) -> String {
    let since = micros(instant.since(bucket.start())) / 1000;
    format!("{:06x}", since.min(0xff_ffff))
}
