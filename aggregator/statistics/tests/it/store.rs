//! A store in memory that answers as awkwardly as the port allows: pages in any order, records again
//! and again, and now and then not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use traffic::clock::{Slot, Timestamp};
use traffic::memory::MemoryStore;
use traffic::ports::{Checkpoint, Cursor, Marker, RecordPage, Store, StoreError, WakeUp};
use traffic::random::Draws;
use traffic::record::{Block, Bucket, Record};
use traffic::run::{Run, RunId};

#[derive(Default)]
pub(crate) struct AwkwardStore {
    pub(crate) inner: MemoryStore,
    pub(crate) quiet_before: Mutex<Option<Timestamp>>,
    /// While set, nothing can be read.
    pub(crate) is_down: AtomicBool,
    /// While set, checkpoints cannot be written.
    pub(crate) is_read_only: AtomicBool,
    /// How many milliseconds reading records takes.
    pub(crate) slowness: AtomicU64,
    /// While set, pages start anew each time and are shuffled.
    pub(crate) repeats: AtomicBool,
    /// While set, it knows which buckets have records.
    pub(crate) knows_buckets: AtomicBool,
    /// Calls of `records` so far.
    pub(crate) reads: AtomicUsize,
    /// Calls of `put_checkpoint` so far.
    pub(crate) checkpoints_written: AtomicUsize,
    /// The bucket before which records were dropped.
    pub(crate) expired_before: Mutex<Option<Bucket>>,
}

impl AwkwardStore {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("down for a test".into()));
        }
        Ok(())
    }
}

fn shuffle(records: &mut [Record], seed: u64) {
    let mut draws = Draws::keyed(seed, 0, 0);
    for last in (1..records.len()).rev() {
        records.swap(last, draws.below(last as u64 + 1) as usize);
    }
}

impl Store for AwkwardStore {
    async fn put_run(&self, run: &Run) -> Result<(), StoreError> {
        self.inner.put_run(run).await
    }

    async fn run(&self, id: &RunId) -> Result<Option<Run>, StoreError> {
        self.check()?;
        self.inner.run(id).await
    }

    async fn latest_run(&self) -> Result<Option<Run>, StoreError> {
        self.check()?;
        self.inner.latest_run().await
    }

    async fn run_ids(
        &self,
        before: Option<&RunId>,
        limit: usize,
    ) -> Result<Vec<RunId>, StoreError> {
        self.check()?;
        self.inner.run_ids(before, limit).await
    }

    async fn put_workload(&self, version: &str, source: &str) -> Result<(), StoreError> {
        self.inner.put_workload(version, source).await
    }

    async fn workload(&self, version: &str) -> Result<Option<String>, StoreError> {
        self.inner.workload(version).await
    }

    async fn choose_workload(&self, version: &str) -> Result<(), StoreError> {
        self.inner.choose_workload(version).await
    }

    async fn chosen_workload(&self) -> Result<Option<String>, StoreError> {
        self.inner.chosen_workload().await
    }

    async fn claim(&self, tick: &WakeUp, writer: u64) -> Result<bool, StoreError> {
        self.inner.claim(tick, writer).await
    }

    async fn put_record(&self, record: Record) -> Result<(), StoreError> {
        self.inner.put_record(record).await
    }

    async fn records(
        &self,
        run: &RunId,
        shards: u32,
        bucket: Bucket,
        since: Option<Cursor>,
    ) -> Result<RecordPage, StoreError> {
        self.check()?;
        let reads = self.reads.fetch_add(1, Ordering::Relaxed);
        let slowness = self.slowness.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(slowness)).await;
        let repeats = self.repeats.load(Ordering::Relaxed);
        let since = since.filter(|_| !repeats);
        let mut page = self.inner.records(run, shards, bucket, since).await?;
        if repeats {
            page.records.extend(page.records.clone());
            shuffle(&mut page.records, reads as u64);
        }
        Ok(page)
    }

    async fn next_bucket(&self, run: &RunId, from: Bucket) -> Result<Option<Bucket>, StoreError> {
        self.check()?;
        match self.knows_buckets.load(Ordering::Relaxed) {
            true => self.inner.next_bucket(run, from).await,
            false => Ok(Some(from)),
        }
    }

    async fn expire_records(&self, before: Bucket) -> Result<(), StoreError> {
        self.check()?;
        *self.expired_before.lock() = Some(before);
        self.inner.expire_records(before).await
    }

    async fn put_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        self.inner.put_marker(marker).await
    }

    async fn clear_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        self.inner.clear_marker(marker).await
    }

    async fn markers(
        &self,
        run: &RunId,
        class: &str,
        block: Block,
    ) -> Result<Vec<Marker>, StoreError> {
        self.inner.markers(run, class, block).await
    }

    fn marker_lead(&self) -> Duration {
        // others may share it
        Duration::from_secs(1)
    }

    async fn put_checkpoint(&self, run: &RunId, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.check()?;
        if self.is_read_only.load(Ordering::Relaxed) {
            return Err(StoreError::ReadOnly("read-only for a test".into()));
        }
        self.checkpoints_written.fetch_add(1, Ordering::Relaxed);
        self.inner.put_checkpoint(run, checkpoint).await
    }

    async fn checkpoint(&self, run: &RunId) -> Result<Option<Checkpoint>, StoreError> {
        self.check()?;
        self.inner.checkpoint(run).await
    }

    async fn planned_until(&self, run: &RunId) -> Result<Option<Slot>, StoreError> {
        self.inner.planned_until(run).await
    }

    async fn advance_planned(
        &self,
        run: &RunId,
        from: Option<Slot>,
        to: Slot,
    ) -> Result<bool, StoreError> {
        self.inner.advance_planned(run, from, to).await
    }

    fn quiet_before(&self) -> Option<Timestamp> {
        *self.quiet_before.lock()
    }
}
