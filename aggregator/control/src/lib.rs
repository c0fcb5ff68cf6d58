//! The control: what `/swarm`, `/stop` and `/stats/reset` do to the run in the store.
//!
//! A change is made to the run as it is in the store. If another process changed the run meanwhile, the change is
//! tried again, ten times at most. It holds from an instant that every process knows of in time, so only the queue is told.
//! Reading requests is the API's, executing the run the traffic crate's.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use statistics::state::State;
use traffic::clock::Timestamp;
use traffic::deployment::Deployment;
use traffic::fanout::FanOutError;
use traffic::ports::{Heartbeat, HeartbeatError, Queue, Store, StoreError};
use traffic::run::{Run, Segment};
use traffic::runs::{Changing, LoadedRun, RunError};

mod desired_run;
mod folding;
mod held_stop;
mod limits_of_now;
mod request;
mod said_host;
mod schedules;
mod settings;
mod start;
mod swarm_form;
mod timespan;
mod user;
mod workload_choice;

pub use held_stop::Stop;
pub use request::{InvalidField, SwarmRequest, Swarmed};
pub use schedules::ScheduleRefusal;
pub use settings::{ClassSettings, Limits, Settings};
pub use swarm_form::{FormClass, SwarmForm};
pub use timespan::{InvalidTimespan, parse_timespan};
pub use user::{Change, UserSettings};
pub use workload_choice::{Chosen, MAX_WORKLOAD, WorkloadRefusal};

pub use desired_run::segments_of_shape;
use desired_run::{Context, Target};
pub use settings::known_class;

/// How often a change is tried when somebody else changes the run at the same time.
const ATTEMPTS: usize = 10;

/// The run is over at most this long after `/stop` was answered: with a tick's tolerance for timers,
/// no iteration starts later than two seconds after the answer.
const STOPS_WITHIN: Duration = Duration::from_millis(1900);

/// Changes the newest run, or starts one.
pub struct Control<S, Q, H> {
    settings: Settings,
    deployment: Arc<Deployment<S, Q, H>>,
    /// One change at a time in this process; those of others show as conflicts.
    turn: tokio::sync::Mutex<()>,
    /// The host that this process was last asked for, if it was asked for any; a run that is on
    /// has its own, and an earlier run's must not send the traffic of a new one.
    asked: Mutex<Option<Option<String>>>,
    /// The workload of new runs.
    chosen: Mutex<Option<workload_choice::CopyOfChoice>>,
    /// Why a stop that holds here is not written yet, if there is one.
    unwritten_stop: Mutex<Option<String>>,
}

/// Why nothing, or not all, of what was asked for was done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The request cannot be granted; nothing was changed.
    #[error(transparent)]
    Field(#[from] InvalidField),
    /// The store could not be read or written; nothing was changed.
    #[error(transparent)]
    Store(StoreError),
    /// The run could not be read with its workload; nothing was changed.
    #[error(transparent)]
    Run(RunError),
    /// Too many others changed the run at the same time; nothing was changed.
    #[error("others keep changing the run: try again")]
    Contended,
    /// The stop could not be written, and other processes know of it by nothing else.
    #[error("the run is not stopped, and its traffic goes on: try again, for {0}")]
    NotStopped(StoreError),
    /// The run was changed, but nothing may drive it.
    #[error("the run was changed, but {0}: try again")]
    Heartbeat(#[from] HeartbeatError),
    /// The schedules could not be read or written; nothing was changed.
    #[error("the schedules cannot be read or written: try again")]
    Schedules(#[source] HeartbeatError),
    /// The run was changed, but traffic may take a minute to follow.
    #[error("the run was changed, but its traffic is late: {0}")]
    FanOut(#[from] FanOutError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<RunError> for Refusal {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => Self::Store(error),
            other => Self::Run(other),
        }
    }
}

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// The control of the runs that `deployment` plans.
    ///
    /// # Errors
    /// When the settings cannot be used; see [`Settings::checked`].
    pub fn new(
        settings: Settings,
        deployment: Arc<Deployment<S, Q, H>>,
    ) -> Result<Self, InvalidField> {
        Ok(Self {
            settings: settings.checked()?,
            deployment,
            turn: tokio::sync::Mutex::default(),
            asked: Mutex::default(),
            chosen: Mutex::default(),
            unwritten_stop: Mutex::default(),
        })
    }

    /// What it is configured with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The time that it goes by.
    pub fn now(&self) -> Timestamp {
        self.deployment.clock.now()
    }

    /// Where the traffic of a run stands, as far as this process knows: where others execute it, one that is
    /// over counts as stopped.
    pub fn state(&self, run: Option<&LoadedRun>) -> State {
        let is_settled = run.is_none_or(|run| self.is_settled(run.plan.run()));
        State::of(run, self.now(), is_settled)
    }

    /// Whether nothing more comes of a run that is over, as far as this process knows.
    pub fn is_settled(&self, run: &Run) -> bool {
        let runs = &self.deployment.runs;
        !runs.is_alone() || runs.under_way().is_quiet(run, self.now())
    }

    /// The newest run as this process knows it, at most a second old.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn run(&self) -> Result<Option<Arc<LoadedRun>>, Refusal> {
        Ok(self.deployment.runs.latest().await?)
    }

    /// The host as it was last asked for, or configured.
    pub fn host(&self) -> Option<String> {
        let asked = self.asked.lock();
        asked.clone().unwrap_or_else(|| self.settings.host.clone())
    }

    /// Starts a run, or changes the one that is on: its users, classes, hosts and run time.
    ///
    /// As in Locust a new run time counts from now, and none makes the run endless again.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn swarm(&self, request: SwarmRequest) -> Result<Swarmed, Refusal> {
        let _turn = self.turn.lock().await;
        self.write_held().await?;
        for _ in 0..ATTEMPTS {
            let newest = self.deployment.store.latest_run().await?;
            let swarmed = match newest {
                Some(run) if self.is_on(&run) => self.change(&request, run).await,
                before => self.start(&request, before.as_ref()).await,
            };
            match swarmed {
                Err(Refusal::Store(StoreError::Conflict)) => {}
                Ok(target) => {
                    let mut asked = self.asked.lock();
                    *asked = Some(target.host.clone());
                    return Ok(answer(&request, &target));
                }
                Err(refusal) => return Err(refusal),
            }
        }
        Err(Refusal::Contended)
    }

    /// Ends the run that is on, at once where one process does all; without one there is nothing to do.
    ///
    /// Elsewhere it returns so late that no iteration starts more than two seconds after it, which is within six
    /// tenths of a second. Where one process does all, a stop that cannot be written holds all the same;
    /// [`Control::write_held_stops`] must be called until it is written.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn stop(&self) -> Result<Stop, Refusal> {
        let turn = self.turn.lock().await;
        let change = self.begin_change();
        let (stop, run) = match self.write_stop(change.from()).await {
            Ok(run) => (Stop::Written, run),
            Err(refusal) => self.hold_stop(refusal, change.from()).await?,
        };
        drop(change);
        drop(turn);
        if let Some(end) = run.and_then(|run| run.ends()) {
            let clock = &self.deployment.clock;
            clock.sleep_until(end - STOPS_WITHIN).await;
        }
        Ok(stop)
    }

    async fn write_stop(&self, from: Timestamp) -> Result<Option<Run>, Refusal> {
        self.write_held().await?;
        self.update(|run, now| {
            if run.is_over(now) || run.stopped_at.is_some() {
                return false;
            }
            run.stopped_at = Some(from);
            true
        })
        .await
    }

    /// Makes the statistics count anew from now on, also those of a run that is over.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn reset(&self) -> Result<(), Refusal> {
        let _turn = self.turn.lock().await;
        self.write_held().await?;
        self.update(|run, now| {
            run.reset_at = Some(run.reset_at.map_or(now, |before| before.max(now)));
            true
        })
        .await?;
        Ok(())
    }

    /// True while users can be added to a run.
    fn is_on(&self, run: &Run) -> bool {
        let change = match self.deployment.runs.is_alone() {
            true => self.now(),
            false => Run::change_at(&self.deployment.clock),
        };
        run.stopped_at.is_none() && run.ends().is_none_or(|end| end > change)
    }

    /// Begins a change: it holds from now on where one process does all, and else from the first full second
    /// that everybody can know of it for.
    fn begin_change(&self) -> Made {
        if self.deployment.runs.is_alone() {
            Made::Now(self.deployment.runs.begin_change())
        } else {
            Made::At(Run::change_at(&self.deployment.clock))
        }
    }

    /// Makes a change to the newest run, if there is one and `change` says that there is one to make.
    async fn update(
        &self,
        change: impl Fn(&mut Run, Timestamp) -> bool,
    ) -> Result<Option<Run>, Refusal> {
        for _ in 0..ATTEMPTS {
            let Some(mut run) = self.deployment.store.latest_run().await? else {
                return Ok(None);
            };
            if !change(&mut run, self.now()) {
                return Ok(Some(run));
            }
            run.revision += 1;
            match self.deployment.store.put_run(&run).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.deployment.runs.put(run.clone()).await?;
                    return Ok(Some(run));
                }
            }
        }
        Err(Refusal::Contended)
    }

    /// Keeps the user and password of the host that was asked for.
    fn keep_secret(&self, target: &Target) {
        let keyring = self.settings.keyring.as_ref();
        said_host::keep(keyring, None, target.secret.as_ref());
    }

    /// Gives the run that is on another segment, and sends the wake-ups that only this one needs.
    async fn change(&self, request: &SwarmRequest, run: Run) -> Result<Target, Refusal> {
        let before = self.deployment.runs.put(run.clone()).await?;
        let last = run.segments.last().cloned();
        let last = last.as_ref();
        let target = Target::resolve(
            request,
            &Context {
                settings: &self.settings,
                workload: &before.workload,
                running: last.map(classes_of),
                host: last.and_then(|last| last.host.clone()),
            },
        )?;
        if let Some(on) = run.shape() {
            return left_alone(target, &on.name);
        }
        self.keep_secret(&target);
        let kept = self.without_settled(&before.plan).await?;
        let change = self.begin_change();
        if run.ends().is_some_and(|end| end <= change.from()) {
            // it has ended meanwhile: the next look starts another
            return Err(StoreError::Conflict.into());
        }
        let from = match (&change, last) {
            (Made::At(from), Some(last)) => last.from.max(*from),
            // what was due at the very instant of the change before it has begun
            (Made::Now(now), Some(last)) if last.from == now.from() => {
                last.from + Duration::from_micros(1)
            }
            (change, _) => change.from(),
        };
        let mut segments = target.segments(from);
        let keyring = self.settings.keyring.as_ref();
        said_host::note(keyring, &mut segments, &before.workload);
        let first = segments[0].clone();
        let mut changed = Run {
            revision: run.revision + 1,
            ..kept
        };
        if target.shape.is_some() {
            // as in Locust, where a shape is a test of its own
            changed.reset_at = Some(changed.counts_from().max(self.now()));
        }
        // what has not begun yet is replaced
        changed.segments.retain(|segment| segment.from < from);
        changed.segments.extend(segments);
        self.deployment.store.put_run(&changed).await?;
        tracing::info!(
            user_count = first.user_count,
            spawn_rate = first.spawn_rate,
            shape = target.shape,
            "changing the number of users"
        );
        let after = self.deployment.runs.put(changed).await?;
        drop(change);
        self.deployment.heartbeat.turn_on().await?;
        self.deployment.plan_change(&before, &after, from).await?;
        // a run that was about to end had not been planned beyond its end
        self.deployment.plan_ahead().await?;
        Ok(target)
    }
}

/// How a change to a run is made.
enum Made {
    /// Where one process does all: nothing that it concerns is begun until this is dropped.
    Now(Changing),
    At(Timestamp),
}

impl Made {
    /// The first instant that it holds for.
    fn from(&self) -> Timestamp {
        match self {
            Self::Now(changing) => changing.from(),
            Self::At(from) => *from,
        }
    }
}

/// What becomes of a swarm while a shape says how many users there are: as in Locust the shape goes on
/// as if nothing had been asked, unless something else was.
fn left_alone(target: Target, on: &str) -> Result<Target, Refusal> {
    if target.shape.as_deref() == Some(on) {
        tracing::info!(shape = on, "the shape is on already and goes on unchanged");
        return Ok(target);
    }
    let problem = format!(
        "is {on} in the run that is on, which says how many users there are: stop it first"
    );
    Err(InvalidField::new("shape_class", problem).into())
}

fn classes_of(segment: &Segment) -> Vec<String> {
    segment
        .shares
        .iter()
        .map(|share| share.class.clone())
        .collect()
}

fn answer(request: &SwarmRequest, target: &Target) -> Swarmed {
    let chosen = request.user_classes.iter().any(|name| !name.is_empty())
        || request.user_classes_count.is_some();
    Swarmed {
        host: target.host.clone(),
        run_time: request.run_time.filter(|time| !time.is_zero()),
        user_classes: chosen.then(|| target.classes()),
        shape_class: target.shape.clone(),
    }
}
