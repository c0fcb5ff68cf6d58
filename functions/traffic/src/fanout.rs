//! The fan-out: wake-ups for every tick that has anything due, a minute ahead.
//!
//! It is called by the heartbeat at any second of a minute, at least once, and by whoever starts or
//! changes a run. It plans up to the end of the next minute and remembers how far it got, so a second
//! firing for the same minute finds nothing to do. When the run is over it switches the heartbeat off.

use std::collections::HashSet;
use std::sync::Arc;

use crate::clock::{Clock, Slot, Timestamp};
use crate::plan::Plan;
use crate::ports::{Heartbeat, HeartbeatError, Queue, QueueError, Store, StoreError, WakeUp};
use crate::runs::{LoadedRun, RunError, Runs};

/// Seconds that are planned in one go, between two notes of how far it got.
const STRIDE: u64 = 10;

/// What a fan-out needs.
pub struct FanOut<S, Q, H> {
    /// Where it notes how far it got.
    pub store: Arc<S>,
    /// Where the wake-ups go.
    pub queue: Arc<Q>,
    /// What is switched off when the run is over.
    pub heartbeat: Arc<H>,
    /// The runs.
    pub runs: Arc<Runs<S>>,
    /// The time.
    pub clock: Clock,
}

/// What a fan-out did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FanOutReport {
    /// There is no run, or it is over; the heartbeat is off.
    Idle,
    /// Wake-ups were sent.
    Planned {
        /// How many.
        wake_ups: usize,
        /// The first slot that is left for the next time.
        until: Slot,
    },
}

/// Why a fan-out did not finish; what it had sent is noted, the rest is for the next time.
#[derive(Debug, thiserror::Error)]
pub enum FanOutError {
    /// The run could not be had.
    #[error("fan-out has no run")]
    Run(#[from] RunError),
    /// The store could not be read or written.
    #[error("fan-out cannot note how far it got")]
    Store(#[from] StoreError),
    /// Wake-ups could not be sent.
    #[error("fan-out cannot send")]
    Queue(#[from] QueueError),
    /// The heartbeat could not be switched off.
    #[error("fan-out cannot end the run")]
    Heartbeat(#[from] HeartbeatError),
}

impl<S: Store, Q: Queue, H: Heartbeat> FanOut<S, Q, H> {
    /// Plans the newest run up to the end of the next minute.
    ///
    /// # Errors
    /// See [`FanOutError`]; calling it again is safe.
    pub async fn plan_ahead(&self) -> Result<FanOutReport, FanOutError> {
        let now = self.clock.now();
        let Some(run) = self.run_that_is_on(now).await? else {
            self.heartbeat.turn_off().await?;
            return Ok(FanOutReport::Idle);
        };
        let horizon = Slot((now.slot().0 / 60 + 2) * 60);
        let end = run
            .plan
            .run()
            .ends()
            .map_or(horizon, |end| end.min(horizon));
        let mut noted = self.store.planned_until(&run.plan.run().id).await?;
        let first = noted
            .unwrap_or(Slot(0))
            .max(run.plan.run().starts())
            .max(self.earliest());
        let mut from = first;
        let mut wake_ups = 0;
        while from < end {
            let until = from.plus(STRIDE).min(end);
            wake_ups += self.send(&run.plan, from, until, None).await?;
            if !self
                .store
                .advance_planned(&run.plan.run().id, noted, until)
                .await?
            {
                // another fan-out is at it, and further
                break;
            }
            noted = Some(until);
            from = until;
        }
        wake_ups += self.catch_up(&run, first, from).await?;
        Ok(FanOutReport::Planned {
            wake_ups,
            until: noted.unwrap_or(from),
        })
    }

    /// The newest run, unless it is over; that is asked of the store itself, since the heartbeat of a
    /// run that was just started must not be switched off.
    async fn run_that_is_on(&self, now: Timestamp) -> Result<Option<Arc<LoadedRun>>, FanOutError> {
        let known = self.runs.latest().await?;
        if let Some(run) = known.filter(|run| !run.plan.run().is_over(now)) {
            return Ok(Some(run));
        }
        match self.store.latest_run().await? {
            Some(run) if !run.is_over(now) => Ok(Some(self.runs.put(run).await?)),
            _ => Ok(None),
        }
    }

    /// Sends what is lacking in slots that were planned while the run was changed: whoever changed it
    /// did not know yet that they were.
    async fn catch_up(
        &self,
        planned: &LoadedRun,
        from: Slot,
        until: Slot,
    ) -> Result<usize, FanOutError> {
        let run = planned.plan.run();
        let now = self.store.run(&run.id).await?;
        let Some(changed) = now.filter(|now| now.revision > run.revision) else {
            return Ok(0);
        };
        let changed = self.runs.put(changed).await?;
        Ok(self
            .send(&changed.plan, from, until, Some(&planned.plan))
            .await?)
    }

    /// Sends what a changed run needs from the slot of the change on and the run before did not,
    /// as far as that was planned already.
    ///
    /// # Errors
    /// See [`FanOutError`]; calling it again is safe.
    pub async fn plan_change(
        &self,
        before: &LoadedRun,
        after: &LoadedRun,
        from: Slot,
    ) -> Result<usize, FanOutError> {
        let planned = self.store.planned_until(&after.plan.run().id).await?;
        Ok(self
            .send(
                &after.plan,
                from,
                planned.unwrap_or(from),
                Some(&before.plan),
            )
            .await?)
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
        let from = self.earliest().max(run.plan.run().starts());
        let until = planned.unwrap_or(from);
        Ok(self.send(&run.plan, from, until, None).await?)
    }

    /// The first slot that can still be executed in full: the present one, but not one that a
    /// process before this one may have begun.
    fn earliest(&self) -> Slot {
        let present = self.clock.now().slot();
        match self.store.quiet_before() {
            // a moment ago at most, while this process started
            Some(opened) if present.0 <= opened.slot().0 + 2 => opened.slot().plus(1),
            _ => present,
        }
    }

    async fn send(
        &self,
        plan: &Plan,
        from: Slot,
        until: Slot,
        already: Option<&Plan>,
    ) -> Result<usize, QueueError> {
        let mut sent = 0;
        for slot in (from.0..until.0).map(Slot) {
            let mut ticks = plan.ticks(slot);
            if let Some(already) = already {
                let known: HashSet<_> = already.ticks(slot).into_iter().collect();
                ticks.retain(|tick| !known.contains(tick));
            }
            if ticks.is_empty() {
                continue;
            }
            sent += ticks.len();
            let wake_up = |(class, block): (usize, _)| WakeUp {
                run: plan.run().id.clone(),
                class: plan.classes()[class].name.as_ref().into(),
                block,
                slot,
            };
            self.queue
                .send(ticks.into_iter().map(wake_up).collect())
                .await?;
            // a long ramp of many users must not hold up the ticks that are due meanwhile
            tokio::task::yield_now().await;
        }
        Ok(sent)
    }
}
