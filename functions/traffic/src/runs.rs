//! A process's copies of runs: at most a second old, and made ready to be asked once per change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as SyncMutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::{Clock, Timestamp};
use crate::plan::{Plan, PlannedClass};
use crate::ports::{Store, StoreError};
use crate::run::{Run, RunId};
use crate::workload::{Workload, WorkloadErrors};

/// How old a copy may be before it is read again; see [`crate::run::CHANGE_LEAD`].
const FRESH_FOR: Duration = Duration::from_millis(900);

/// How many runs are kept.
const KEPT: usize = 8;

/// Looks an environment variable up.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A run with all that is needed to execute and to count it.
#[derive(Debug)]
pub struct LoadedRun {
    /// The run's plan.
    pub plan: Plan,
    /// The workload that the run is pinned to.
    pub workload: Arc<Workload>,
}

/// Why a run could not be had.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store did not give it.
    #[error("the run cannot be read")]
    Store(#[from] StoreError),
    /// There is no run of this name.
    #[error("there is no run {0}")]
    Unknown(RunId),
    /// The store has the run, but not the workload that it is pinned to.
    #[error("the store has no workload of version {0}")]
    WorkloadMissing(String),
    /// The workload that the run is pinned to is not valid here.
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
    /// Workloads that somebody in this process has, by version: a large one is kept once.
    workloads: SyncMutex<HashMap<String, Weak<Workload>>>,
}

struct Copy {
    read_at: Timestamp,
    run: Arc<LoadedRun>,
}

impl<S: Store> Runs<S> {
    /// Copies of what `store` holds; hosts may be overridden by what `environment` says.
    pub fn new(store: Arc<S>, clock: Clock, environment: Environment) -> Self {
        Self {
            store,
            clock,
            environment,
            known: Mutex::default(),
            latest: Mutex::default(),
            workloads: SyncMutex::default(),
        }
    }

    /// A run as it is, or was less than a second ago.
    ///
    /// # Errors
    /// See [`RunError`].
    pub async fn get(&self, id: &RunId) -> Result<Arc<LoadedRun>, RunError> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some(copy) = known.get(id)
            && is_fresh(copy.read_at, now)
        {
            return Ok(Arc::clone(&copy.run));
        }
        let run = self
            .store
            .run(id)
            .await?
            .ok_or_else(|| RunError::Unknown(id.clone()))?;
        self.keep(&mut known, run, now).await
    }

    /// The newest run, if there is any; it may be over.
    ///
    /// # Errors
    /// See [`RunError`].
    pub async fn latest(&self) -> Result<Option<Arc<LoadedRun>>, RunError> {
        let mut latest = self.latest.lock().await;
        let now = self.clock.now();
        let id = match latest.as_ref() {
            Some((read_at, id)) if is_fresh(*read_at, now) => id.clone(),
            _ => {
                let run = self.store.latest_run().await?;
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
    ///
    /// # Errors
    /// See [`RunError`].
    pub async fn put(&self, run: Run) -> Result<Arc<LoadedRun>, RunError> {
        let now = self.clock.now();
        let id = run.id.clone();
        let loaded = self.keep(&mut *self.known.lock().await, run, now).await?;
        *self.latest.lock().await = Some((now, Some(id)));
        Ok(loaded)
    }

    async fn keep(
        &self,
        known: &mut HashMap<RunId, Copy>,
        run: Run,
        now: Timestamp,
    ) -> Result<Arc<LoadedRun>, RunError> {
        let before = known.get(&run.id).map(|copy| Arc::clone(&copy.run));
        let id = run.id.clone();
        let loaded = match before {
            Some(before) if before.plan.run().revision >= run.revision => before,
            before => {
                let workload = match before {
                    Some(before) if before.workload.version() == run.workload => {
                        Arc::clone(&before.workload)
                    }
                    _ => self.workload(&run.workload).await?,
                };
                Arc::new(LoadedRun {
                    plan: Plan::new(run, planned_classes(&workload)),
                    workload,
                })
            }
        };
        if known.len() >= KEPT && !known.contains_key(&id) {
            let oldest = known.keys().min().cloned();
            oldest.and_then(|oldest| known.remove(&oldest));
        }
        known.insert(
            id,
            Copy {
                read_at: now,
                run: Arc::clone(&loaded),
            },
        );
        Ok(loaded)
    }

    /// A workload by its version: the one that this process has, or else the store's.
    ///
    /// # Errors
    /// See [`RunError`].
    pub async fn workload(&self, version: &str) -> Result<Arc<Workload>, RunError> {
        let known = self.workloads().get(version).and_then(Weak::upgrade);
        if let Some(known) = known {
            return Ok(known);
        }
        let source = self
            .store
            .workload(version)
            .await?
            .ok_or_else(|| RunError::WorkloadMissing(version.into()))?;
        let workload = Arc::new(self.parse(&source)?);
        self.know(&workload);
        Ok(workload)
    }

    /// Notes that this process has a workload, read with the environment that is given here.
    pub fn know(&self, workload: &Arc<Workload>) {
        let mut workloads = self.workloads();
        workloads.retain(|_, known| known.strong_count() > 0);
        workloads.insert(workload.version().to_owned(), Arc::downgrade(workload));
    }

    fn workloads(&self) -> MutexGuard<'_, HashMap<String, Weak<Workload>>> {
        // nothing in a guarded section leaves the table half-changed
        (self.workloads.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a workload's text as a run that is pinned to it will.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(&self, source: &str) -> Result<Workload, WorkloadErrors> {
        let environment = &*self.environment;
        Workload::parse(source, "workload", &|name: &str| environment(name))
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

fn is_fresh(read_at: Timestamp, now: Timestamp) -> bool {
    read_at <= now && now.since(read_at) < FRESH_FOR
}
