//! A store whose calls take a moment, are counted, and fail when they are told to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use traffic::clock::{Slot, Timestamp};
use traffic::memory::MemoryStore;
use traffic::ports::{Checkpoint, Cursor, Marker, RecordPage, Store, StoreError, WakeUp};
use traffic::random::Draws;
use traffic::record::{Block, Bucket, Record};
use traffic::run::{Run, RunId};

/// What is wrong with the store.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// Nothing can be written.
    Writes,
    /// Nothing can be read.
    Reads,
    /// It does not answer at all.
    Away,
    /// Each call fails with this probability.
    Throttled(f64),
}

/// A store in memory as DynamoDB is to its callers, with DynamoDB's marker lead.
#[derive(Debug)]
pub(super) struct UnsteadyStore {
    inner: Arc<MemoryStore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    trouble: Trouble,
    takes: Duration,
    draws: Draws,
    counts: BTreeMap<&'static str, usize>,
}

impl Default for UnsteadyStore {
    fn default() -> Self {
        Self {
            inner: Arc::new(MemoryStore::with_marker_lead(Duration::from_secs(1))),
            state: Mutex::new(State {
                trouble: Trouble::None,
                takes: Duration::from_millis(8),
                draws: Draws::new(1, "store", 0, 0),
                counts: BTreeMap::new(),
            }),
        }
    }
}

impl UnsteadyStore {
    /// The store without its troubles.
    pub(super) fn inner(&self) -> &Arc<MemoryStore> {
        &self.inner
    }

    pub(super) fn trouble(&self, trouble: Trouble) {
        self.state.lock().trouble = trouble;
    }

    /// How long each call takes.
    pub(super) fn takes(&self, takes: Duration) {
        self.state.lock().takes = takes;
    }

    /// How often a call was made.
    pub(super) fn count(&self, name: &str) -> usize {
        *self.state.lock().counts.get(name).unwrap_or(&0)
    }

    pub(super) fn forget_counts(&self) {
        self.state.lock().counts.clear();
    }

    /// The moment that a call takes each way, and whether it fails.
    async fn call(&self, name: &'static str, writes: bool) -> Result<Duration, StoreError> {
        let (takes, fails) = {
            let mut state = self.state.lock();
            *state.counts.entry(name).or_default() += 1;
            let fails = match state.trouble {
                Trouble::None => false,
                Trouble::Writes => writes,
                Trouble::Reads => !writes,
                Trouble::Away => true,
                Trouble::Throttled(probability) => state.draws.chance(probability),
            };
            (state.takes / 2, fails)
        };
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        match fails {
            true => Err(StoreError::Unavailable("it was told to".into())),
            false => Ok(takes),
        }
    }
}

/// Every call is the inner store's, in the middle of a moment.
macro_rules! pass_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty, writes: $writes:literal;)*) => {
        $(async fn $name(&self, $($argument: $type),*) -> Result<$result, StoreError> {
            let takes = self.call(stringify!($name), $writes).await?;
            let result = self.inner.$name($($argument),*).await;
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            result
        })*
    };
}

impl Store for UnsteadyStore {
    pass_on! {
        put_run(run: &Run) -> (), writes: true;
        run(id: &RunId) -> Option<Run>, writes: false;
        latest_run() -> Option<Run>, writes: false;
        run_ids(before: Option<&RunId>, limit: usize) -> Vec<RunId>, writes: false;
        put_workload(version: &str, source: &str) -> (), writes: true;
        workload(version: &str) -> Option<String>, writes: false;
        choose_workload(version: &str) -> (), writes: true;
        chosen_workload() -> Option<String>, writes: false;
        claim(tick: &WakeUp, writer: u64) -> bool, writes: true;
        put_record(record: Record) -> (), writes: true;
        records(run: &RunId, shards: u32, bucket: Bucket, since: Option<Cursor>) -> RecordPage, writes: false;
        next_bucket(run: &RunId, from: Bucket) -> Option<Bucket>, writes: false;
        expire_records(before: Bucket) -> (), writes: true;
        put_marker(marker: &Marker) -> (), writes: true;
        clear_marker(marker: &Marker) -> (), writes: true;
        markers(run: &RunId, class: &str, block: Block) -> Vec<Marker>, writes: false;
        put_checkpoint(run: &RunId, checkpoint: &Checkpoint) -> (), writes: true;
        checkpoint(run: &RunId) -> Option<Checkpoint>, writes: false;
        planned_until(run: &RunId) -> Option<Slot>, writes: false;
        advance_planned(run: &RunId, from: Option<Slot>, to: Slot) -> bool, writes: true;
    }

    fn marker_lead(&self) -> Duration {
        self.inner.marker_lead()
    }

    fn quiet_before(&self) -> Option<Timestamp> {
        self.inner.quiet_before()
    }
}
