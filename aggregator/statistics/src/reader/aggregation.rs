//! The readers of the newest runs, shared by all who ask.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use traffic::clock::{Clock, Slot, Timestamp};
use traffic::ports::{Checkpoint, ReaderStore};
use traffic::record::{BUCKET_SECONDS, Bucket};
use traffic::run::RunId;
use traffic::runs::{LoadedRun, RunError, Runs};

use super::error::AggregatorError;
use super::follower::Follower;
use super::sealed;
use super::snapshot::{Quiet, Snapshot};
use crate::stats::Limits;
use crate::stats::checkpoint::CheckpointError;
use crate::stats::totals::Totals;

/// The longest age of a snapshot that is handed out again.
const SHARED_FOR: Duration = Duration::from_millis(300);

/// The time that records stay after they were folded into a stored checkpoint.
const KEEP_FOLDED: Duration = Duration::from_secs(60 * 60);

/// The number of runs that are held in memory.
pub(super) const HELD: usize = 4;

/// The number of runs that are looked at for records that are left to fold.
const LOOK_BACK: usize = 256;

/// Statistics and ledger of runs, from their records.
pub struct Aggregation<S> {
    pub(super) store: Arc<S>,
    runs: Arc<Runs<S>>,
    pub(super) clock: Clock,
    limits: Limits,
    /// The most recently used last.
    held: Mutex<VecDeque<(RunId, Arc<Place>)>>,
    /// Runs of which everything is in a stored checkpoint, and everything of older ones too.
    complete: Mutex<HashSet<RunId>>,
    /// The totals of complete checkpoints.
    pub(super) remembered: Mutex<HashMap<RunId, Totals>>,
}

/// The first slot of a run that is not settled in a checkpoint. No reader that goes on from the checkpoint asks the plan
/// about earlier slots.
pub fn settled_until(checkpoint: &Checkpoint) -> Result<Slot, CheckpointError> {
    sealed::settled_until(&checkpoint.body)
}

/// The place of a run that is held; the task with the lock reads for all that wait.
type Place = tokio::sync::Mutex<Option<Follower>>;

impl<S: ReaderStore> Aggregation<S> {
    /// Statistics and ledger of what `store` holds; `runs` are the process's copies of its runs.
    pub fn new(store: Arc<S>, runs: Arc<Runs<S>>, clock: Clock, limits: Limits) -> Self {
        Self {
            store,
            runs,
            clock,
            limits,
            held: Mutex::default(),
            complete: Mutex::default(),
            remembered: Mutex::default(),
        }
    }

    /// The newest run as of now, or a moment ago: callers at the same time share one reading. After an error, the
    /// records that were read before are kept.
    pub async fn snapshot(&self) -> Result<Snapshot, AggregatorError> {
        self.newest(SHARED_FOR).await
    }

    /// The newest run with all records that were written by now.
    pub async fn snapshot_anew(&self) -> Result<Snapshot, AggregatorError> {
        self.newest(Duration::ZERO).await
    }

    async fn newest(&self, shared_for: Duration) -> Result<Snapshot, AggregatorError> {
        let now = self.now();
        match self.runs.latest().await? {
            Some(run) => self.snapshot_of_run(run, now, shared_for).await,
            None => Ok(Snapshot::of_nothing(now, self.limits)),
        }
    }

    /// The run `id` as of now, or a moment ago.
    pub async fn snapshot_of(&self, id: &RunId) -> Result<Snapshot, AggregatorError> {
        let now = self.now();
        let run = self.runs.get(id).await?;
        self.snapshot_of_run(run, now, SHARED_FOR).await
    }

    /// A part of a run that a reset has ended, by its number; `None` if there is none, or if it is too old.
    pub async fn snapshot_of_part(
        &self,
        id: &RunId,
        number: u32,
    ) -> Result<Option<Snapshot>, AggregatorError> {
        let whole = self.snapshot_of(id).await?;
        let run = self.runs.get(id).await?;
        let place = self.place(id);
        let mut held = place.lock().await;
        let follower = self.follower(&mut held, run).await?;
        let part = match follower.part(number) {
            Some(part) => Some(part),
            None => follower.kept_part(&*self.store, number).await?,
        };
        Ok(part.map(|(part, stats)| whole.of_part(part, stats)))
    }

    /// Forgets a run that was deleted.
    pub fn forget(&self, id: &RunId) {
        self.held.lock().retain(|(held, _)| held != id);
        self.complete.lock().remove(id);
        self.remembered.lock().remove(id);
    }

    /// Folds sealed buckets into checkpoints, of the newest run and of earlier ones that are not complete, and drops
    /// records that were folded an hour ago.
    ///
    /// To be called once a minute while a run is on, and for some minutes after it; after an error, again.
    pub async fn fold_sealed(&self) -> Result<(), AggregatorError> {
        let now = self.clock.now();
        let mut folded_until = Bucket::of(now);
        let mut result = Ok(());
        // oldest first, so that no run before a complete one is incomplete
        for id in self.incomplete().await?.into_iter().rev() {
            match self.fold_run(&id).await {
                Ok(until) => folded_until = folded_until.min(until.unwrap_or(folded_until)),
                Err(
                    error @ AggregatorError::Run(RunError::Store(_))
                    | error @ AggregatorError::Store(_),
                ) => {
                    return Err(error);
                }
                Err(error) => {
                    // records that cannot be folded must not be dropped, and must not hold up other runs
                    folded_until = Bucket(0);
                    result = Err(error);
                }
            }
        }
        let kept = KEEP_FOLDED.as_secs() / BUCKET_SECONDS;
        if let Some(before) = folded_until.0.checked_sub(kept) {
            self.store.expire_records(Bucket(before)).await?;
        }
        result
    }

    /// Folds one run. The first bucket that is not in its checkpoint; `None` if the checkpoint is complete.
    async fn fold_run(&self, id: &RunId) -> Result<Option<Bucket>, AggregatorError> {
        let now = self.now();
        let run = self.runs.get(id).await?;
        let place = self.place(id);
        let mut held = place.lock().await;
        let quiet = self.quiet(&run, now);
        let follower = self.follower(&mut held, run).await?;
        follower.refresh(&*self.store, now).await?;
        // the next caller need not read again
        follower.snapshot(now, self.store.quiet_before(), quiet);
        follower.save(&*self.store).await?;
        if follower.is_stored_complete() {
            self.mark_complete(id);
            return Ok(None);
        }
        Ok(Some(follower.stored_until()))
    }

    /// The runs with records that are left to fold, newest first.
    async fn incomplete(&self) -> Result<Vec<RunId>, AggregatorError> {
        let mut incomplete = Vec::new();
        for id in self.store.run_ids(None, LOOK_BACK).await? {
            if self.is_complete(&id).await? {
                self.mark_complete(&id);
                break;
            }
            incomplete.push(id);
        }
        Ok(incomplete)
    }

    async fn is_complete(&self, id: &RunId) -> Result<bool, AggregatorError> {
        if self.complete.lock().contains(id) {
            return Ok(true);
        }
        if self.held.lock().iter().any(|(held, _)| held == id) {
            // its follower knows, and is asked next
            return Ok(false);
        }
        let Some(checkpoint) = self.store.checkpoint(id).await? else {
            return Ok(false);
        };
        // a checkpoint that cannot be read is reported when the run is folded
        Ok(sealed::progress(&checkpoint.body).is_ok_and(|(_, complete)| complete))
    }

    fn mark_complete(&self, id: &RunId) {
        let mut complete = self.complete.lock();
        // older runs are never asked about again
        complete.clear();
        complete.insert(id.clone());
    }

    /// The run as of `now`, which is before the instant of its copy: a copy that has grown old in waiting knows nothing
    /// of the slots that have begun since.
    async fn snapshot_of_run(
        &self,
        run: Arc<LoadedRun>,
        now: Timestamp,
        shared_for: Duration,
    ) -> Result<Snapshot, AggregatorError> {
        let place = self.place(&run.plan.run().id);
        let mut held = place.lock().await;
        // before the reading, so that all results written by then are read
        let quiet = self.quiet(&run, now);
        let follower = self.follower(&mut held, run).await?;
        if let Some(snapshot) = follower.last_snapshot()
            && snapshot.at <= self.clock.now()
            && now.since(snapshot.at) < shared_for
        {
            return Ok(snapshot.clone());
        }
        follower.refresh(&*self.store, now).await?;
        follower.save_if_due(&*self.store).await;
        Ok(follower.snapshot(now, self.store.quiet_before(), quiet))
    }

    /// The latest instant by which the plan is certain.
    fn now(&self) -> Timestamp {
        self.runs.certain(self.clock.now())
    }

    /// The state of a run that this process executes alone; `None` elsewhere.
    fn quiet(&self, run: &LoadedRun, now: Timestamp) -> Option<Quiet> {
        let (under_way, run) = (self.runs.under_way(), run.plan.run());
        if !self.runs.is_alone() {
            return None;
        }
        Some(match under_way.is_quiet(run, now) {
            true => Quiet::Settled,
            false => Quiet::Busy(under_way.busy_users(&run.id) as u64),
        })
    }

    /// The run's follower, up to date with the run itself.
    async fn follower<'a>(
        &self,
        held: &'a mut Option<Follower>,
        run: Arc<LoadedRun>,
    ) -> Result<&'a mut Follower, AggregatorError> {
        let is_left = self.runs.has_left(&run.plan.run().id);
        let mut follower = match held.take() {
            Some(mut follower) => {
                follower.adopt(run);
                follower.catch_up(&*self.store).await?;
                follower
            }
            None => Follower::load(&*self.store, run, self.limits).await?,
        };
        follower.note_left(is_left);
        Ok(held.insert(follower))
    }

    fn place(&self, id: &RunId) -> Arc<Place> {
        let mut held = self.held.lock();
        let known = held.iter().position(|(held, _)| held == id);
        let entry = known.and_then(|number| held.remove(number));
        let entry = entry.unwrap_or_else(|| (id.clone(), Arc::default()));
        let place = Arc::clone(&entry.1);
        if held.len() >= HELD {
            held.pop_front();
        }
        held.push_back(entry);
        place
    }
}
