//! Deleting a run with all that belongs to it, in a bounded number of calls.
//!
//! Everything but a run without an end expires by itself, so what the calls do not suffice for goes later.

use std::ops::Range;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use traffic::ports::StoreError;
use traffic::record::{Bucket, Shard};
use traffic::run::RunId;

use super::item::{SK, run_partition};
use super::records;
use super::runs;
use super::table::{Range as Keys, Table};

const DELETING: &str = "delete a run";

/// The most partitions of records that are read.
const PARTITIONS: usize = 4_000;

/// The most records that are deleted.
const RECORDS: usize = 4_000;

/// Calls at a time.
const CONCURRENT: usize = 16;

/// Deletes the run, so that nobody finds it any more; then its plan and checkpoints, and its newest records.
pub(super) async fn delete(
    table: &Table,
    run: &RunId,
    checkpoints: &[RunId],
    shards: u32,
    buckets: Range<Bucket>,
) -> Result<(), StoreError> {
    let key = (runs::RUNS.to_owned(), run.0.clone());
    table.delete(DELETING, key, None).await?;
    let newest_first = (buckets.start.0..buckets.end.0).rev().map(Bucket);
    let records = newest_first
        .flat_map(|bucket| (0..shards).map(move |shard| (bucket, Shard(shard))))
        .map(|(bucket, shard)| records::partition(run, bucket, shard));
    let beside = checkpoints.iter().map(run_partition);
    let all = [run_partition(run)].into_iter().chain(beside);
    let partitions: Vec<String> = all.chain(records.take(PARTITIONS)).collect();
    let mut left = RECORDS;
    let mut partitions = stream::iter(partitions)
        .map(|pk| keys_in(table, pk, RECORDS))
        .buffered(CONCURRENT);
    while let Some(mut keys) = partitions.try_next().await? {
        keys.truncate(left);
        left -= keys.len();
        let deletes = keys.into_iter();
        let deletes = deletes.map(|key| table.delete(DELETING, key, None));
        stream::iter(deletes)
            .buffer_unordered(CONCURRENT)
            .try_collect::<()>()
            .await?;
        if left == 0 {
            tracing::info!(%run, "the older records of the run stay until they expire");
            break;
        }
    }
    Ok(())
}

/// The keys of the items of a partition.
async fn keys_in(
    table: &Table,
    pk: String,
    limit: usize,
) -> Result<Vec<(String, String)>, StoreError> {
    let range = Keys {
        pk: pk.clone(),
        from: None,
        before: None,
        descending: true,
        limit: Some(limit),
    };
    let (mut keys, mut next) = (Vec::new(), None);
    loop {
        let page = table.page(DELETING, &range, next).await?;
        for item in &page.items {
            keys.push((pk.clone(), item.read_text(SK)?.to_owned()));
        }
        if page.next.is_none() || keys.len() >= limit {
            return Ok(keys);
        }
        next = page.next;
    }
}
