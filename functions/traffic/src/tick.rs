//! The tick: executes what one block of one class does in one slot.
//!
//! It computes what is due from the run as it is then, sleeps to each iteration's instant, runs them
//! all concurrently on one client, and writes what came of it. A user that is still busy is skipped,
//! and the skip is counted; a tick that is too late leaves its iterations to be counted as missing.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::RngExt as _;
use tokio::sync::watch;

use crate::clock::{Clock, Timestamp};
use crate::credentials::Keyring;
use crate::in_flight::{InFlight, UsersOfRun};
use crate::journal::{Journal, WriteHealth};
use crate::log_throttle::LogThrottle;
use crate::plan::Due;
use crate::ports::{TickStore, WakeUp};
use crate::random::{class_key, mix};
use crate::record::{Bucket, RecordKey};
pub use crate::run::GRAIN;
use crate::run::RunId;
use crate::run_end::RunEnd;
use crate::runs::{LoadedRun, Runs};
use crate::sessions::Sessions;
use crate::telemetry::Observer;
use crate::transport::Transport;
use crate::under_way::Counts;
pub use crate::under_way::UnderWay;

mod agenda;
mod context;
mod execution;
mod hosts;
mod leave;
pub mod marker_rules;
mod markers;
mod parts;
mod planned;
mod report;
mod senders;
mod sending;
mod starts;
mod timing;
mod turns;

use agenda::{Agenda, Copies, slot_ends};
use context::TickContext;
use execution::Execution;
pub use hosts::hosts;
use markers::Markers;
use parts::Parts;
pub use report::{TickError, TickReport};
use senders::Senders;
use sending::Sending;
use starts::Starts;
pub use timing::{PLAN_AHEAD, TOO_LATE, WRITES_NEED, reach};

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
    senders: Arc<Senders>,
    sessions: Arc<Sessions>,
    starts: Starts,
    came_too_late: LogThrottle,
    stop_timeout: Option<Duration>,
    /// Iterations of runs up to this one are cut off.
    cut_off: watch::Sender<Option<RunId>>,
}

impl<S: TickStore, T: Transport> Ticker<S, T> {
    /// A ticker that sends by `transport` and writes to `store`.
    pub fn new(store: Arc<S>, runs: Arc<Runs<S>>, transport: T, clock: Clock) -> Self {
        Self {
            store,
            runs,
            clock,
            transport: Arc::new(transport),
            in_flight: Arc::default(),
            health: Arc::default(),
            senders: Arc::default(),
            sessions: Arc::default(),
            starts: Starts::default(),
            came_too_late: LogThrottle::default(),
            stop_timeout: None,
            cut_off: watch::Sender::new(None),
        }
    }

    /// The same, and `observer` is told of every request and iteration.
    #[must_use]
    pub fn observed_by(self, observer: Option<Arc<dyn Observer>>) -> Self {
        Self {
            senders: Arc::new(Senders::new(observer, self.senders.keyring.clone())),
            ..self
        }
    }

    /// The same, and requests to hosts that `keyring` has credentials for are sent with them.
    #[must_use]
    pub fn with_keyring(self, keyring: Keyring) -> Self {
        Self {
            senders: Arc::new(Senders::new(self.senders.observer.clone(), keyring)),
            ..self
        }
    }

    /// The same, and an iteration may go on for this long when its run has ended; what lasts longer is cut
    /// off. Without a stop timeout a user ends the request that it is in, and begins no other.
    #[must_use]
    pub fn stopping_within(self, stop_timeout: Option<Duration>) -> Self {
        Self {
            stop_timeout,
            ..self
        }
    }

    /// The number of users in an iteration at this moment, turns included.
    pub fn in_flight(&self) -> usize {
        self.in_flight.count()
    }

    /// Since when results cannot be written, if they cannot.
    pub fn failing_since(&self) -> Option<Timestamp> {
        self.health.failing_since()
    }

    /// Why results cannot be written, in the store's words, if they cannot and somebody still tries.
    pub fn trouble(&self) -> Option<String> {
        let is_known = self.health.is_known(self.clock.now());
        self.failing_since()
            .filter(|_| is_known)
            .map(|_| self.health.reason())
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
    /// That is at `deadline` at the latest: no request is given longer than [`WRITES_NEED`] before it,
    /// an iteration with requests left is cut off then, and no write is tried again after it.
    ///
    /// # Errors
    /// See [`TickError`]; nothing was executed then.
    pub async fn run(
        &self,
        wake_up: &WakeUp,
        deadline: Option<Timestamp>,
    ) -> Result<TickReport, TickError> {
        // until its run is known, the slot may begin with the full second
        let full_second = wake_up.slot.full_second();
        self.clock.sleep_until(full_second - PLAN_AHEAD).await;
        let mut copies = self.runs.follow(&wake_up.run).await?;
        let begins = copies.borrow().plan.run().slots().start(wake_up.slot);
        if begins > full_second {
            self.clock.sleep_until(begins - PLAN_AHEAD).await;
            copies = self.runs.follow(&wake_up.run).await?;
        }
        // before anything is planned: what waits for long must not take memory
        self.starts.behind_others().await;
        let Some((run, class, due)) = self.anything_due(wake_up, &mut copies).await else {
            return Ok(TickReport::default());
        };
        let _held = self.clock.hold();
        let now = self.clock.now();
        let left = TickReport {
            left: due.len() as u32,
            ..TickReport::default()
        };
        if now.since(begins) > TOO_LATE {
            return Ok(self.too_late(wake_up, left));
        }
        let certain = || self.runs.certain(self.clock.now());
        let Some(under_way) = self.runs.under_way().enter(run.plan.run(), certain) else {
            return Ok(self.too_late(wake_up, left));
        };
        if self.health.is_hopeless(now) {
            return Err(TickError::NotRecording);
        }
        let sends_until = deadline.map(|deadline| deadline - WRITES_NEED);
        if sends_until.is_some_and(|until| until <= now.max(begins)) {
            return Err(TickError::NoTime);
        }
        let writer = rand::rng().random();
        let counts = Arc::clone(&under_way.counts);
        let parts = self.parts(
            (run, class, copies.clone(), counts),
            wake_up,
            writer,
            deadline,
        )?;
        if !self.store.claim(wake_up, writer).await? {
            tracing::info!(
                class = wake_up.class,
                slot = wake_up.slot.0,
                "a wake-up was delivered again: another execution has the tick"
            );
            return Ok(TickReport::default());
        }
        if wake_up.slot.0.is_multiple_of(TIDY_EVERY) {
            self.in_flight.tidy(now);
        }
        let execution = Execution::new(parts, self.starts.clone());
        Ok(execution.execute(Agenda::new(due), copies).await)
    }

    /// The iterations due by the run as it is now, with the class's number. Where one process does all, a tick
    /// with nothing due waits for a change until its slot ends.
    async fn anything_due(
        &self,
        wake_up: &WakeUp,
        copies: &mut Copies,
    ) -> Option<(Arc<LoadedRun>, usize, Vec<Due>)> {
        loop {
            let run = Arc::clone(&copies.borrow_and_update());
            let class = run.plan.class_number(&wake_up.class)?;
            let due = run.plan.due(class, wake_up.block, wake_up.slot);
            if !due.is_empty() {
                return Some((run, class, due));
            }
            let ends = slot_ends(&run, wake_up.slot);
            let may_change = self.runs.may_change_before(ends) || copies.has_changed().ok()?;
            if !self.runs.is_alone() || !may_change {
                return None;
            }
            tokio::select! {
                changed = copies.changed() => changed.ok()?,
                () = self.runs.until_certain_before(ends) => {}
            }
        }
    }

    /// The parts of an execution whose first copy of the run is `run`.
    fn parts(
        &self,
        (run, class, copies, counts): (Arc<LoadedRun>, usize, Copies, Arc<Counts>),
        wake_up: &WakeUp,
        writer: u64,
        deadline: Option<Timestamp>,
    ) -> Result<Parts<S, T>, TickError> {
        let plan = &run.plan;
        let key = class_key(plan.run().seed, &wake_up.class);
        // tells the users of one run from those of another with the same seed
        let turn_key = mix(key ^ plan.run().created_at.micros());
        let slots = plan.run().slots();
        let begins = slots.start(wake_up.slot).max(plan.run().starts());
        let sender = self.senders.get(&run, class, begins)?;
        let longest_iteration = sender.class().longest_iteration();
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
            first_user: plan.run().block_size.first_user(wake_up.block),
            pending: Mutex::default(),
            settles_at: slots.end(wake_up.slot) + reach(sender.class()),
            deadline,
        };
        let run_end = RunEnd {
            runs: Arc::clone(&self.runs),
            run: wake_up.run.clone(),
            copies,
            clock: self.clock.clone(),
            stop_timeout: self.stop_timeout,
        };
        let tick = Arc::new(TickContext {
            wait: plan.classes()[class].wait,
            run,
            runs: Arc::clone(&self.runs),
            class,
            longest_iteration,
            journal,
            sends_until: deadline.map(|deadline| deadline - WRITES_NEED),
        });
        Ok(Parts {
            markers: Markers::new(Arc::clone(&tick)),
            users: UsersOfRun::new(Arc::clone(&self.in_flight), turn_key, counts),
            sending: Sending {
                tick: Arc::clone(&tick),
                sender,
                senders: Arc::clone(&self.senders),
                sessions: Arc::clone(&self.sessions),
                transport: Arc::clone(&self.transport),
                class_key: key,
                turn_key,
                run_end,
                cut_off: self.cut_off.subscribe(),
            },
            tick,
        })
    }

    /// Says now and then that wake-ups come too late.
    fn too_late(&self, wake_up: &WakeUp, left: TickReport) -> TickReport {
        if let Some(wake_ups) = self.came_too_late.happened() {
            tracing::warn!(
                wake_ups,
                class = wake_up.class,
                slot = wake_up.slot.0,
                "wake-ups came too late: their iterations are missing"
            );
        }
        left
    }
}

#[cfg(test)]
mod tests;
