//! A store in memory whose calls take a moment, are counted, and fail or hang when they are told to.

use std::collections::BTreeMap;
use std::future::pending;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use traffic::clock::{Slot, Timestamp};
use traffic::memory::MemoryStore;
use traffic::ports::{Checkpoint, Cursor, Marker, RecordPage, StoreError, WakeUp};
use traffic::ports::{CheckpointStore, MarkerStore, ProgressStore, RecordStore, RunStore};
use traffic::random::Draws;
use traffic::record::{Block, Bucket, Record};
use traffic::run::{Run, RunId};

/// Some of the calls to a store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Calls {
    /// None of them.
    None,
    /// All of them.
    All,
    /// Those that write.
    Writes,
    /// Those that read.
    Reads,
    /// Those of the method of this name.
    Named(&'static str),
    /// Each with this probability.
    Drawn(f64),
}

/// Makes the error of a call.
type Failure = fn() -> StoreError;

/// A store as DynamoDB is to its callers: other processes may write to it, calls take their time, pages
/// may repeat records, and now and then it does not answer.
#[derive(Debug)]
pub struct FaultyStore {
    /// The store without its faults.
    pub inner: Arc<MemoryStore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Which calls fail, and how: without an error they never return.
    fault: (Calls, Option<Failure>),
    slow: (Calls, Duration),
    counts: BTreeMap<&'static str, usize>,
    draws: Draws,
    repeats_pages: bool,
    hides_buckets: bool,
    quiet_before: Option<Timestamp>,
    expired_before: Option<Bucket>,
}

impl Default for FaultyStore {
    fn default() -> Self {
        Self::over(MemoryStore::with_marker_lead(Duration::from_secs(1)))
    }
}

impl FaultyStore {
    /// The same on what another store holds, with its marker lead.
    pub fn over(inner: MemoryStore) -> Self {
        Self {
            inner: Arc::new(inner),
            state: Mutex::new(State {
                fault: (Calls::None, None),
                slow: (Calls::None, Duration::ZERO),
                counts: BTreeMap::new(),
                draws: Draws::new(1, "store", 0, 0),
                repeats_pages: false,
                hides_buckets: false,
                quiet_before: None,
                expired_before: None,
            }),
        }
    }

    /// Makes these calls fail as those to a store that is away, and no others.
    pub fn fail(&self, calls: Calls) {
        self.fail_with(calls, || StoreError::Unavailable("it was told to".into()));
    }

    /// Makes these calls fail with an error, and no others.
    pub fn fail_with(&self, calls: Calls, failure: Failure) {
        self.state.lock().fault = (calls, Some(failure));
    }

    /// Makes these calls never return.
    pub fn hang(&self, calls: Calls) {
        self.state.lock().fault = (calls, None);
    }

    /// Makes every call succeed again.
    pub fn recover(&self) {
        self.fail(Calls::None);
    }

    /// Makes these calls take so long, half of it before the store is changed or read, and others no time.
    pub fn slow(&self, calls: Calls, takes: Duration) {
        self.state.lock().slow = (calls, takes);
    }

    /// Makes pages of records begin anew each time, with each record twice, in any order.
    pub fn repeat_pages(&self, repeats: bool) {
        self.state.lock().repeats_pages = repeats;
    }

    /// Makes it not know which buckets have records.
    pub fn hide_buckets(&self, hides: bool) {
        self.state.lock().hides_buckets = hides;
    }

    /// Makes it know that nothing of slots before this instant is still written.
    pub fn be_quiet_before(&self, instant: Timestamp) {
        self.state.lock().quiet_before = Some(instant);
    }

    /// The number of calls of a method.
    pub fn count(&self, name: &str) -> usize {
        *self.state.lock().counts.get(name).unwrap_or(&0)
    }

    /// Counts from zero again.
    pub fn forget_counts(&self) {
        self.state.lock().counts.clear();
    }

    /// The bucket before which records were dropped last.
    pub fn expired_before(&self) -> Option<Bucket> {
        self.state.lock().expired_before
    }

    /// What happens to a call before it reaches the store; half of the time that it takes.
    async fn call(&self, name: &'static str, writes: bool) -> Result<Duration, StoreError> {
        let (fault, takes) = {
            let mut state = self.state.lock();
            let state = &mut *state;
            *state.counts.entry(name).or_default() += 1;
            let mut is_among = |calls| match calls {
                Calls::None => false,
                Calls::All => true,
                Calls::Writes => writes,
                Calls::Reads => !writes,
                Calls::Named(named) => named == name,
                Calls::Drawn(probability) => state.draws.chance(probability),
            };
            let fault = is_among(state.fault.0).then_some(state.fault.1);
            let takes = is_among(state.slow.0).then_some(state.slow.1 / 2);
            (fault, takes.unwrap_or_default())
        };
        pause(takes).await;
        match fault {
            None => Ok(takes),
            Some(Some(failure)) => Err(failure()),
            Some(None) => pending().await,
        }
    }
}

/// Lets others come in between, for a while or for a moment.
async fn pause(time: Duration) {
    match time.is_zero() {
        true => tokio::task::yield_now().await,
        false => tokio::time::sleep(time).await,
    }
}

/// Every call is the inner store's, in the middle of a moment.
macro_rules! pass_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty, writes: $writes:literal;)*) => {
        $(async fn $name(&self, $($argument: $type),*) -> Result<$result, StoreError> {
            let takes = self.call(stringify!($name), $writes).await?;
            let result = self.inner.$name($($argument),*).await;
            pause(takes).await;
            result
        })*
    };
}

impl RunStore for FaultyStore {
    pass_on! {
        put_run(run: &Run) -> (), writes: true;
        run(id: &RunId) -> Option<Run>, writes: false;
        latest_run() -> Option<Run>, writes: false;
        run_ids(before: Option<&RunId>, limit: usize) -> Vec<RunId>, writes: false;
        put_workload(version: &str, source: &str) -> (), writes: true;
        workload(version: &str) -> Option<String>, writes: false;
        choose_workload(version: &str) -> (), writes: true;
        chosen_workload() -> Option<String>, writes: false;
    }

    fn marker_lead(&self) -> Duration {
        self.inner.marker_lead()
    }

    fn quiet_before(&self) -> Option<Timestamp> {
        self.state.lock().quiet_before
    }
}

impl RecordStore for FaultyStore {
    pass_on! {
        put_record(record: Record) -> (), writes: true;
    }

    async fn records(
        &self,
        run: &RunId,
        shards: u32,
        bucket: Bucket,
        since: Option<Cursor>,
    ) -> Result<RecordPage, StoreError> {
        let takes = self.call("records", false).await?;
        let repeats = self.state.lock().repeats_pages;
        let since = since.filter(|_| !repeats);
        let mut page = self.inner.records(run, shards, bucket, since).await?;
        if repeats {
            page.records.extend(page.records.clone());
            let draws = &mut self.state.lock().draws;
            for last in (1..page.records.len()).rev() {
                let other = draws.below(last as u64 + 1) as usize;
                page.records.swap(last, other);
            }
        }
        pause(takes).await;
        Ok(page)
    }

    async fn next_bucket(&self, run: &RunId, from: Bucket) -> Result<Option<Bucket>, StoreError> {
        let takes = self.call("next_bucket", false).await?;
        let hides = self.state.lock().hides_buckets;
        let next = match hides {
            true => Some(from),
            false => self.inner.next_bucket(run, from).await?,
        };
        pause(takes).await;
        Ok(next)
    }

    async fn expire_records(&self, before: Bucket) -> Result<(), StoreError> {
        let takes = self.call("expire_records", true).await?;
        self.state.lock().expired_before = Some(before);
        self.inner.expire_records(before).await?;
        pause(takes).await;
        Ok(())
    }
}

impl MarkerStore for FaultyStore {
    pass_on! {
        claim(tick: &WakeUp, writer: u64) -> bool, writes: true;
        put_marker(marker: &Marker) -> (), writes: true;
        clear_marker(marker: &Marker) -> (), writes: true;
        markers(run: &RunId, class: &str, block: Block) -> Vec<Marker>, writes: false;
    }
}

impl CheckpointStore for FaultyStore {
    pass_on! {
        put_checkpoint(run: &RunId, checkpoint: &Checkpoint) -> (), writes: true;
        checkpoint(run: &RunId) -> Option<Checkpoint>, writes: false;
    }
}

impl ProgressStore for FaultyStore {
    pass_on! {
        planned_until(run: &RunId) -> Option<Slot>, writes: false;
        advance_planned(run: &RunId, from: Option<Slot>, to: Slot) -> bool, writes: true;
        delete_run(run: &RunId, checkpoints: &[RunId], shards: u32, buckets: Range<Bucket>) -> (), writes: true;
    }
}
