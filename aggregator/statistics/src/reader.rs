//! The reader: turns a run's records into statistics and a ledger, and keeps them up to date.
//!
//! Each record is read once and folded into its bucket; a bucket that no write can reach any more is
//! sealed, and sealed buckets are checkpointed in the store. A snapshot is the sealed part with the
//! open buckets on top: a poll costs what is new, a restart resumes at the checkpoint, and any number
//! of readers agree, since all they share is the records.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use traffic::clock::{Clock, Slot, Timestamp};
use traffic::ports::{Checkpoint, ReaderStore};
use traffic::record::{BUCKET_SECONDS, Bucket};
use traffic::run::{Run, RunId};
use traffic::runs::{LoadedRun, RunError, Runs};

use self::follower::Follower;
use crate::ledger::{Ledger, LedgerPast};
use crate::report::{CurrentPercentiles, Report};
use crate::state::{State, user_count};
use crate::stats::{CheckpointError, Limits, Stats};

mod error;
mod follower;
mod listed;
mod open;
mod sealed;

pub use self::error::AggregatorError;
pub use self::listed::{ListedRun, RunsPage};

/// A snapshot this young is handed out again.
const SHARED_FOR: Duration = Duration::from_millis(300);

/// Records stay this long after they were folded into a stored checkpoint.
const KEEP_FOLDED: Duration = Duration::from_secs(60 * 60);

/// How many runs are held in memory.
const HELD: usize = 4;

/// How many runs are looked at for something that is left to fold.
const LOOK_BACK: usize = 256;

/// Statistics and ledger of runs, from their records.
pub struct Aggregation<S> {
    store: Arc<S>,
    runs: Arc<Runs<S>>,
    clock: Clock,
    limits: Limits,
    /// The most recently used last.
    held: Mutex<VecDeque<(RunId, Arc<Place>)>>,
    /// Runs of which everything is in a stored checkpoint, and everything of older ones too.
    complete: Mutex<HashSet<RunId>>,
    remembered: Mutex<listed::Remembered>,
}

/// The first slot of a run of which something may still become known to who goes on from a checkpoint: nobody asks
/// the plan about earlier ones any more.
///
/// # Errors
/// When the checkpoint cannot be read.
pub fn settled_until(checkpoint: &Checkpoint) -> Result<Slot, CheckpointError> {
    sealed::settled_until(&checkpoint.body)
}

/// Where a run is held; whoever has the lock reads for all who wait.
type Place = tokio::sync::Mutex<Option<Follower>>;

/// What the records of a run said at an instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The run; there is none before the first `POST /swarm`.
    pub run: Option<Arc<LoadedRun>>,
    /// The statistics since the run's start or its last reset.
    pub stats: Arc<Stats>,
    /// The ledger since the run's start.
    pub ledger: Arc<Ledger>,
    /// The same over time.
    pub ledger_past: Arc<LedgerPast>,
    /// Whether the run is over and nothing more comes of it: nothing here changes then.
    pub is_settled: bool,
    /// Users that are in an iteration, of a run that is over; where other processes execute, iterations of
    /// which a record may still come.
    pub busy: u64,
    /// The instant.
    pub at: Timestamp,
}

/// What is known of a run where one process does all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// It is over, nothing of it is under way, and all that came of it is written or given up.
    Settled,
    /// Something may still come; so many users are in an iteration.
    Busy(u64),
}

impl Snapshot {
    /// Where the traffic stands.
    pub fn state(&self) -> State {
        State::of(self.run.as_deref(), self.at, self.is_settled)
    }

    /// The users that are active; of a run that is over, those that are still busy.
    pub fn user_count(&self) -> u64 {
        match self.state() {
            State::Stopping
                if self
                    .run
                    .as_ref()
                    .is_some_and(|run| run.plan.run().is_over(self.at)) =>
            {
                self.busy
            }
            _ => user_count(self.run.as_deref(), self.at),
        }
    }

    /// Locust's figures as of the snapshot. Rates since the start are of the time in which there was
    /// traffic: once the run has ended, of the time until its end. Once nothing changes any more there are
    /// no current response times.
    pub fn report(&self) -> Report {
        let run = self.run.as_ref().map(|run| run.plan.run());
        let end = run.and_then(Run::ends).filter(|end| *end <= self.at);
        let mut report = self.stats.report_of(self.at, end);
        if self.state() == State::Stopped {
            report.current_response_time_percentiles = CurrentPercentiles::default();
        }
        report
    }

    /// What could not be evaluated: message, traceback and how often, by message.
    pub fn exceptions(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.stats.exceptions()
    }

    fn of_nothing(at: Timestamp, limits: Limits) -> Self {
        Self {
            run: None,
            stats: Arc::new(Stats::with_limits(at, limits)),
            ledger: Arc::default(),
            ledger_past: Arc::default(),
            is_settled: true,
            busy: 0,
            at,
        }
    }
}

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

    /// The newest run as of now, or a moment ago: callers at the same time share one reading.
    ///
    /// # Errors
    /// See [`AggregatorError`]; nothing that was read before is lost.
    pub async fn snapshot(&self) -> Result<Snapshot, AggregatorError> {
        self.newest(SHARED_FOR).await
    }

    /// The newest run with all that was written by now, whoever has asked a moment ago.
    ///
    /// # Errors
    /// See [`AggregatorError`]; nothing that was read before is lost.
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

    /// The same as [`Aggregation::snapshot`] of any run.
    ///
    /// # Errors
    /// See [`AggregatorError`]; nothing that was read before is lost.
    pub async fn snapshot_of(&self, id: &RunId) -> Result<Snapshot, AggregatorError> {
        let now = self.now();
        let run = self.runs.get(id).await?;
        self.snapshot_of_run(run, now, SHARED_FOR).await
    }

    /// Folds what is sealed into checkpoints, for the newest run and for earlier ones of which
    /// something is left, and drops records that were folded an hour ago.
    ///
    /// To be called once a minute while a run is on, and for some minutes after it.
    ///
    /// # Errors
    /// See [`AggregatorError`]; calling it again is safe.
    pub async fn fold_sealed(&self) -> Result<(), AggregatorError> {
        let now = self.clock.now();
        let mut folded_until = Bucket::of(now);
        let mut result = Ok(());
        // oldest first, so that what is complete has nothing incomplete before it
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
                    // what cannot be folded must not be dropped, and must not hold up other runs
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

    /// Folds one run; says up to which bucket it is checkpointed, unless that is all of it.
    async fn fold_run(&self, id: &RunId) -> Result<Option<Bucket>, AggregatorError> {
        let now = self.now();
        let run = self.runs.get(id).await?;
        let place = self.place(id);
        let mut held = place.lock().await;
        let quiet = self.quiet(&run, now);
        let follower = self.follower(&mut held, run).await?;
        follower.refresh(&*self.store, now).await?;
        // whoever asks next need not read again
        follower.snapshot(now, self.store.quiet_before(), quiet);
        follower.save(&*self.store).await?;
        if follower.is_stored_complete() {
            self.mark_complete(id);
            return Ok(None);
        }
        Ok(Some(follower.stored_until()))
    }

    /// Runs of which something is left to fold, newest first.
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
        if locked(&self.complete).contains(id) {
            return Ok(true);
        }
        if locked(&self.held).iter().any(|(held, _)| held == id) {
            // it is about to be asked itself
            return Ok(false);
        }
        let Some(checkpoint) = self.store.checkpoint(id).await? else {
            return Ok(false);
        };
        // one that cannot be read is reported by whoever folds the run
        Ok(sealed::progress(&checkpoint.body).is_ok_and(|(_, complete)| complete))
    }

    fn mark_complete(&self, id: &RunId) {
        let mut complete = locked(&self.complete);
        // older ones are never asked about again
        complete.clear();
        complete.insert(id.clone());
    }

    /// The run as of `now`, which was before its copy was got: a copy that has grown old in waiting
    /// says nothing about the slots that have begun since.
    async fn snapshot_of_run(
        &self,
        run: Arc<LoadedRun>,
        now: Timestamp,
        shared_for: Duration,
    ) -> Result<Snapshot, AggregatorError> {
        let place = self.place(&run.plan.run().id);
        let mut held = place.lock().await;
        // before anything is read: what is written until then is read
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

    /// The present, as far as what is planned is certain.
    fn now(&self) -> Timestamp {
        self.runs.certain(self.clock.now())
    }

    /// What this process knows of a run, if it does all.
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
        let follower = match held.take() {
            Some(mut follower) => {
                follower.adopt(run);
                follower.catch_up(&*self.store).await?;
                follower
            }
            None => Follower::load(&*self.store, run, self.limits).await?,
        };
        Ok(held.insert(follower))
    }

    fn place(&self, id: &RunId) -> Arc<Place> {
        let mut held = locked(&self.held);
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

fn locked<T>(mutex: &Mutex<T>) -> parking_lot::MutexGuard<'_, T> {
    // nothing in a guarded section leaves the tables half-changed
    mutex.lock()
}
