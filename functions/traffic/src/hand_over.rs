//! The fan-out in the first minute of a run: it hands wake-ups over itself while the queue does not deliver yet.
//!
//! The delivery is off while no run is on, since an idle queue costs money, and takes up to a minute to begin.
//! What the queue brings later as well is executed once, since a tick is claimed.

use std::time::Duration;

use crate::clock::{Slot, Timestamp};
use crate::deployment::Deployment;
use crate::fanout::FanOutError;
use crate::plan::Plan;
use crate::ports::{Delivery, Heartbeat, PlannedWakeUp, ProgressStore, Queue, RunStore, WakeUp};

/// A slot's wake-ups are handed over this long before it begins: the tick has to start.
const EARLY: Duration = Duration::from_millis(500);

/// Whoever begins amid a run hands over what has begun this long ago: late is better than missing.
const LATE: Duration = Duration::from_secs(5);

/// The delivery is looked at this often,
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// and trusted this long after it is said to be on.
const TRUSTED_AFTER: Duration = Duration::from_secs(5);

impl<S: RunStore + ProgressStore, Q: Queue, H: Heartbeat> Deployment<S, Q, H> {
    /// Keeps heartbeat and delivery of a run that is on switched on, and hands over what is due until the queue's
    /// wake-ups are delivered, or until `until`; the number of slots.
    ///
    /// # Errors
    /// When the run cannot be read to begin with.
    pub async fn hand_over(&self, until: Timestamp) -> Result<u64, FanOutError> {
        let mut next: Option<Slot> = None;
        let mut looked_at: Option<Timestamp> = None;
        let mut on_since: Option<Timestamp> = None;
        let mut slots = 0;
        loop {
            let now = self.clock.now();
            let Some(run) = self.run_that_is_on(now).await?.ok() else {
                return Ok(slots);
            };
            if looked_at.is_none_or(|at| now.since(at) >= LOOK_EVERY) {
                looked_at = Some(now);
                match self.heartbeat.turn_on().await {
                    Ok(Delivery::On) if slots == 0 => return Ok(0),
                    Ok(Delivery::On) => on_since = on_since.or(Some(now)),
                    Ok(Delivery::Starting) => on_since = None,
                    Err(error) => {
                        let error: &dyn std::error::Error = &error;
                        tracing::warn!(error, "the heartbeat or the delivery may be off");
                    }
                }
            }
            let plan = &run.plan;
            let times = plan.run().slots();
            let slot = next.unwrap_or_else(|| plan.run().first_slot().max(times.of(now - LATE)));
            let begins = times.start(slot) - EARLY;
            let is_trusted = on_since.is_some_and(|since| begins > since + TRUSTED_AFTER);
            if is_trusted || begins >= until || plan.run().end_slot().is_some_and(|end| slot >= end)
            {
                return Ok(slots);
            }
            self.clock.sleep_until(begins).await;
            self.hand_over_slot(slot).await;
            slots += 1;
            next = Some(slot.plus(1));
        }
    }

    /// Hands a slot's wake-ups over, of the run as it is now; what fails may come by the queue.
    async fn hand_over_slot(&self, slot: Slot) {
        let run = match self.runs.latest().await {
            Ok(run) => run,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, slot = slot.0, "a slot is not handed over");
                return;
            }
        };
        let Some(run) = run.filter(|run| run.plan.run().end_slot().is_none_or(|end| slot < end))
        else {
            return;
        };
        let wake_ups = wake_ups(&run.plan, slot);
        if wake_ups.is_empty() {
            return;
        }
        if let Err(error) = self.queue.hand_over(run.plan.run().slots(), wake_ups).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, slot = slot.0, "wake-ups could not be handed over");
        }
    }
}

/// The wake-ups of a slot.
fn wake_ups(plan: &Plan, slot: Slot) -> Vec<PlannedWakeUp> {
    let ticks = plan.ticks_with_users(slot).into_iter();
    let wake_up = |(class, block, users): (usize, _, _)| PlannedWakeUp {
        wake_up: WakeUp {
            run: plan.run().id.clone(),
            class: plan.classes()[class].name.as_ref().into(),
            block,
            slot,
        },
        users,
    };
    ticks.map(wake_up).collect()
}
