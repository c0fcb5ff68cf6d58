//! A tally as a checkpoint keeps it, and back; damaged bytes are refused.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use traffic::clock::Slot;

use super::{ClassTally, SlotTally, Sums, Tally};
use crate::ageing_series;
use crate::ledger::lateness;
use crate::ledger::past::Booked;

/// See the [module](self); written from borrowed counts and read into owned ones.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedTally<S, B> {
    until: Slot,
    classes: Vec<SavedClass<S, B>>,
    strangers: u64,
    unreadable: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedClass<S, B> {
    sums: Sums,
    lateness: lateness::Saved,
    slots: S,
    past: ageing_series::Saved<B>,
}

/// The slots of a class that are not settled.
pub(crate) type Slots = VecDeque<SlotTally>;

impl Tally {
    pub(crate) fn save(&self) -> SavedTally<&Slots, &Booked> {
        let classes = self.classes.iter().map(|class| SavedClass {
            sums: class.sums,
            lateness: class.lateness.save(),
            slots: &class.slots,
            past: class.past.save(),
        });
        SavedTally {
            until: self.until,
            classes: classes.collect(),
            strangers: self.strangers,
            unreadable: self.unreadable,
        }
    }
}

impl SavedTally<Slots, Booked> {
    /// The first slot that is not settled.
    pub(crate) fn settled_until(&self) -> Slot {
        let open = self.classes.iter().map(|class| class.slots.len() as u64);
        self.until.minus(open.max().unwrap_or_default())
    }

    /// The tally again, or `None` if the bytes were damaged, or are of a run with another number of classes.
    pub(crate) fn load(self, classes: usize) -> Option<Tally> {
        if self.classes.len() != classes {
            return None;
        }
        let until = self.until;
        let loaded = self.classes.into_iter().map(|class| class.load(until));
        Some(Tally {
            until,
            classes: loaded.collect::<Option<_>>()?,
            strangers: self.strangers,
            unreadable: self.unreadable,
        })
    }
}

impl SavedClass<Slots, Booked> {
    fn load(self, until: Slot) -> Option<ClassTally> {
        if !self.slots.iter().all(SlotTally::is_sane) {
            return None;
        }
        Some(ClassTally {
            sums: self.sums,
            lateness: self.lateness.load()?,
            settled_until: Slot(until.0.checked_sub(self.slots.len() as u64)?),
            slots: self.slots,
            past: self.past.load()?,
        })
    }
}

impl SlotTally {
    fn is_sane(&self) -> bool {
        let ticks: u64 = self.ticks.iter().map(|tick| u64::from(tick.planned)).sum();
        self.known <= self.planned
            && self.ticks.is_sorted_by_key(|tick| tick.block)
            && (self.ticks.is_empty() || ticks == u64::from(self.planned))
    }
}
