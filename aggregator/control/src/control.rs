//! The changes that `/swarm`, `/stop` and `/stats/reset` make to the run in the store.
//!
//! Writing a change is [`traffic::deployment::change`]'s part. It holds from an instant that every process knows of in
//! time, so that only the queue has to be told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use statistics::adaptive::{AdaptError, Looked, adapt};
use statistics::state::State;
use traffic::clock::{Clock, Timestamp};
use traffic::deployment::Deployment;
use traffic::deployment::change::{ATTEMPTS, ChangeBegun};
use traffic::fanout::FanOutError;
use traffic::ports::{Heartbeat, HeartbeatError, Queue, Store, StoreError};
use traffic::run::{Run, Segment};
use traffic::run_rules::InvalidField;
use traffic::runs::{LoadedRun, RunError};

use crate::desired_run::{Context, Target};
use crate::iterations;
use crate::request::{SwarmRequest, Swarmed};
use crate::said_host;
use crate::settings::ControlSettings;

mod folding;
mod held_stop;
mod leaving;
mod runs;
pub(crate) mod schedules;
mod start;
pub(crate) mod swarm_form;
pub(crate) mod user;
pub(crate) mod workload_choice;
pub(crate) mod workload_copy;

use workload_copy::WorkloadCopy;

/// The longest time from the answer to `/stop` to the end of the run: with a tick's tolerance for timers, no
/// iteration starts later than two seconds after the answer.
const STOPS_WITHIN: Duration = Duration::from_millis(1900);

/// Changes the newest run, or starts one.
pub struct Control<S, Q, H> {
    settings: ControlSettings,
    deployment: Arc<Deployment<S, Q, H>>,
    /// Held during a change, so that the changes of this process do not conflict with each other.
    turn: tokio::sync::Mutex<()>,
    /// The host of the last `/swarm` to this process; `None` before the first one.
    asked: Mutex<Option<Option<String>>>,
    workload_copy: WorkloadCopy,
    /// The reason why a held stop is not written yet, if there is one.
    unwritten_stop: Mutex<Option<String>>,
    /// True once the process begins nothing more, because it is about to end.
    is_leaving: AtomicBool,
}

/// The reason why a request was refused, or done in part only.
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
    /// The process is about to end; nothing was changed.
    #[error("cicada is ending, and the run that is on goes on at its next start: try again then")]
    Leaving,
    /// The stop could not be written, so other processes do not know of it.
    #[error("the run is not stopped, and its traffic goes on: try again, for {0}")]
    NotStopped(StoreError),
    /// The run was changed, but the heartbeat may be off.
    #[error("the run was changed, but {0}: try again")]
    Heartbeat(#[from] HeartbeatError),
    /// A run that is on cannot be deleted; nothing was changed.
    #[error("the run is on: stop it first, and delete it once it is stopped")]
    IsOn,
    /// The schedules could not be read or written; nothing was changed.
    #[error("the schedules cannot be read or written: try again")]
    Schedules(#[source] HeartbeatError),
    /// The run was changed, but traffic may take a minute to follow.
    #[error("the run was changed, but its traffic is late: {0}")]
    FanOut(#[from] FanOutError),
}

/// The notes that a run keeps: every process reads them again and again with the run.
const NOTES: usize = 20;

/// The most characters of a note.
const NOTE_CHARS: usize = 100;

/// The outcome of a stop.
#[derive(Debug)]
pub enum Stop {
    /// The store has the stop, or there was nothing to stop.
    Written,
    /// Nothing more is sent, but the stop could not be written yet, for this reason.
    Held(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<RunError> for Refusal {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(StoreError::Conflict) => Self::Contended,
            RunError::Store(error) => Self::Store(error),
            other => Self::Run(other),
        }
    }
}

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// The control of the runs that `deployment` plans; fails as [`ControlSettings::checked`] does.
    pub fn new(
        settings: ControlSettings,
        deployment: Arc<Deployment<S, Q, H>>,
    ) -> Result<Self, InvalidField> {
        Ok(Self {
            settings: settings.checked()?,
            deployment,
            turn: tokio::sync::Mutex::default(),
            asked: Mutex::default(),
            workload_copy: WorkloadCopy::default(),
            unwritten_stop: Mutex::default(),
            is_leaving: AtomicBool::new(false),
        })
    }

    /// The settings, with the users and passwords of hosts in the keyring.
    pub fn settings(&self) -> &ControlSettings {
        &self.settings
    }

    /// The clock of the runs.
    pub fn clock(&self) -> &Clock {
        &self.deployment.clock
    }

    /// The present, by the clock of the runs.
    pub fn now(&self) -> Timestamp {
        self.deployment.clock.now()
    }

    /// The state of a run, as far as this process knows: a run that is over counts as stopped where other processes
    /// execute it.
    pub fn state(&self, run: Option<&LoadedRun>) -> State {
        let is_settled = run.is_none_or(|run| self.is_settled(run.plan.run()));
        State::of(run, self.now(), is_settled)
    }

    /// True if no result of a run that is over can still come, as far as this process knows.
    pub fn is_settled(&self, run: &Run) -> bool {
        let runs = &self.deployment.runs;
        !runs.is_alone() || runs.under_way().is_quiet(run, self.now())
    }

    /// The newest run, from a copy that is at most a second old.
    pub async fn run(&self) -> Result<Option<Arc<LoadedRun>>, Refusal> {
        Ok(self.deployment.runs.latest().await?)
    }

    /// The host of the last `/swarm`, or the configured one.
    pub fn host(&self) -> Option<String> {
        let asked = self.asked.lock();
        asked.clone().unwrap_or_else(|| self.settings.host.clone())
    }

    /// Starts a run, or changes the one that is on: its users, classes, hosts and run time.
    ///
    /// As in Locust, a new run time counts from now, and a request without one makes the run endless again.
    pub async fn swarm(&self, request: SwarmRequest) -> Result<Swarmed, Refusal> {
        let _turn = self.turn.lock().await;
        if self.is_leaving.load(Ordering::Relaxed) {
            return Err(Refusal::Leaving);
        }
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

    /// Ends the run that is on; without one there is nothing to do.
    ///
    /// Where one process executes everything, the run ends at once. A stop that cannot be written holds there all the
    /// same, and [`Control::write_held_stops`] must be called until it is written. Elsewhere `stop` returns up to 0.6 s
    /// later, so that no iteration starts more than two seconds after its return.
    pub async fn stop(&self) -> Result<Stop, Refusal> {
        let turn = self.turn.lock().await;
        let change = self.deployment.begin_change();
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
        let stop = |run: &mut Run, now| {
            let goes_on = !run.is_over(now) && run.stopped_at.is_none();
            if goes_on {
                run.stopped_at = Some(from);
            }
            goes_on
        };
        Ok(self.deployment.update(stop).await?)
    }

    /// Makes the statistics count anew from now on, also those of a run that is over.
    pub async fn reset(&self) -> Result<(), Refusal> {
        let _turn = self.turn.lock().await;
        self.write_held().await?;
        let reset = |run: &mut Run, now| {
            let before = run.reset_at;
            run.reset(before.map_or(now, |before: Timestamp| before.max(now)));
            true
        };
        self.deployment.update(reset).await?;
        Ok(())
    }

    /// Leaves a note on the newest run, and says at which instant; of many only the newest `NOTES` are kept.
    pub async fn note(&self, text: &str) -> Result<Timestamp, Refusal> {
        let length = text.chars().count();
        if !(1..=NOTE_CHARS).contains(&length) || text.contains(char::is_control) {
            let problem = format!("must be one line of 1 to {NOTE_CHARS} characters");
            return Err(InvalidField::new("text", problem).into());
        }
        self.mark(text).await?.ok_or_else(|| {
            let problem = "belongs to a run, and there is none yet: start one first";
            InvalidField::new("text", problem).into()
        })
    }

    /// Leaves a marker on the newest run, and says at which instant, if there is a run.
    pub(crate) async fn mark(&self, text: &str) -> Result<Option<Timestamp>, Refusal> {
        let _turn = self.turn.lock().await;
        self.write_held().await?;
        let note = |run: &mut Run, now: Timestamp| {
            run.notes.push((now.micros().to_string(), text.to_owned()));
            let excess = run.notes.len().saturating_sub(NOTES);
            run.notes.drain(..excess);
            true
        };
        let noted = self.deployment.update(note).await?;
        let latest = noted.as_ref().and_then(|run| run.noted().last());
        Ok(latest.map(|(at, _)| at))
    }

    /// Ends the newest run if it does not obey the rules of this process: see [`Deployment::end_what_does_not_fit`].
    pub async fn end_what_does_not_fit(&self) -> Result<bool, Refusal> {
        let _turn = self.turn.lock().await;
        let rules = &self.settings.rules;
        Ok(self.deployment.end_what_does_not_fit(rules).await?)
    }

    /// Decides on a step of an adaptive load that is over: see [`adapt`]. To be called about once a second, and seldom while
    /// nothing climbs.
    pub async fn adapt(&self) -> Result<Looked, AdaptError> {
        adapt(&self.deployment, &self.settings.rules.limits, &self.turn).await
    }

    /// True while users can be added to a run.
    fn is_on(&self, run: &Run) -> bool {
        let change = match self.deployment.runs.is_alone() {
            true => self.now(),
            false => Run::change_at(&self.deployment.clock),
        };
        run.stopped_at.is_none() && run.ends().is_none_or(|end| end > change)
    }

    /// Keeps the user and password of the host that was asked for.
    fn keep_secret(&self, target: &Target) {
        let keyring = self.settings.rules.keyring.as_ref();
        said_host::keep(keyring, None, target.secret.as_ref());
    }

    /// Gives the run that is on another segment, and sends the wake-ups that only this segment needs.
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
        let limit = iterations::limit(request.iterations, Some(&run))?;
        self.keep_secret(&target);
        let kept = self.without_settled(&before.plan).await?;
        let change = self.deployment.begin_change();
        if run.ends().is_some_and(|end| end <= change.from()) {
            // the run has ended meanwhile: the next try starts another
            return Err(StoreError::Conflict.into());
        }
        let from = match (&change, last) {
            (ChangeBegun::At(from), Some(last)) => last.from.max(*from),
            // iterations that were due at the very instant of the change before have begun
            (ChangeBegun::Now(now), Some(last)) if last.from == now.from() => {
                last.from + Duration::from_micros(1)
            }
            (change, _) => change.from(),
        };
        let mut segments = target.segments(from);
        let keyring = self.settings.rules.keyring.as_ref();
        said_host::note(keyring, &mut segments, &before.workload);
        let first = segments[0].clone();
        let mut changed = Run {
            revision: run.revision + 1,
            ..kept
        };
        if target.shape.is_some() {
            // as in Locust, where a shape is a test by itself
            changed.reset(changed.counts_from().max(self.now()));
        }
        // segments that have not begun yet are replaced
        changed.segments.retain(|segment| segment.from < from);
        changed.segments.extend(segments);
        changed.iterations = limit;
        let changed = iterations::within(changed, &before.workload)?;
        self.deployment.store.put_run(&changed).await?;
        tracing::info!(
            shape = target.shape,
            "Ramping to {} users at a rate of {:.2} per second",
            first.user_count,
            first.spawn_rate,
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

/// The answer to a swarm while a shape is on: as in Locust the shape goes on unchanged, unless the swarm asks for
/// something else.
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
    let classes = segment.shares.iter().map(|share| share.class.clone());
    classes.collect()
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
