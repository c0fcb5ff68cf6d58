//! The entries of one record, compared with the plan once.
//!
//! An entry that is not in the plan is unplanned, and so is one whose record came after its slot had to be settled. The
//! record's key alone shows which, so that every reader agrees.

use std::time::Duration;

use traffic::clock::{Slot, Slots, Timestamp};
use traffic::record::{BLOCK_USERS, Block, Bucket, IterationEntry, RecordKey};
use traffic::runs::LoadedRun;
use traffic::tick::reach;

use super::iteration_bits::{DueSet, IterationBits};
use super::slot_plan::SlotPlan;

/// The greatest block of a key that is not damaged: the plan must not be asked about a greater one.
const MAX_BLOCK: u32 = u32::MAX / BLOCK_USERS - 1;

/// The instants until which results of a slot may still come.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    slots: Slots,
    /// By class number, from the end of the slot.
    lasts: Vec<Duration>,
}

impl Reach {
    /// By the timeouts of the classes of the run's workload.
    pub(crate) fn of(run: &LoadedRun) -> Self {
        let classes = run.workload.classes().iter();
        Self {
            slots: run.plan.run().slots(),
            lasts: classes.map(|class| reach(class)).collect(),
        }
    }

    /// The first instant at which no request of a class's slot can be completed any more.
    pub(crate) fn of_slot(&self, class: usize, slot: Slot) -> Timestamp {
        self.slots.end(slot) + self.lasts.get(class).copied().unwrap_or_default()
    }

    /// The first instant at which no request of a slot can be completed any more.
    pub(crate) fn of_all(&self, slot: Slot) -> Timestamp {
        self.slots.end(slot) + self.longest()
    }

    /// The first slot of which a request can be completed at or after an instant.
    pub(crate) fn settled_at(&self, instant: Timestamp) -> Slot {
        self.slots.of(instant - self.longest())
    }

    fn longest(&self) -> Duration {
        self.lasts.iter().max().copied().unwrap_or_default()
    }
}

/// The entries of a record, compared with the plan.
#[derive(Clone, Debug)]
pub(crate) struct PlanMatch {
    /// The class's number, if the workload has it.
    pub(crate) class: Option<usize>,
    pub(crate) block: Block,
    pub(crate) slot: Slot,
    /// The outcomes of planned iterations.
    pub(crate) marks: IterationBits,
    /// Executions of a planned iteration beyond the first within this record.
    pub(crate) repeats: u32,
    /// Entries that are not in the plan, or come too late.
    pub(crate) unplanned: u32,
}

impl PlanMatch {
    /// Compares a record's entries with the plan; the record's slot must have ended. `known` is the plan of the slot, if
    /// the plan was asked before.
    pub(crate) fn of(
        run: &LoadedRun,
        reach: &Reach,
        key: &RecordKey,
        entries: &[IterationEntry],
        known: Option<&SlotPlan>,
    ) -> Self {
        let class = run.plan.class_number(&key.class);
        let mut noted = Self::unplanned(class, key, entries.len() as u32);
        let in_time = class.filter(|&class| {
            key.block.0 <= MAX_BLOCK && key.bucket.start() < reach.of_slot(class, key.slot)
        });
        let Some(class) = in_time else { return noted };
        match known {
            Some(known) => {
                if let Some(due) = known.due(class, key.block) {
                    noted.compare(entries, due);
                }
            }
            None => {
                let due = run.plan.due(class, key.block, key.slot);
                let first_user = run.plan.run().block_size.first_user(key.block);
                noted.compare(entries, &DueSet::new(first_user, &due));
            }
        }
        noted
    }

    fn compare(&mut self, entries: &[IterationEntry], due: &DueSet) {
        for &entry in entries.iter().filter(|&&entry| due.contains(entry)) {
            self.unplanned -= 1;
            self.repeats += u32::from(self.marks.mark(entry));
        }
    }

    /// Entries that are not planned.
    pub(crate) fn unplanned(class: Option<usize>, key: &RecordKey, unplanned: u32) -> Self {
        Self {
            class,
            block: key.block,
            slot: key.slot,
            marks: IterationBits::default(),
            repeats: 0,
            unplanned,
        }
    }
}

/// The last bucket in which a request of a run can be completed; `None` for a run without an end.
pub(crate) fn last_bucket(run: &LoadedRun, reach: &Reach) -> Option<Bucket> {
    run.plan
        .run()
        .end_slot()
        .map(|end| Bucket::of(reach.of_all(end)))
}
