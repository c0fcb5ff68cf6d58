//! The three ports in memory: twins for tests and simulations, under the same contract.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::block::Block;
use crate::clock::{Slot, Slots, Timestamp};
use crate::ports::{
    Checkpoint, CheckpointStore, Cursor, Delivery, Heartbeat, HeartbeatError, Marker, MarkerStore,
    PlannedWakeUp, ProgressStore, Queue, QueueError, RecordPage, RecordStore, RunStore, Schedule,
    StoreError, WakeUp,
};
use crate::record::{Bucket, Record, RecordKey};
use crate::run::{Run, RunId};

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    /// While set, writes of records fail.
    failing: AtomicBool,
    marker_lead: Duration,
}

#[derive(Debug, Default)]
struct State {
    runs: BTreeMap<RunId, Run>,
    workloads: BTreeMap<String, String>,
    /// In the order they were written; a cursor is a length.
    records: Vec<Record>,
    keys: BTreeSet<RecordKey>,
    markers: BTreeMap<(RunId, String, u32), Marker>,
    checkpoints: BTreeMap<RunId, Checkpoint>,
    planned: BTreeMap<RunId, Slot>,
    claims: BTreeMap<WakeUp, u64>,
    chosen_workload: Option<String>,
}

impl MemoryStore {
    /// A store whose markers matter this long before they are looked at.
    pub fn with_marker_lead(marker_lead: Duration) -> Self {
        Self {
            marker_lead,
            ..Self::default()
        }
    }

    /// Makes writes of records fail, or succeed again.
    pub fn fail_writes(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    /// All records, in the order they were written.
    pub fn all_records(&self) -> Vec<Record> {
        self.state().records.clone()
    }

    /// Forgets everything, as a table that was deleted and made anew.
    pub fn forget(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl RunStore for MemoryStore {
    async fn put_run(&self, run: &Run) -> Result<(), StoreError> {
        let mut state = self.state();
        let stored = state.runs.get(&run.id).map_or(0, |stored| stored.revision);
        if run.revision != stored + 1 {
            return Err(StoreError::Conflict);
        }
        state.runs.insert(run.id.clone(), run.clone());
        Ok(())
    }

    async fn run(&self, id: &RunId) -> Result<Option<Run>, StoreError> {
        Ok(self.state().runs.get(id).cloned())
    }

    async fn latest_run(&self) -> Result<Option<Run>, StoreError> {
        Ok(self.state().runs.values().next_back().cloned())
    }

    async fn run_ids(
        &self,
        before: Option<&RunId>,
        limit: usize,
    ) -> Result<Vec<RunId>, StoreError> {
        let state = self.state();
        let newest_first = state.runs.keys().rev();
        let older = newest_first.filter(|id| before.is_none_or(|before| *id < before));
        Ok(older.take(limit).cloned().collect())
    }

    async fn put_workload(&self, version: &str, source: &str) -> Result<(), StoreError> {
        self.state().workloads.insert(version.into(), source.into());
        Ok(())
    }

    async fn workload(&self, version: &str) -> Result<Option<String>, StoreError> {
        Ok(self.state().workloads.get(version).cloned())
    }

    async fn choose_workload(&self, version: &str) -> Result<(), StoreError> {
        self.state().chosen_workload = Some(version.into());
        Ok(())
    }

    async fn chosen_workload(&self) -> Result<Option<String>, StoreError> {
        Ok(self.state().chosen_workload.clone())
    }

    fn marker_lead(&self) -> Duration {
        self.marker_lead
    }

    fn quiet_before(&self) -> Option<Timestamp> {
        None
    }
}

impl RecordStore for MemoryStore {
    async fn put_record(&self, record: Record) -> Result<(), StoreError> {
        if self.failing.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("writes fail for now".into()));
        }
        let mut state = self.state();
        if state.keys.insert(record.key.clone()) {
            state.records.push(record);
        }
        Ok(())
    }

    async fn records(
        &self,
        run: &RunId,
        _shards: u32,
        bucket: Bucket,
        since: Option<Cursor>,
    ) -> Result<RecordPage, StoreError> {
        let state = self.state();
        let from = since.map_or(0, |cursor| cursor.0 as usize);
        let new = state.records.iter().skip(from);
        let records = new
            .filter(|record| record.key.run == *run && record.key.bucket == bucket)
            .cloned();
        Ok(RecordPage {
            records: records.collect(),
            cursor: Cursor(state.records.len() as u64),
        })
    }

    async fn next_bucket(&self, run: &RunId, from: Bucket) -> Result<Option<Bucket>, StoreError> {
        let state = self.state();
        let buckets = state.records.iter().map(|record| &record.key);
        let buckets = buckets.filter(|key| key.run == *run && key.bucket >= from);
        Ok(buckets.map(|key| key.bucket).min())
    }

    async fn expire_records(&self, before: Bucket) -> Result<(), StoreError> {
        let mut state = self.state();
        // emptied and not removed, so that cursors stay good
        for record in &mut state.records {
            if record.key.bucket < before {
                record.key.run = RunId(String::new());
                record.payload.clear();
            }
        }
        state.keys.retain(|key| key.bucket >= before);
        Ok(())
    }
}

impl MarkerStore for MemoryStore {
    async fn claim(&self, tick: &WakeUp, writer: u64) -> Result<bool, StoreError> {
        let mut state = self.state();
        Ok(*state.claims.entry(tick.clone()).or_insert(writer) == writer)
    }

    async fn put_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        let key = (marker.run.clone(), marker.class.clone(), marker.user);
        self.state().markers.insert(key, marker.clone());
        Ok(())
    }

    async fn clear_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        let key = (marker.run.clone(), marker.class.clone(), marker.user);
        let mut state = self.state();
        if state
            .markers
            .get(&key)
            .is_some_and(|known| known.writer == marker.writer)
        {
            state.markers.remove(&key);
        }
        Ok(())
    }

    async fn markers(
        &self,
        run: &RunId,
        class: &str,
        block: Block,
    ) -> Result<Vec<Marker>, StoreError> {
        let state = self.state();
        let of_block = state
            .markers
            .values()
            .filter(|marker| marker.run == *run && marker.class == class && marker.block == block);
        Ok(of_block.cloned().collect())
    }
}

impl CheckpointStore for MemoryStore {
    async fn put_checkpoint(&self, run: &RunId, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let mut state = self.state();
        let stored = state
            .checkpoints
            .get(run)
            .map_or(0, |stored| stored.revision);
        if checkpoint.revision != stored + 1 {
            return Err(StoreError::Conflict);
        }
        state.checkpoints.insert(run.clone(), checkpoint.clone());
        Ok(())
    }

    async fn checkpoint(&self, run: &RunId) -> Result<Option<Checkpoint>, StoreError> {
        Ok(self.state().checkpoints.get(run).cloned())
    }
}

impl ProgressStore for MemoryStore {
    async fn planned_until(&self, run: &RunId) -> Result<Option<Slot>, StoreError> {
        Ok(self.state().planned.get(run).copied())
    }

    async fn advance_planned(
        &self,
        run: &RunId,
        from: Option<Slot>,
        to: Slot,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let current = state.planned.get(run).copied();
        if current == from {
            state.planned.insert(run.clone(), to);
        }
        Ok(current == from)
    }

    async fn delete_run(
        &self,
        run: &RunId,
        checkpoints: &[RunId],
        _: u32,
        buckets: Range<Bucket>,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        state.runs.remove(run);
        state.planned.remove(run);
        state
            .checkpoints
            .retain(|known, _| !checkpoints.contains(known));
        let is_its = |key: &RecordKey| key.run == *run && buckets.contains(&key.bucket);
        state.keys.retain(|key| !is_its(key));
        // emptied and not removed, so that cursors stay good
        for record in &mut state.records {
            if is_its(&record.key) {
                record.key.run = RunId(String::new());
                record.payload.clear();
            }
        }
        Ok(())
    }
}

/// A queue in memory: wake-ups wait until a test takes them.
#[derive(Debug, Default)]
pub struct MemoryQueue(Mutex<BTreeSet<(Slot, WakeUp)>>);

impl MemoryQueue {
    /// Takes the wake-ups of slots before `slot`, in order.
    pub fn take_before(&self, slot: Slot) -> Vec<WakeUp> {
        let mut waiting = self.0.lock();
        let mut taken = Vec::new();
        while waiting.first().is_some_and(|(first, _)| *first < slot) {
            taken.extend(waiting.pop_first().map(|(_, wake_up)| wake_up));
        }
        taken
    }
}

impl Queue for MemoryQueue {
    async fn send(&self, _: Slots, wake_ups: Vec<PlannedWakeUp>) -> Result<(), QueueError> {
        let mut waiting = self.0.lock();
        waiting.extend(
            wake_ups
                .into_iter()
                .map(|planned| (planned.wake_up.slot, planned.wake_up)),
        );
        Ok(())
    }
}

/// A heartbeat in memory: only its state. It reaches a minute ahead, or as far as it is told to.
#[derive(Debug, Default)]
pub struct MemoryHeartbeat {
    is_on: AtomicBool,
    starting: AtomicBool,
    beats: AtomicUsize,
    reach: Option<Duration>,
    schedules: Mutex<BTreeMap<String, Schedule>>,
}

impl MemoryHeartbeat {
    /// One with this reach.
    pub fn reaching(reach: Duration) -> Self {
        Self {
            reach: Some(reach),
            ..Self::default()
        }
    }

    /// Says from now on that the delivery is starting, or that it is on.
    pub fn delivers(&self, on: bool) {
        self.starting.store(!on, Ordering::Relaxed);
    }

    /// How often the fan-out was called at once.
    pub fn beats(&self) -> usize {
        self.beats.load(Ordering::Relaxed)
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Schedule>> {
        self.schedules.lock()
    }
}

impl Heartbeat for MemoryHeartbeat {
    fn reach(&self) -> Duration {
        self.reach.unwrap_or(Duration::from_secs(60))
    }

    async fn turn_on(&self) -> Result<Delivery, HeartbeatError> {
        self.is_on.store(true, Ordering::Relaxed);
        let starts = self.starting.load(Ordering::Relaxed);
        Ok(if starts {
            Delivery::Starting
        } else {
            Delivery::On
        })
    }

    async fn beat_now(&self) -> Result<(), HeartbeatError> {
        self.beats.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn turn_off(&self) -> Result<(), HeartbeatError> {
        self.is_on.store(false, Ordering::Relaxed);
        Ok(())
    }

    async fn is_on(&self) -> Result<bool, HeartbeatError> {
        Ok(self.is_on.load(Ordering::Relaxed))
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, HeartbeatError> {
        Ok(self.locked().values().cloned().collect())
    }

    async fn put_schedule(&self, schedule: &Schedule) -> Result<(), HeartbeatError> {
        self.locked()
            .insert(schedule.name.clone(), schedule.clone());
        Ok(())
    }

    async fn delete_schedule(&self, name: &str) -> Result<bool, HeartbeatError> {
        Ok(self.locked().remove(name).is_some())
    }
}
