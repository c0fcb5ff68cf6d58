//! The store on DynamoDB: one table on demand, with the keys `pk` and `sk` and the time-to-live
//! attribute `expires_at`.
//!
//! | `pk` | `sk` | what |
//! | --- | --- | --- |
//! | `runs` | run | a run, as JSON |
//! | `run#RUN` | `planned` | how far it is planned |
//! | `run#RUN` | `checkpoint`, `checkpoint#WRITER#PART` | its checkpoint, packed |
//! | `records#RUN#BUCKET#SHARD` | `TIME#WRITER#SEQUENCE#TICK` | a record |
//! | `claims#RUN#SLOT#SHARD` | `BLOCK#CLASS` | a claimed tick |
//! | `markers#RUN#BLOCK#CLASS` | user | a busy user |
//! | `workloads` | version | a workload's source |
//! | `settings` | `chosen workload` | the version for new runs |
//!
//! **No record is left out.** A record's sort key begins with the time at which its writer began to
//! write it; a cursor is the time at which a reader began to read. All reads are consistent, so a read
//! that begins at R sees what was acknowledged before R. What it does not see was begun at R less the
//! [call timeout](crate::config::CALL_TIMEOUT) at the earliest, less what a request may still be on
//! its way when its writer has given up, less what the two clocks differ: 5 s each. So the next read
//! begins 15 s before R, and who reads tells records apart by their key. The last read of a bucket
//! comes 60 s after its end (the aggregator's seal): a write is not begun later than 45 s after what
//! it holds was completed ([`WRITE_DEADLINE`](traffic::ports::WRITE_DEADLINE)), which leaves it the
//! same 15 s.
//!
//! **A write that is repeated is one write.** Whatever is written under a condition carries its
//! writer's nonce, and the condition holds for the same nonce again. So a call that the SDK sends
//! again because the answer was lost succeeds, as it had.

use std::ops::Range;
use std::time::Duration;

use aws_config::SdkConfig;
use rand::RngExt as _;
use traffic::clock::{Clock, Slot, Timestamp};
use traffic::ports::{
    Checkpoint, CheckpointStore, Cursor, Marker, MarkerStore, ProgressStore, RecordPage,
    RecordStore, RunStore, StoreError, WakeUp,
};
use traffic::record::{Block, Bucket, Record};
use traffic::run::{Run, RunId};
use traffic::tick::marker_rules::SHARED_LEAD;

mod checkpoints;
mod claims;
mod creation;
mod deletion;
mod error;
mod item;
mod markers;
mod packed;
mod progress;
mod records;
mod runs;
mod table;
mod workloads;

use table::Table;

/// A store in one DynamoDB table; clones share its connections.
///
/// Each method says what it costs: W and R are units of writes and of consistent reads, one for each
/// begun kilobyte of an item written and for each four kilobytes read.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    table: Table,
    retention: Duration,
    clock: Clock,
}

impl DynamoStore {
    /// The store in `table`. A run and all that belongs to it is kept for `retention` after its end.
    ///
    /// Nothing is sent yet: [`DynamoStore::connect`] does.
    pub fn new(
        config: &SdkConfig,
        table: impl Into<String>,
        retention: Duration,
        clock: Clock,
    ) -> Self {
        Self {
            table: Table::new(config, &table.into()),
            retention,
            clock,
        }
    }

    /// Opens a connection ahead of its first use, and finds out whether the table can be read: 1 R.
    pub async fn connect(&self) -> Result<(), StoreError> {
        self.chosen_workload().await.map(|_| ())
    }

    /// Makes the table, on demand and with its time to live, unless it is there.
    pub async fn create(&self) -> Result<(), StoreError> {
        self.table.create().await
    }
}

impl RunStore for DynamoStore {
    /// 1 W while the run's JSON takes less than a kilobyte, then one for each.
    async fn put_run(&self, run: &Run) -> Result<(), StoreError> {
        runs::put(&self.table, run, self.retention, nonce()).await
    }

    /// 1 R, until a run has been changed hundreds of times: it is packed.
    async fn run(&self, id: &RunId) -> Result<Option<Run>, StoreError> {
        runs::get(&self.table, id, self.clock.now()).await
    }

    /// 1 R.
    async fn latest_run(&self) -> Result<Option<Run>, StoreError> {
        runs::latest(&self.table, self.clock.now()).await
    }

    /// 1 R for about four runs.
    async fn run_ids(
        &self,
        before: Option<&RunId>,
        limit: usize,
    ) -> Result<Vec<RunId>, StoreError> {
        runs::ids(&self.table, before, limit, self.clock.now()).await
    }

    /// 1 W for each kilobyte, packed: 4 W for the built-in workload.
    async fn put_workload(&self, version: &str, source: &str) -> Result<(), StoreError> {
        workloads::put(&self.table, version, source).await
    }

    /// 1 R for each four kilobytes, packed.
    async fn workload(&self, version: &str) -> Result<Option<String>, StoreError> {
        workloads::get(&self.table, version).await
    }

    /// 1 W.
    async fn choose_workload(&self, version: &str) -> Result<(), StoreError> {
        workloads::choose(&self.table, version).await
    }

    /// 1 R.
    async fn chosen_workload(&self) -> Result<Option<String>, StoreError> {
        workloads::chosen(&self.table).await
    }

    fn marker_lead(&self) -> Duration {
        SHARED_LEAD
    }

    /// Not known: any process may write.
    fn quiet_before(&self) -> Option<Timestamp> {
        None
    }
}

impl RecordStore for DynamoStore {
    /// 1 W up to about 75 outcomes, then one for each kilobyte, packed.
    async fn put_record(&self, record: Record) -> Result<(), StoreError> {
        records::put(&self.table, &record, self.retention, self.clock.now()).await
    }

    /// For each shard 1 R for each four kilobytes of records written since `since` less 15 s, at
    /// least 1 R.
    async fn records(
        &self,
        run: &RunId,
        shards: u32,
        bucket: Bucket,
        since: Option<Cursor>,
    ) -> Result<RecordPage, StoreError> {
        records::get(&self.table, run, shards, bucket, since, self.clock.now()).await
    }

    /// Nothing: only the ends of partitions can be looked at. What has expired is known to be gone.
    async fn next_bucket(&self, _: &RunId, from: Bucket) -> Result<Option<Bucket>, StoreError> {
        let oldest = Bucket::of(self.clock.now() - self.retention);
        Ok(Some(from.max(oldest)))
    }

    /// Nothing: records expire.
    async fn expire_records(&self, _: Bucket) -> Result<(), StoreError> {
        Ok(())
    }
}

impl MarkerStore for DynamoStore {
    /// 1 W, also when another has it.
    async fn claim(&self, tick: &WakeUp, writer: u64) -> Result<bool, StoreError> {
        claims::claim(&self.table, tick, writer).await
    }

    /// 1 W.
    async fn put_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        markers::put(&self.table, marker).await
    }

    /// 1 W.
    async fn clear_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        markers::clear(&self.table, marker).await
    }

    /// 1 R for about forty busy users, at least 1 R.
    async fn markers(
        &self,
        run: &RunId,
        class: &str,
        block: Block,
    ) -> Result<Vec<Marker>, StoreError> {
        markers::of_block(&self.table, run, class, block, self.clock.now()).await
    }
}

impl CheckpointStore for DynamoStore {
    /// 1 W for each kilobyte, packed.
    async fn put_checkpoint(&self, run: &RunId, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let expires_at = self.clock.now() + self.retention;
        checkpoints::put(&self.table, run, checkpoint, expires_at, nonce()).await
    }

    /// 1 R for each four kilobytes, packed.
    async fn checkpoint(&self, run: &RunId) -> Result<Option<Checkpoint>, StoreError> {
        checkpoints::get(&self.table, run, self.clock.now()).await
    }
}

impl ProgressStore for DynamoStore {
    /// 1 R.
    async fn planned_until(&self, run: &RunId) -> Result<Option<Slot>, StoreError> {
        progress::get(&self.table, run).await
    }

    /// 1 W, also when it is somewhere else already.
    async fn advance_planned(
        &self,
        run: &RunId,
        from: Option<Slot>,
        to: Slot,
    ) -> Result<bool, StoreError> {
        progress::advance(&self.table, run, (from, to), self.retention, nonce()).await
    }

    /// 1 W for each item that is deleted, 1 R for each shard of a bucket, and some thousands of both at most.
    async fn delete_run(
        &self,
        run: &RunId,
        checkpoints: &[RunId],
        shards: u32,
        buckets: Range<Bucket>,
    ) -> Result<(), StoreError> {
        let oldest = Bucket::of(self.clock.now() - self.retention);
        let buckets = buckets.start.max(oldest)..buckets.end;
        deletion::delete(&self.table, run, checkpoints, shards, buckets).await
    }
}

fn nonce() -> u64 {
    rand::rng().random()
}
