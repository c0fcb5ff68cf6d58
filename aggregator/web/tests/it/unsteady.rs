//! A store that lets others in between, and fails when it is told to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::yield_now;
use traffic::clock::{Slot, Timestamp};
use traffic::memory::MemoryStore;
use traffic::ports::{Checkpoint, Cursor, Marker, RecordPage, Store, StoreError, WakeUp};
use traffic::record::{Block, Bucket, Record};
use traffic::run::{Run, RunId};

/// Makes the error of every call.
type Failure = fn() -> StoreError;

/// A store in memory whose calls take a moment, so that two processes come in each other's way.
///
/// By default others may share it; with [`UnsteadyStore::over`] that is as the inner store says.
#[derive(Debug)]
pub(crate) struct UnsteadyStore {
    inner: MemoryStore,
    failure: Mutex<Option<Failure>>,
    loses: AtomicBool,
}

impl Default for UnsteadyStore {
    fn default() -> Self {
        let inner = MemoryStore::with_marker_lead(Duration::from_secs(1));
        Self {
            inner,
            failure: Mutex::default(),
            loses: AtomicBool::default(),
        }
    }
}

impl UnsteadyStore {
    /// The same on what another store holds.
    pub(crate) fn over(inner: MemoryStore) -> Self {
        Self {
            inner,
            ..Self::default()
        }
    }

    /// Makes every call fail, or none.
    pub(crate) fn fail(&self, failure: Option<Failure>) {
        *self.failure.lock() = failure;
    }

    /// Makes every write of a run a conflict, as if somebody else always came first.
    pub(crate) fn lose_every_race(&self, loses: bool) {
        self.loses.store(loses, Ordering::Relaxed);
    }

    async fn moment(&self) -> Result<(), StoreError> {
        let failure = *self.failure.lock();
        yield_now().await;
        failure.map_or(Ok(()), |failure| Err(failure()))
    }
}

/// Every call is the inner store's, with a moment before and after it.
macro_rules! pass_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(async fn $name(&self, $($argument: $type),*) -> Result<$result, StoreError> {
            self.moment().await?;
            let result = self.inner.$name($($argument),*).await;
            yield_now().await;
            result
        })*
    };
}

impl Store for UnsteadyStore {
    async fn put_run(&self, run: &Run) -> Result<(), StoreError> {
        self.moment().await?;
        if self.loses.load(Ordering::Relaxed) {
            return Err(StoreError::Conflict);
        }
        let result = self.inner.put_run(run).await;
        yield_now().await;
        result
    }

    pass_on! {
        run(id: &RunId) -> Option<Run>;
        latest_run() -> Option<Run>;
        run_ids(before: Option<&RunId>, limit: usize) -> Vec<RunId>;
        put_workload(version: &str, source: &str) -> ();
        workload(version: &str) -> Option<String>;
        choose_workload(version: &str) -> ();
        chosen_workload() -> Option<String>;
        claim(tick: &WakeUp, writer: u64) -> bool;
        put_record(record: Record) -> ();
        records(run: &RunId, shards: u32, bucket: Bucket, since: Option<Cursor>) -> RecordPage;
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
        self.inner.marker_lead()
    }

    fn quiet_before(&self) -> Option<Timestamp> {
        self.inner.quiet_before()
    }
}
