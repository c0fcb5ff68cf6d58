//! A tally as a checkpoint keeps it, and back; whatever bytes come in, nothing inconsistent goes on.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use traffic::clock::Slot;

use super::{ClassTally, SlotTally, Sums, Tally};
use crate::ageing_series::{self, AgeingSeries};
use crate::ledger::lateness;
use crate::ledger::past::Booked;

/// See the [module](self); written from borrowed slots and read into owned ones.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedTally<S> {
    until: Slot,
    classes: Vec<SavedClass<S>>,
    strangers: u64,
    unreadable: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedClass<S> {
    sums: Sums,
    lateness: lateness::Saved,
    slots: S,
}

/// The slots of a class that are not settled.
pub(crate) type Slots = VecDeque<SlotTally>;

/// The past of each class, which the first checkpoints did not have.
pub(crate) type SavedPast<B> = Vec<ageing_series::Saved<B>>;

impl Tally {
    /// The past for a checkpoint.
    pub(crate) fn save_past(&self) -> SavedPast<&Booked> {
        self.classes.iter().map(|class| class.past.save()).collect()
    }

    /// Takes over a past that was saved; false if it cannot be one of this tally.
    pub(crate) fn load_past(&mut self, saved: SavedPast<Booked>) -> bool {
        let fits = saved.len() == self.classes.len();
        let loaded: Option<Vec<AgeingSeries<Booked>>> =
            saved.into_iter().map(ageing_series::Saved::load).collect();
        let Some(loaded) = loaded.filter(|_| fits) else {
            return false;
        };
        for (class, past) in self.classes.iter_mut().zip(loaded) {
            class.past = past;
        }
        true
    }

    /// The tally for a checkpoint.
    pub(crate) fn save(&self) -> SavedTally<&Slots> {
        SavedTally {
            until: self.until,
            classes: self.classes.iter().map(ClassTally::save).collect(),
            strangers: self.strangers,
            unreadable: self.unreadable,
        }
    }
}

impl ClassTally {
    fn save(&self) -> SavedClass<&Slots> {
        SavedClass {
            sums: self.sums,
            lateness: self.lateness.save(),
            slots: &self.slots,
        }
    }
}

impl SavedTally<Slots> {
    /// The first slot of which something may still become known.
    pub(crate) fn settled_until(&self) -> Slot {
        let open = self.classes.iter().map(|class| class.slots.len() as u64);
        self.until.minus(open.max().unwrap_or_default())
    }

    /// The tally again, or nothing if it cannot be one of a run with so many classes.
    pub(crate) fn load(self, classes: usize) -> Option<Tally> {
        if self.classes.len() != classes {
            return None;
        }
        let until = self.until;
        let loaded: Option<_> = self
            .classes
            .into_iter()
            .map(|class| class.load(until))
            .collect();
        Some(Tally {
            until,
            classes: loaded?,
            strangers: self.strangers,
            unreadable: self.unreadable,
        })
    }
}

impl SavedClass<Slots> {
    fn load(self, until: Slot) -> Option<ClassTally> {
        let settled_until = Slot(until.0.checked_sub(self.slots.len() as u64)?);
        let lateness = self.lateness.load()?;
        let slots_are_sane = self.slots.iter().all(SlotTally::is_sane);
        slots_are_sane.then_some(ClassTally {
            sums: self.sums,
            lateness,
            settled_until,
            slots: self.slots,
            past: AgeingSeries::default(),
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
