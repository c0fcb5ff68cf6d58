//! The agenda of a tick: what is due and was not begun yet, by the run as it is now.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::watch;

use crate::clock::{Slot, Timestamp};
use crate::plan::Due;
use crate::runs::LoadedRun;

/// The copies of a tick's run; what is due was asked of the one that was seen last.
pub(super) type Copies = watch::Receiver<Arc<LoadedRun>>;

/// The iterations of a tick that are due and were not begun yet.
#[derive(Debug)]
pub(super) struct Agenda {
    due: Vec<Due>,
    next: usize,
    /// User and ordinal of what was due before a change, and begun.
    begun: HashSet<(u32, u32)>,
}

impl Agenda {
    pub(super) fn new(due: Vec<Due>) -> Self {
        Self {
            due,
            next: 0,
            begun: HashSet::new(),
        }
    }

    /// Takes over what is due by the run as it is now; what was begun stays begun.
    pub(super) fn replace(&mut self, due: Vec<Due>) {
        let begun = self.due.drain(..self.next);
        self.begun.extend(begun.map(|due| (due.user, due.ordinal)));
        self.due = due;
        self.due
            .retain(|due| !self.begun.contains(&(due.user, due.ordinal)));
        self.next = 0;
    }

    /// The iteration that is to be begun next.
    pub(super) fn next(&self) -> Option<Due> {
        self.due.get(self.next).copied()
    }

    /// Notes that the next iteration is begun.
    pub(super) fn begin(&mut self) {
        self.next += 1;
    }
}

/// The instant from which nothing of a slot starts any more, and no change can add anything.
pub(super) fn slot_ends(run: &LoadedRun, slot: Slot) -> Timestamp {
    let run = run.plan.run();
    let slot_ends = run.slots().end(slot);
    run.ends().map_or(slot_ends, |end| end.min(slot_ends))
}
