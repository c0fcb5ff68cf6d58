//! The tick: executes what one block of one class does in one slot.
//!
//! It computes what is due from the run as it is then, sleeps to each iteration's instant, runs them
//! all concurrently on one client, and writes what came of it. A user that is still busy is skipped,
//! and the skip is counted; a tick that is too late leaves its iterations to be counted as missing.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use reqwest::Url;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::{Clock, Timestamp};
use crate::in_flight::{Busy, InFlight, UserKey};
use crate::iteration::{Sender, Turn};
use crate::journal::{Journal, WriteHealth};
use crate::plan::Due;
use crate::ports::{Marker, Store, WakeUp};
use crate::random::{class_key, mix};
use crate::record::{Bucket, Fate, RecordKey};
use crate::run::RunId;
use crate::runs::{LoadedRun, RunError, Runs};
use crate::transport::Transport;
use crate::workload::{Wait, base_url};

/// A wake-up that arrives later than this after its slot's beginning is not executed.
pub const TOO_LATE: Duration = Duration::from_secs(30);

/// How long before its slot a tick computes what is due; see [`crate::run::CHANGE_LEAD`].
pub const PLAN_AHEAD: Duration = Duration::from_millis(500);

/// What is due in a run's last moment may wake a little after its end, by the grain of timers.
const GRAIN: Duration = Duration::from_millis(100);

/// While writes have been failing for longer than this, nothing is sent that could not be recorded.
const WRITES_MAY_FAIL_FOR: Duration = Duration::from_secs(10);

/// Idle turns are tidied away about once in this many ticks.
const TIDY_EVERY: u64 = 512;

/// Executes ticks; one for the lifetime of a process.
pub struct Ticker<S, T> {
    store: Arc<S>,
    runs: Arc<Runs<S>>,
    clock: Clock,
    transport: Arc<T>,
    in_flight: Arc<InFlight>,
    health: Arc<WriteHealth>,
    senders: Mutex<HashMap<SenderKey, Arc<Sender>>>,
    warm: Mutex<HashMap<Url, Arc<AtomicBool>>>,
    /// Iterations of runs up to this one are cut off.
    cut_off: watch::Sender<Option<RunId>>,
}

/// Workload version, class, base URL.
type SenderKey = (String, usize, Url);

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickReport {
    /// Iterations that were executed to their end, or turns.
    pub executed: u32,
    /// Iterations whose user was still busy.
    pub skipped: u32,
    /// Iterations that were due and not started, because the run was over or the tick too late.
    pub left: u32,
}

/// Why a tick was not executed; its iterations show as missing.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// The run could not be had.
    #[error("tick has no run")]
    Run(#[from] RunError),
    /// Results could not be written for a while.
    #[error("nothing is sent while results cannot be written")]
    NotRecording,
    /// The run names a host that is no URL.
    #[error("host {0:?} of the run is not a URL")]
    Host(String),
}

impl<S: Store, T: Transport> Ticker<S, T> {
    /// A ticker that sends by `transport` and writes to `store`.
    pub fn new(store: Arc<S>, runs: Arc<Runs<S>>, transport: T, clock: Clock) -> Self {
        Self {
            store,
            runs,
            clock,
            transport: Arc::new(transport),
            in_flight: Arc::default(),
            health: Arc::default(),
            senders: Mutex::default(),
            warm: Mutex::default(),
            cut_off: watch::Sender::new(None),
        }
    }

    /// How many users are in an iteration at this moment, turns included.
    pub fn in_flight(&self) -> usize {
        self.in_flight.count()
    }

    /// Since when results cannot be written, if they cannot.
    pub fn failing_since(&self) -> Option<Timestamp> {
        self.health.failing_since()
    }

    /// Why results cannot be written, in the store's words, if they cannot.
    pub fn trouble(&self) -> Option<String> {
        self.failing_since().map(|_| self.health.reason())
    }

    /// Requests that were sent and whose results had to be given up, since this process started.
    pub fn lost_requests(&self) -> u64 {
        self.health.lost_requests()
    }

    /// Cuts off what is still in flight of a run and of those before it: the stop timeout.
    pub fn cut_off(&self, run: &RunId) {
        self.cut_off.send_replace(Some(run.clone()));
    }

    /// Executes a tick; returns when all of its iterations have ended and are written.
    ///
    /// # Errors
    /// See [`TickError`]; nothing was executed then.
    pub async fn run(&self, wake_up: &WakeUp) -> Result<TickReport, TickError> {
        let begins = wake_up.slot.start();
        self.clock.sleep_until(begins - PLAN_AHEAD).await;
        let run = self.runs.get(&wake_up.run).await?;
        let Some(class) = run.plan.class_number(&wake_up.class) else {
            return Ok(TickReport::default());
        };
        let due = run.plan.due(class, wake_up.block, wake_up.slot);
        if due.is_empty() {
            return Ok(TickReport::default());
        }
        let now = self.clock.now();
        if now.since(begins) > TOO_LATE || run.plan.run().is_over(now - GRAIN) {
            tracing::warn!(
                class = wake_up.class,
                slot = wake_up.slot.0,
                "wake-up came too late"
            );
            return Ok(TickReport {
                left: due.len() as u32,
                ..TickReport::default()
            });
        }
        if self
            .failing_since()
            .is_some_and(|since| now.since(since) > WRITES_MAY_FAIL_FOR)
        {
            return Err(TickError::NotRecording);
        }
        let execution = self.execution(run, class, wake_up)?;
        if wake_up.slot.0.is_multiple_of(TIDY_EVERY) {
            self.in_flight.tidy(now);
        }
        Ok(execution.execute(due).await)
    }

    fn execution(
        &self,
        run: Arc<LoadedRun>,
        class: usize,
        wake_up: &WakeUp,
    ) -> Result<Execution<S, T>, TickError> {
        let plan = &run.plan;
        let writer = rand::rng().random();
        let key = class_key(plan.run().seed, &wake_up.class);
        let journal = Journal {
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
            health: Arc::clone(&self.health),
            key: RecordKey {
                run: wake_up.run.clone(),
                bucket: Bucket(0),
                class: Arc::clone(&plan.classes()[class].name),
                block: wake_up.block,
                slot: wake_up.slot,
                writer,
                sequence: 0,
            },
            pending: Mutex::default(),
        };
        let turn_key = mix(key ^ plan.run().created_at.micros());
        Ok(Execution(Arc::new(Shared {
            sender: self.sender(&run, class, wake_up)?,
            wait: plan.classes()[class].wait,
            run,
            class_key: key,
            turn_key,
            journal,
            transport: Arc::clone(&self.transport),
            in_flight: Arc::clone(&self.in_flight),
            markers: Mutex::default(),
            cut_off: self.cut_off.subscribe(),
        })))
    }

    /// The class with the host that the run's segment gives it.
    fn sender(
        &self,
        run: &LoadedRun,
        class: usize,
        wake_up: &WakeUp,
    ) -> Result<Arc<Sender>, TickError> {
        let segment = run.plan.segment(wake_up.slot);
        let mut hosts = segment.iter().flat_map(|segment| &segment.hosts);
        let base = match hosts.find(|(name, _)| *name == wake_up.class) {
            Some((_, host)) => base_url(host).map_err(|_| TickError::Host(host.clone()))?,
            None => run.workload.classes()[class].host().url().clone(),
        };
        let key = (run.workload.version().to_owned(), class, base.clone());
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = senders.get(&key) {
            return Ok(Arc::clone(sender));
        }
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        let warm = Arc::clone(warm.entry(base.clone()).or_default());
        let sender = Arc::new(Sender::new(Arc::clone(&run.workload), class, base, warm));
        // other versions are not in use any more
        senders.retain(|(version, ..), _| *version == key.0);
        senders.insert(key, Arc::clone(&sender));
        Ok(sender)
    }
}

/// One execution of one tick.
struct Execution<S, T>(Arc<Shared<S, T>>);

struct Shared<S, T> {
    sender: Arc<Sender>,
    wait: Wait,
    run: Arc<LoadedRun>,
    class_key: u64,
    /// Tells the users of one run from those of another with the same seed.
    turn_key: u64,
    journal: Journal<S>,
    transport: Arc<T>,
    in_flight: Arc<InFlight>,
    /// The block's markers, and when they were read.
    markers: Mutex<(Timestamp, Vec<Marker>)>,
    cut_off: watch::Receiver<Option<RunId>>,
}

impl<S: Store, T: Transport> Execution<S, T> {
    async fn execute(&self, due: Vec<Due>) -> TickReport {
        let mut report = TickReport::default();
        let mut started = JoinSet::new();
        for item in due {
            let knows_who_is_busy = self.0.read_markers(item.at).await;
            self.0.journal.clock.sleep_until(item.at).await;
            let shared = Arc::clone(&self.0);
            let is_over = (self.0.run.plan.run()).is_over(self.0.journal.clock.now() - GRAIN);
            if is_over || !knows_who_is_busy {
                report.left += 1;
            } else if let Wait::Constant(rest) = self.0.wait {
                started.spawn(async move { shared.turns(item, rest).await });
            } else if let Some(busy) = self.0.take(item.user) {
                started.spawn(async move { shared.iteration(item, busy).await });
            } else {
                self.0
                    .journal
                    .iteration(item.user, item.ordinal, Fate::Skipped);
                report.skipped += 1;
            }
        }
        report.executed = started.len() as u32;
        while !started.is_empty() {
            let flush_at = self.0.journal.due();
            tokio::select! {
                ended = started.join_next() => {
                    if let Some(Err(error)) = ended {
                        tracing::error!(%error, "an iteration broke off: it is missing");
                    }
                }
                () = self.0.sleep_until(flush_at) => self.0.journal.flush().await,
            }
        }
        self.0.journal.flush().await;
        report
    }
}

impl<S: Store, T: Transport> Shared<S, T> {
    fn key(&self, user: u32) -> UserKey {
        (self.turn_key, user)
    }

    /// Takes a user, unless it is busy here or elsewhere.
    fn take(&self, user: u32) -> Option<Busy> {
        if self.is_busy_elsewhere(user) {
            None
        } else {
            self.in_flight.start(self.key(user))
        }
    }

    fn is_busy_elsewhere(&self, user: u32) -> bool {
        let now = self.journal.clock.now();
        let (_, markers) = &*self.markers();
        markers
            .iter()
            .any(|marker| marker.user == user && marker.until > now)
    }

    /// Reads who is busy in other processes, late enough for what starts at `at`: a marker is
    /// written a lead before it matters, and has half of it to arrive. False if it cannot be read.
    async fn read_markers(&self, at: Timestamp) -> bool {
        let lead = self.journal.store.marker_lead();
        let soon_enough = at - lead / 2;
        if lead.is_zero() || self.markers().0 >= soon_enough {
            return true;
        }
        self.journal.clock.sleep_until(soon_enough).await;
        let RecordKey {
            run, class, block, ..
        } = &self.journal.key;
        match self.journal.store.markers(run, class, *block).await {
            Ok(markers) => {
                *self.markers() = (self.journal.clock.now(), markers);
                true
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    class = &**class,
                    "who is busy is not known: nothing starts"
                );
                false
            }
        }
    }

    fn markers(&self) -> MutexGuard<'_, (Timestamp, Vec<Marker>)> {
        self.markers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep_until(&self, instant: Option<Timestamp>) {
        match instant {
            Some(instant) => self.journal.clock.sleep_until(instant).await,
            None => std::future::pending().await,
        }
    }

    /// One iteration whose instant the plan has set.
    async fn iteration(&self, item: Due, busy: Busy) {
        let turn = Turn {
            class_key: self.class_key,
            user: item.user,
            iteration: item.iteration,
            planned_at: Some(item.at),
        };
        let next = item.at + shortest(self.wait);
        let fate = self
            .marked(item.user, next, self.or_cut_off(self.send(turn)))
            .await;
        // noted before the user is free again, so that no later entry can come first
        self.journal.iteration(item.user, item.ordinal, fate);
        drop(busy);
    }

    /// A user's turn under `constant`: it loops until the turn ends, each time after the response.
    async fn turns(&self, item: Due, rest: Duration) {
        let turn = self.in_flight.turn(self.key(item.user));
        let clock = &self.journal.clock;
        let mut fate = Fate::Done;
        // the turn before may still be in a response: then this one is for waiting
        let mut taken = None;
        tokio::select! {
            biased;
            guard = turn.lock_owned() => taken = Some(guard),
            () = clock.sleep_until(item.until) => {}
        }
        if let Some(mut earliest) = taken {
            let _busy = self.in_flight.start(self.key(item.user));
            let stop = item.until - self.journal.store.marker_lead();
            let mut iteration = item.iteration;
            while (*earliest).max(clock.now()) < stop && !self.is_busy_elsewhere(item.user) {
                clock.sleep_until(*earliest).await;
                let turn = Turn {
                    class_key: self.class_key,
                    user: item.user,
                    iteration,
                    planned_at: None,
                };
                fate = self
                    .marked(item.user, item.until, self.or_cut_off(self.send(turn)))
                    .await;
                if fate == Fate::CutOff {
                    break;
                }
                iteration += 1;
                *earliest = clock.now() + rest;
                // a response that is there at once must not keep the other users from their turn
                tokio::task::consume_budget().await;
            }
        }
        self.journal.iteration(item.user, item.ordinal, fate);
    }

    async fn send(&self, turn: Turn) {
        self.sender
            .iterate(&*self.transport, &self.journal, turn)
            .await;
    }

    /// Ends with the iteration, or when its run is cut off.
    async fn or_cut_off(&self, iteration: impl Future<Output = ()>) -> Fate {
        let mut cut_off = self.cut_off.clone();
        let run = &self.journal.key.run;
        tokio::select! {
            biased;
            () = iteration => Fate::Done,
            _ = cut_off.wait_for(|cut| cut.as_ref().is_some_and(|cut| cut >= run)) => Fate::CutOff,
        }
    }

    /// Says in the store that the user is busy, if it still is when that must be seen elsewhere for
    /// its next iteration at `next`.
    async fn marked(
        &self,
        user: u32,
        next: Timestamp,
        iteration: impl Future<Output = Fate>,
    ) -> Fate {
        let store = &self.journal.store;
        let clock = &self.journal.clock;
        let lead = store.marker_lead();
        if lead.is_zero() {
            // all ticks share this process, which knows by itself
            return iteration.await;
        }
        let mut iteration = std::pin::pin!(iteration);
        tokio::select! {
            biased;
            fate = &mut iteration => return fate,
            () = clock.sleep_until(next - lead) => {}
        }
        let marker = Marker {
            run: self.journal.key.run.clone(),
            class: self.journal.key.class.as_ref().into(),
            user,
            writer: self.journal.key.writer,
            until: clock.now() + self.sender.class().longest_iteration(),
        };
        if let Err(error) = store.put_marker(&marker).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(
                error,
                class = marker.class,
                user,
                "a busy user could not be marked"
            );
        }
        let fate = iteration.await;
        if let Err(error) = store.clear_marker(&marker).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(
                error,
                class = marker.class,
                user,
                "a marker stays until its deadline"
            );
        }
        fate
    }
}

/// The shortest time between a user's iterations that the plan may set.
fn shortest(wait: Wait) -> Duration {
    match wait {
        Wait::Between { min, .. } => min,
        Wait::ConstantPacing(pacing) => pacing,
        Wait::Constant(_) | Wait::Poisson(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests;
