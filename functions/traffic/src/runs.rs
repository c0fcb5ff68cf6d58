//! A process's copies of runs: at most a second old, and made ready to be asked once per change.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Mutex, watch};

use crate::clock::{Clock, Timestamp};
pub use crate::environment::Environment;
use crate::plan::{Plan, PlannedClass};
use crate::ports::{RunStore, StoreError};
use crate::run::{Run, RunId};
use crate::under_way::UnderWay;
use crate::workload::{Workload, WorkloadErrors};

/// The age at which a copy is read again; see [`crate::run::CHANGE_LEAD`].
const FRESH_FOR: Duration = Duration::from_millis(900);

/// The number of runs that are kept.
const KEPT: usize = 8;

/// A run with all that is needed to execute and to count it.
#[derive(Debug)]
pub struct LoadedRun {
    /// The run's plan.
    pub plan: Plan,
    /// The workload that the run is pinned to.
    pub workload: Arc<Workload>,
}

/// The reason why a run could not be loaded.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RunError {
    #[error("the run cannot be read")]
    Store(#[from] StoreError),
    #[error("there is no run {0}")]
    Unknown(RunId),
    #[error("the store has no workload of version {0}")]
    WorkloadMissing(String),
    #[error("the run's workload is not valid here")]
    Workload(#[from] WorkloadErrors),
}

/// The process's copies of runs.
pub struct Runs<S> {
    store: Arc<S>,
    clock: Clock,
    environment: Environment,
    known: Mutex<HashMap<RunId, Copy>>,
    latest: Mutex<Option<(Timestamp, Option<RunId>)>>,
    /// Workloads that somebody in this process has, by version and equal weights: a large one is kept once.
    workloads: parking_lot::Mutex<HashMap<(String, bool), Weak<Workload>>>,
    /// Runs that are stopped here, though the store does not know it yet: nobody else executes them.
    held_stops: parking_lot::Mutex<BTreeMap<RunId, Timestamp>>,
    /// The run that this process has left to the next one, and when.
    left: parking_lot::Mutex<Option<(RunId, Timestamp)>>,
    under_way: Arc<UnderWay>,
    /// From when on the change holds that is being made, if one is.
    changing: Arc<watch::Sender<Option<Timestamp>>>,
}

struct Copy {
    read_at: Timestamp,
    run: watch::Sender<Arc<LoadedRun>>,
}

/// A change to a run that is being made, where one process does all: what is due from its instant on
/// waits until this is dropped, and is not counted before.
#[derive(Debug)]
pub struct Changing {
    from: Timestamp,
    changing: Arc<watch::Sender<Option<Timestamp>>>,
}

impl Changing {
    /// The instant from which the change holds.
    pub fn from(&self) -> Timestamp {
        self.from
    }
}

impl Drop for Changing {
    fn drop(&mut self) {
        self.changing.send_replace(None);
    }
}

impl<S: RunStore> Runs<S> {
    /// Copies of what `store` holds; hosts may be overridden by what `environment` says.
    pub fn new(store: Arc<S>, clock: Clock, environment: Environment) -> Self {
        Self {
            store,
            clock,
            environment,
            known: Mutex::default(),
            latest: Mutex::default(),
            workloads: parking_lot::Mutex::default(),
            held_stops: parking_lot::Mutex::default(),
            left: parking_lot::Mutex::default(),
            under_way: Arc::default(),
            changing: Arc::new(watch::Sender::new(None)),
        }
    }

    /// The ticks and busy users of this process.
    pub fn under_way(&self) -> &Arc<UnderWay> {
        &self.under_way
    }

    /// True if this process does all: plans, executes and counts.
    pub fn is_alone(&self) -> bool {
        self.store.marker_lead().is_zero()
    }

    /// Begins a change that holds from now on, for where this process does all; one at a time.
    pub fn begin_change(&self) -> Changing {
        let mut from = Timestamp::default();
        // the time is asked while nobody can look: who was not told has asked for an earlier one
        self.changing.send_modify(|changing| {
            from = self.clock.now();
            *changing = Some(from);
        });
        Changing {
            from,
            changing: Arc::clone(&self.changing),
        }
    }

    /// `now`, or the instant before it from which a change holds that is being made: what was planned
    /// before that is certain.
    pub fn certain(&self, now: Timestamp) -> Timestamp {
        (*self.changing.borrow()).map_or(now, |from| from.min(now))
    }

    /// Waits while a change is being made that may hold for what is due at an instant.
    pub async fn until_certain(&self, due: Timestamp) {
        let is_certain = |changing: &Option<Timestamp>| changing.is_none_or(|from| due < from);
        if !is_certain(&self.changing.borrow()) {
            // the sender lives as long as this
            let _ = self.changing.subscribe().wait_for(is_certain).await;
        }
    }

    /// True if a change may still hold for what is due before an instant: one that is made from now on, or
    /// one that is being made. What was made before this is asked is known to who looks at the run after it.
    pub fn may_change_before(&self, instant: Timestamp) -> bool {
        self.certain(self.clock.now()) < instant
    }

    /// Waits until no change can hold any more for what is due before an instant.
    pub async fn until_certain_before(&self, instant: Timestamp) {
        self.clock.sleep_until(instant).await;
        self.until_certain(instant - Duration::from_micros(1)).await;
    }

    /// The present, once no change is being made that may hold for it.
    pub async fn certain_now(&self) -> Timestamp {
        loop {
            let now = self.clock.now();
            if (*self.changing.borrow()).is_none_or(|from| now < from) {
                return now;
            }
            self.until_certain(now).await;
        }
    }

    /// The copies of a run that this process gets, from the present one on.
    pub async fn follow(&self, id: &RunId) -> Result<watch::Receiver<Arc<LoadedRun>>, RunError> {
        loop {
            self.get(id).await?;
            // it is there, unless many others came in between
            if let Some(copy) = self.known.lock().await.get(id) {
                return Ok(copy.run.subscribe());
            }
        }
    }

    /// A run as it is, or was less than a second ago.
    pub async fn get(&self, id: &RunId) -> Result<Arc<LoadedRun>, RunError> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some(copy) = known.get(id)
            && is_fresh(copy.read_at, now)
        {
            return Ok(Arc::clone(&copy.run.borrow()));
        }
        let run = match self.store.run(id).await {
            Ok(run) => run.ok_or_else(|| RunError::Unknown(id.clone()))?,
            Err(error) => {
                // only this process changes a run that it holds stopped, or is leaving
                let copy = known.get(id).filter(|_| self.has_ended_here(id));
                return copy
                    .map(|copy| Arc::clone(&copy.run.borrow()))
                    .ok_or(error.into());
            }
        };
        self.keep(&mut known, run, now).await
    }

    /// The newest run, if there is any; it may be over.
    pub async fn latest(&self) -> Result<Option<Arc<LoadedRun>>, RunError> {
        let mut latest = self.latest.lock().await;
        let now = self.clock.now();
        let id = match latest.as_ref() {
            Some((read_at, id)) if is_fresh(*read_at, now) => id.clone(),
            _ => {
                let run = match self.store.latest_run().await {
                    Ok(run) => run,
                    Err(error) => {
                        let known = latest.as_ref().and_then(|(_, id)| id.clone());
                        let held = known.filter(|id| self.has_ended_here(id));
                        let held = held.ok_or(error)?;
                        drop(latest);
                        return self.get(&held).await.map(Some);
                    }
                };
                let id = run.as_ref().map(|run| run.id.clone());
                if let Some(run) = run {
                    self.keep(&mut *self.known.lock().await, run, now).await?;
                }
                *latest = Some((now, id.clone()));
                id
            }
        };
        drop(latest);
        match id {
            Some(id) => self.get(&id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Takes over a run that this process has just written, so that it is seen at once.
    pub async fn put(&self, run: Run) -> Result<Arc<LoadedRun>, RunError> {
        let now = self.clock.now();
        let id = run.id.clone();
        let loaded = self.keep(&mut *self.known.lock().await, run, now).await?;
        *self.latest.lock().await = Some((now, Some(id)));
        Ok(loaded)
    }

    /// Forgets a run that was deleted.
    pub async fn forget(&self, id: &RunId) {
        *self.latest.lock().await = None;
        self.known.lock().await.remove(id);
    }

    /// Takes over a run that this process has just written and that need not be the newest.
    pub async fn put_older(&self, run: Run) -> Result<Arc<LoadedRun>, RunError> {
        let now = self.clock.now();
        self.keep(&mut *self.known.lock().await, run, now).await
    }

    /// The newest run that this process knows, however old its copy is.
    pub async fn known_newest(&self) -> Option<Arc<LoadedRun>> {
        let latest = self.latest.lock().await.clone();
        let id = latest.and_then(|(_, id)| id)?;
        let known = self.known.lock().await;
        known.get(&id).map(|copy| Arc::clone(&copy.run.borrow()))
    }

    /// Stops a run for this process, which is the only one that executes it, until
    /// [`Runs::let_go_of_stop`]: the store cannot be told.
    pub async fn hold_stop(&self, run: Run, from: Timestamp) -> Result<Arc<LoadedRun>, RunError> {
        self.held_stops.lock().insert(run.id.clone(), from);
        self.put(run).await
    }

    /// A stop that is held, if there is any.
    pub fn held_stop(&self) -> Option<(RunId, Timestamp)> {
        let held = self.held_stops.lock();
        held.first_key_value().map(|(id, from)| (id.clone(), *from))
    }

    /// A run as it is with the stop that is held for it.
    #[must_use]
    pub fn with_held_stop(&self, run: Run) -> Run {
        let held = self.held_stops.lock().get(&run.id).copied();
        Run {
            stopped_at: run.stopped_at.or(held),
            ..run
        }
    }

    /// The store knows of a run's stop now.
    pub fn let_go_of_stop(&self, id: &RunId) {
        self.held_stops.lock().remove(id);
    }

    /// Leaves a run to the next process on the same store: it ends here at `from`, and the store is not told, so
    /// that it goes on there. For a process that executes alone and is about to end.
    pub async fn leave(&self, run: Run, from: Timestamp) -> Result<Arc<LoadedRun>, RunError> {
        *self.left.lock() = Some((run.id.clone(), from));
        self.put(run).await
    }

    /// True if this process has left the run to the next one.
    pub fn has_left(&self, id: &RunId) -> bool {
        (self.left.lock().as_ref()).is_some_and(|(left, _)| left == id)
    }

    fn has_ended_here(&self, id: &RunId) -> bool {
        self.has_left(id) || self.held_stops.lock().contains_key(id)
    }

    /// A run as this process executes it.
    fn as_executed_here(&self, run: Run) -> Run {
        let mut run = self.with_held_stop(run);
        if let Some((left, from)) = self.left.lock().as_ref()
            && *left == run.id
        {
            run.stopped_at = Some(run.stopped_at.map_or(*from, |at| at.min(*from)));
        }
        run
    }

    async fn keep(
        &self,
        known: &mut HashMap<RunId, Copy>,
        run: Run,
        now: Timestamp,
    ) -> Result<Arc<LoadedRun>, RunError> {
        let run = self.as_executed_here(run);
        let before = known.get(&run.id);
        let before = before.map(|copy| Arc::clone(&copy.run.borrow()));
        let id = run.id.clone();
        let loaded = match before {
            Some(before) if !is_newer(&run, before.plan.run()) => before,
            before => {
                let workload = match before {
                    Some(before) if before.workload.version() == run.workload => {
                        Arc::clone(&before.workload)
                    }
                    _ => self.workload(&run.workload, run.equal_weights).await?,
                };
                Arc::new(LoadedRun {
                    plan: Plan::new(run, planned_classes(&workload)),
                    workload,
                })
            }
        };
        if let Some(copy) = known.get_mut(&id) {
            copy.read_at = now;
            copy.run.send_if_modified(|run| {
                let is_new = !Arc::ptr_eq(run, &loaded);
                *run = Arc::clone(&loaded);
                is_new
            });
            return Ok(loaded);
        }
        if known.len() >= KEPT {
            let oldest = known.keys().min().cloned();
            oldest.and_then(|oldest| known.remove(&oldest));
        }
        let run = watch::Sender::new(Arc::clone(&loaded));
        known.insert(id, Copy { read_at: now, run });
        Ok(loaded)
    }

    /// A workload by its version, with equal weights or its own: the one that this process has, or else the store's.
    pub async fn workload(
        &self,
        version: &str,
        equal_weights: bool,
    ) -> Result<Arc<Workload>, RunError> {
        let key = (version.to_owned(), equal_weights);
        let known = self.workloads.lock().get(&key).and_then(Weak::upgrade);
        if let Some(known) = known {
            return Ok(known);
        }
        let source = self
            .store
            .workload(version)
            .await?
            .ok_or_else(|| RunError::WorkloadMissing(version.into()))?;
        let workload = self.parse(&source).await?;
        let workload = Arc::new(workload.with_equal_weights(equal_weights));
        self.know(&workload);
        Ok(workload)
    }

    /// Notes that this process has a workload, read with the environment that is given here.
    pub fn know(&self, workload: &Arc<Workload>) {
        let mut workloads = self.workloads.lock();
        workloads.retain(|_, known| known.strong_count() > 0);
        let key = (workload.version().to_owned(), workload.has_equal_weights());
        workloads.insert(key, Arc::downgrade(workload));
    }

    /// Reads a workload's text as a run that is pinned to it will, while the runtime does other things.
    pub async fn parse(&self, source: &str) -> Result<Workload, WorkloadErrors> {
        Workload::parse_aside(source, "workload", &self.environment).await
    }
}

/// A workload's classes as the plan needs them.
pub fn planned_classes(workload: &Workload) -> Vec<PlannedClass> {
    workload
        .classes()
        .iter()
        .map(|class| PlannedClass {
            name: Arc::clone(class.name()),
            wait: class.wait(),
        })
        .collect()
}

/// True if a copy of a run says more than another. A stop that is held has no revision yet.
pub fn is_newer(run: &Run, than: &Run) -> bool {
    let is_stopped_meanwhile = run.stopped_at.is_some() && than.stopped_at.is_none();
    run.revision > than.revision || (run.revision == than.revision && is_stopped_meanwhile)
}

/// True if a copy of a run that was read at `read_at` need not be read again.
pub fn is_fresh(read_at: Timestamp, now: Timestamp) -> bool {
    read_at <= now && now.since(read_at) < FRESH_FOR
}
