//! The context of one execution of a tick: its run, class and slot, and the journal of what happens in it.

use std::sync::Arc;
use std::time::Duration;

use super::timing::TOO_LATE;
use crate::clock::{Clock, Slot, Slots, Timestamp};
use crate::journal::Journal;
use crate::ports::TickStore;
use crate::runs::{LoadedRun, Runs};
use crate::workload::Wait;

/// See the [module](self).
pub(super) struct TickContext<S> {
    /// The run as it was when the tick began.
    pub(super) run: Arc<LoadedRun>,
    /// For iterations that go on into later slots, in which the run may have changed.
    pub(super) runs: Arc<Runs<S>>,
    /// The class's number in the plan.
    pub(super) class: usize,
    pub(super) wait: Wait,
    pub(super) longest_iteration: Duration,
    pub(super) journal: Journal<S>,
    /// When the last response must be there.
    pub(super) sends_until: Option<Timestamp>,
}

impl<S: TickStore> TickContext<S> {
    /// True if all ticks share this process.
    pub(super) fn is_alone(&self) -> bool {
        self.runs.is_alone()
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.journal.clock
    }

    /// The slot of the tick.
    pub(super) fn slot(&self) -> Slot {
        self.journal.key.slot
    }

    /// When the slots of the run begin.
    pub(super) fn slots(&self) -> Slots {
        self.run.plan.run().slots()
    }

    /// The earlier of `instant` and the last moment for a response.
    pub(super) fn ends_by(&self, instant: Timestamp) -> Timestamp {
        self.sends_until.map_or(instant, |end| instant.min(end))
    }

    /// True if nothing of the slot may be sent any more: it is about to be settled as missing.
    pub(super) fn is_too_late(&self) -> bool {
        let begins = self.slots().start(self.slot());
        self.clock().now().since(begins) > TOO_LATE
    }

    /// Returns when what is in the journal is to be written, if anything is.
    pub(super) async fn until_flush(&self) {
        match self.journal.due() {
            Some(instant) => self.clock().sleep_until(instant).await,
            None => std::future::pending().await,
        }
    }
}
