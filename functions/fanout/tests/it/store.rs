//! A store whose reads fail or hang when they are told to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use traffic::clock::{Slot, Timestamp};
use traffic::memory::MemoryStore;
use traffic::ports::{Checkpoint, Cursor, Marker, RecordPage, Store, StoreError, WakeUp};
use traffic::record::{Block, Bucket, Record};
use traffic::run::{Run, RunId};

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct TestStore {
    inner: MemoryStore,
    fails: AtomicBool,
    hangs: AtomicBool,
}

impl TestStore {
    /// Makes reads of the newest run fail, or none.
    pub(crate) fn fail_reads(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }

    /// Makes reads of records never end, or as usual.
    pub(crate) fn hang_reads(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::Relaxed);
    }
}

macro_rules! pass_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(async fn $name(&self, $($argument: $type),*) -> Result<$result, StoreError> {
            self.inner.$name($($argument),*).await
        })*
    };
}

impl Store for TestStore {
    async fn latest_run(&self) -> Result<Option<Run>, StoreError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("it is away".into()));
        }
        self.inner.latest_run().await
    }

    async fn records(
        &self,
        run: &RunId,
        shards: u32,
        bucket: Bucket,
        since: Option<Cursor>,
    ) -> Result<RecordPage, StoreError> {
        if self.hangs.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        self.inner.records(run, shards, bucket, since).await
    }

    pass_on! {
        put_run(run: &Run) -> ();
        run(id: &RunId) -> Option<Run>;
        run_ids(before: Option<&RunId>, limit: usize) -> Vec<RunId>;
        put_workload(version: &str, source: &str) -> ();
        workload(version: &str) -> Option<String>;
        choose_workload(version: &str) -> ();
        chosen_workload() -> Option<String>;
        claim(tick: &WakeUp, writer: u64) -> bool;
        put_record(record: Record) -> ();
        next_bucket(run: &RunId, from: Bucket) -> Option<Bucket>;
        expire_records(before: Bucket) -> ();
        put_marker(marker: &Marker) -> ();
        clear_marker(marker: &Marker) -> ();
        markers(run: &RunId, class: &str, block: Block) -> Vec<Marker>;
        put_checkpoint(run: &RunId, checkpoint: &Checkpoint) -> ();
        checkpoint(run: &RunId) -> Option<Checkpoint>;
        planned_until(run: &RunId) -> Option<Slot>;
        advance_planned(run: &RunId, from: Option<Slot>, to: Slot) -> bool;
    }

    fn marker_lead(&self) -> Duration {
        // others may share it
        Duration::from_secs(1)
    }

    fn quiet_before(&self) -> Option<Timestamp> {
        self.inner.quiet_before()
    }
}
