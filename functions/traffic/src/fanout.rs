//! The fan-out: wake-ups for every tick that has anything due, a minute or some ahead.
//!
//! It is called by the heartbeat at any second of a minute, at least once, and by whoever starts or
//! changes a run. It plans up to the end of the minute that the heartbeat's reach ends in. It notes after each
//! stride how far it got: ten seconds of what is due soon, a minute of what is not. So a second firing for the same minute finds nothing to do, one after a death goes on, and
//! of two at the same instant one ends at the first note. What was sent twice is executed once, since a tick is
//! claimed: it costs messages, a stride of them at most. When the run is over it switches the heartbeat
//! off.
//!
//! `plan_ahead` reads `planned_until` before it reads the run; `plan_change` first lowers `planned_until`. So a
//! fan-out with an old copy of the run always fails its conditional write.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Slot, Timestamp};
use crate::deployment::Deployment;
use crate::plan::Plan;
use crate::ports::{
    Heartbeat, HeartbeatError, PlannedWakeUp, ProgressStore, Queue, QueueError, RunStore,
    StoreError, WakeUp,
};
use crate::runs::{LoadedRun, RunError};
use crate::tick::TOO_LATE;

/// Seconds that are planned in one go, between two notes of how far it got.
pub const STRIDE: u64 = 10;

/// The same of slots that begin later than `FAR` from now, which the next fan-out would be in time for.
pub const FAR_STRIDE: u64 = 60;

/// No fan-out on one machine plans as far ahead, and every one on AWS does.
const FAR: Duration = Duration::from_secs(120);

/// Wake-ups that are sent in one go at most, so that a queue can fill its batches; some megabytes.
const CHUNK: usize = 10_000;

/// Ticks that begin this soon are sent slot by slot: they must not wait for later ones.
const SOON: Duration = Duration::from_secs(5);

/// Ticks in the first slots of a run are sent this late if writing the run down took long.
const STARTS_LATE: Duration = Duration::from_secs(5);

/// The most tries to tell a change to a plan that others keep moving on.
const ATTEMPTS: usize = 10;

/// The result of a fan-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FanOutReport {
    /// There is no run, or it is over; the heartbeat is off.
    Idle,
    /// The run is over, but wake-ups of it may still be executed, and so the heartbeat stays on.
    Ending,
    /// Wake-ups were sent.
    Planned {
        /// Their number.
        wake_ups: usize,
        /// The first slot that is left for the next time.
        until: Slot,
    },
}

/// Why a fan-out did not finish; what it had sent is noted, the rest is for the next time.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum FanOutError {
    #[error("fan-out has no run")]
    Run(#[from] RunError),
    #[error("fan-out cannot note how far it got")]
    Store(#[from] StoreError),
    #[error("fan-out cannot send")]
    Queue(#[from] QueueError),
    #[error("fan-out cannot end the run")]
    Heartbeat(#[from] HeartbeatError),
}

impl<S: RunStore + ProgressStore, Q: Queue, H: Heartbeat> Deployment<S, Q, H> {
    /// Plans the newest run to the end of the minute that [`Heartbeat::reach`] from now lies in.
    ///
    /// # Errors
    /// See [`FanOutError`]; calling it again is safe.
    pub async fn plan_ahead(&self) -> Result<FanOutReport, FanOutError> {
        let now = self.clock.now();
        let known = match self.run_that_is_on(now).await? {
            Ok(known) => known,
            Err(ended) if ended.is_some_and(|ended| now.since(ended) < self.comes_late()) => {
                return Ok(FanOutReport::Ending);
            }
            Err(_) => {
                self.heartbeat.turn_off().await?;
                // a run that has begun meanwhile may have switched on before this switched off
                let Ok(begun) = self.run_that_is_on(self.clock.now()).await? else {
                    return Ok(FanOutReport::Idle);
                };
                self.heartbeat.turn_on().await?;
                begun
            }
        };
        let id = &known.plan.run().id;
        let mut noted = self.store.planned_until(id).await?;
        // in this order: see the top of the file
        let run = match self.store.run(id).await? {
            Some(run) => self.runs.put(run).await?,
            None => known,
        };
        let run = &run.plan;
        let reached = now + self.heartbeat.reach();
        let horizon = Slot((reached.full_second().0 / 60 + 1) * 60);
        let end = run.run().end_slot().map_or(horizon, |end| end.min(horizon));
        let mut from = self.first_to_send(run, noted);
        let mut wake_ups = 0;
        while from < end {
            let is_far = run.run().slots().start(from) > now + FAR;
            let stride = if is_far { FAR_STRIDE } else { STRIDE };
            let until = from.plus(stride).min(end);
            wake_ups += self.send(run, from, until, None).await?;
            if !(self.store.advance_planned(&run.run().id, noted, until)).await? {
                // another fan-out is at it, or a change
                break;
            }
            noted = Some(until);
            from = until;
        }
        Ok(FanOutReport::Planned {
            wake_ups,
            until: noted.unwrap_or(from),
        })
    }

    /// The first slot that is not planned and can still be executed.
    fn first_to_send(&self, plan: &Plan, noted: Option<Slot>) -> Slot {
        let starts = plan.run().first_slot();
        let Some(noted) = noted else {
            // a run that was written down slowly has begun meanwhile: late is better than missing
            let late = plan.run().slots().of(self.clock.now() - STARTS_LATE);
            return starts.max(late).max(self.not_begun_before(plan));
        };
        noted.max(starts).max(self.earliest(plan))
    }

    /// The newest run, unless it is over, or else when it ended; that is asked of the store itself, since the
    /// heartbeat of a run that was just started must not be switched off.
    pub(crate) async fn run_that_is_on(
        &self,
        now: Timestamp,
    ) -> Result<Result<Arc<LoadedRun>, Option<Timestamp>>, FanOutError> {
        let known = self.runs.latest().await?;
        if let Some(run) = known.filter(|run| !run.plan.run().is_over(now)) {
            return Ok(Ok(run));
        }
        match self.store.latest_run().await? {
            Some(run) if !run.is_over(now) => Ok(Ok(self.runs.put(run).await?)),
            over => Ok(Err(over.and_then(|run| run.ends()))),
        }
    }

    /// Wake-ups of a run that is over are executed until so long after its end; where one process does all, none waits.
    fn comes_late(&self) -> Duration {
        if self.runs.is_alone() {
            Duration::ZERO
        } else {
            TOO_LATE
        }
    }

    /// Sends what a changed run needs from the slot of the change on, which may have begun where one
    /// process does all, and the run before did not, as far
    /// as that was planned already; what lies beyond is for [`Deployment::plan_ahead`], which must follow.
    ///
    /// The changed run must be in the store. Should this die, what was planned is taken back, so the
    /// next fan-out sends all of it.
    ///
    /// # Errors
    /// See [`FanOutError`]; calling it again is safe.
    pub async fn plan_change(
        &self,
        before: &LoadedRun,
        after: &LoadedRun,
        from: Timestamp,
    ) -> Result<usize, FanOutError> {
        let (before, after) = (&before.plan, &after.plan);
        let id = &after.run().id;
        let lacking = after.run().slots().of(from).max(self.earliest(after));
        for _ in 0..ATTEMPTS {
            let noted = self.store.planned_until(id).await?;
            let planned = self.first_to_send(after, noted);
            let taken_back = lacking.min(planned.minus(1));
            if !(self.store.advance_planned(id, noted, taken_back)).await? {
                continue;
            }
            let mut sent = self.send(after, lacking, planned, Some(before)).await?;
            // a slot more than was noted: who has read that note must not find it again
            let further = planned.plus(1);
            sent += self.send(after, planned, further, None).await?;
            // or else somebody who knows the changed run goes on from what was taken back
            let moved_on = self.store.advance_planned(id, Some(taken_back), further);
            moved_on.await?;
            return Ok(sent);
        }
        Err(StoreError::Conflict.into())
    }

    /// Sends again what was planned from now on: for a queue that forgets when its process ends.
    ///
    /// # Errors
    /// See [`FanOutError`]; calling it again is safe.
    pub async fn plan_again(&self) -> Result<usize, FanOutError> {
        let Some(run) = self.runs.latest().await? else {
            return Ok(0);
        };
        let planned = self.store.planned_until(&run.plan.run().id).await?;
        let from = self.earliest(&run.plan).max(run.plan.run().first_slot());
        let until = planned.unwrap_or(from);
        Ok(self.send(&run.plan, from, until, None).await?)
    }

    /// The first slot that can still be executed: the present one, but not one that a process before
    /// this one may have begun.
    fn earliest(&self, plan: &Plan) -> Slot {
        let present = plan.run().slots().of(self.clock.now());
        let first = self.not_begun_before(plan);
        // a moment ago at most, while this process started, or at any time before
        if present <= first.plus(1) {
            first
        } else {
            present
        }
    }

    /// The first slot that no process before this one may have begun.
    fn not_begun_before(&self, plan: &Plan) -> Slot {
        let opened = self.store.quiet_before();
        opened.map_or(Slot(0), |opened| plan.run().slots().of(opened).plus(1))
    }

    /// Sends the wake-ups of some slots, except those that `already` has; how many.
    async fn send(
        &self,
        plan: &Plan,
        from: Slot,
        until: Slot,
        already: Option<&Plan>,
    ) -> Result<usize, QueueError> {
        let slots = plan.run().slots();
        let soon = slots.of(self.clock.now() + SOON);
        let mut sent = 0;
        let mut batch = Vec::new();
        for slot in (from.0..until.0).map(Slot) {
            let mut ticks = plan.ticks_with_users(slot);
            if let Some(already) = already {
                let known: HashSet<_> = already.ticks(slot).into_iter().collect();
                ticks.retain(|&(class, block, _)| !known.contains(&(class, block)));
            }
            sent += ticks.len();
            for (class, block, users) in ticks {
                let wake_up = WakeUp {
                    run: plan.run().id.clone(),
                    class: plan.classes()[class].name.as_ref().into(),
                    block,
                    slot,
                };
                batch.push(PlannedWakeUp { wake_up, users });
                if batch.len() >= CHUNK {
                    (self.queue.send(slots, std::mem::take(&mut batch))).await?;
                }
            }
            if slot <= soon && !batch.is_empty() {
                (self.queue.send(slots, std::mem::take(&mut batch))).await?;
            }
            // a long ramp of many users must not hold up the ticks that are due meanwhile
            tokio::task::yield_now().await;
        }
        if !batch.is_empty() {
            self.queue.send(slots, batch).await?;
        }
        Ok(sent)
    }
}
