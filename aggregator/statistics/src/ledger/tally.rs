//! The counts of the ledger: the planned iterations of the slots so far, and their outcomes.
//!
//! A slot is kept tick by tick until no record of it can come any more; then its other iterations are missing, and only
//! the sums stay. A tick whose iterations are done needs no bits, and a slot whose ticks are done needs no ticks, so only
//! open slots take room. The same entries give the same tally in any order.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use traffic::clock::{Slot, Slots, Timestamp};
use traffic::record::Block;
use traffic::runs::LoadedRun;

use super::decisions::AdaptiveLoad;
use super::iteration_bits::{DueSet, IterationBits, MarkCounts};
use super::lateness::Lateness;
use super::past::{Booked, LedgerPast};
use super::plan_match::{PlanMatch, Reach};
use super::slot_plan::SlotPlan;
use super::starved::Starved;
use super::{Account, Ledger, UNKNOWN_CLASS};
use crate::ageing_series::AgeingSeries;
use crate::stats::smallest_keys::Merge as _;

pub(crate) mod saved;

#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// The first slot that is not planned here yet.
    until: Slot,
    classes: Vec<ClassTally>,
    /// Entries of classes that the workload does not have.
    strangers: u64,
    /// Records that cannot be read.
    unreadable: u64,
}

#[derive(Clone, Debug)]
struct ClassTally {
    sums: Sums,
    lateness: Lateness,
    /// The first slot that is not settled.
    settled_until: Slot,
    /// From there on.
    slots: VecDeque<SlotTally>,
    /// The settled iterations and the lateness of all, by the slot that they were due in.
    past: AgeingSeries<Booked>,
}

/// Counts of all slots so far, settled or not; `missing` only of settled ones.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Sums {
    planned: u64,
    recorded: u64,
    cut_off: u64,
    failed: u64,
    skipped: u64,
    missing: u64,
    duplicates: u64,
    unplanned: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SlotTally {
    planned: u32,
    /// The number of planned iterations with an outcome.
    known: u32,
    /// By block; none of them once all is done.
    ticks: Vec<TickTally>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct TickTally {
    block: Block,
    planned: u32,
    marked: Marked,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Marked {
    Nothing,
    Some(Box<IterationBits>),
    /// Every planned iteration is done.
    All,
}

impl Tally {
    /// An empty tally of a run.
    pub(crate) fn new(run: &LoadedRun) -> Self {
        let from = run.plan.run().first_slot();
        let class = ClassTally {
            sums: Sums::default(),
            lateness: Lateness::default(),
            settled_until: from,
            slots: VecDeque::new(),
            past: AgeingSeries::default(),
        };
        let classes = vec![class; run.plan.classes().len()];
        Self {
            until: from,
            classes,
            strangers: 0,
            unreadable: 0,
        }
    }

    /// The first slot that is not planned here yet.
    pub(crate) fn until(&self) -> Slot {
        self.until
    }

    /// The first slot that is not settled.
    pub(crate) fn settled_until(&self) -> Slot {
        let classes = self.classes.iter().map(|class| class.settled_until);
        classes.min().unwrap_or(self.until)
    }

    /// Adds what is planned for the next slot.
    pub(crate) fn extend(&mut self, planned: &SlotPlan) {
        for (class, ticks) in self.classes.iter_mut().zip(&planned.0) {
            class.extend(ticks);
        }
        self.until = self.until.plus(1);
    }

    /// Adds slots before `until` of which no record can come any more, all at once. `planned` has the number of planned
    /// iterations by class number, in stretches that begin with a slot; each stretch lies in one interval of the ledger's
    /// past. All slots before them must be settled.
    pub(crate) fn extend_missing(&mut self, planned: &[Vec<(Slot, u64)>], until: Slot) {
        for (class, stretches) in self.classes.iter_mut().zip(planned) {
            debug_assert!(class.slots.is_empty(), "records of open slots may come");
            for &(slot, planned) in stretches.iter().filter(|(_, planned)| *planned > 0) {
                class.sums.planned += planned;
                class.sums.missing += planned;
                let missing = Booked::missing(planned);
                class.past.count(slot.0, |booked| booked.merge(&missing));
            }
            class.settled_until = until;
        }
        self.until = until;
    }

    /// Adds the entries of a record; its slot must have been planned here, unless nothing is marked.
    pub(crate) fn apply(&mut self, noted: &PlanMatch) {
        match noted.class.and_then(|class| self.classes.get_mut(class)) {
            Some(class) => class.apply(noted),
            None => self.strangers += u64::from(noted.unplanned),
        }
    }

    /// Counts the lateness of one iteration that was due in `slot`.
    pub(crate) fn add_lateness(&mut self, class: usize, slot: Slot, micros: u64) {
        let class = &mut self.classes[class];
        class.lateness.add(micros);
        class
            .past
            .count(slot.0, |booked| booked.add_lateness(micros));
    }

    /// Adds the lateness of a class's iterations, all together and by the slot they were due in.
    pub(crate) fn merge_lateness(
        &mut self,
        class: usize,
        lateness: &Lateness,
        by_slot: &AgeingSeries<Booked>,
    ) {
        self.classes[class].lateness.merge(lateness);
        self.classes[class].past.merge(by_slot);
    }

    /// Counts records that cannot be read.
    pub(crate) fn add_unreadable(&mut self, records: u64) {
        self.unreadable += records;
    }

    /// Settles the slots of which no request can be completed at or after `instant`.
    pub(crate) fn settle(&mut self, reach: &Reach, instant: Timestamp) {
        for (number, class) in self.classes.iter_mut().enumerate() {
            while !class.slots.is_empty() && reach.of_slot(number, class.settled_until) <= instant {
                class.settle_first();
            }
        }
    }

    /// The ledger; no record can come any more of slots that had begun by `quiet_before`.
    pub(crate) fn ledger(&self, run: &LoadedRun, quiet_before: Option<Timestamp>) -> Ledger {
        let run_now = run.plan.run();
        let until = run_now
            .end_slot()
            .map_or(self.until, |end| end.min(self.until));
        let mut ledger = Ledger {
            run: Some(run_now.id.clone()),
            from: Some(run_now.first_slot()),
            until: Some(until),
            unreadable_records: self.unreadable,
            adaptive: AdaptiveLoad::of(run_now),
            ..Ledger::default()
        };
        let mut lateness = Lateness::default();
        for (planned, class) in run.plan.classes().iter().zip(&self.classes) {
            let account = class.account(run_now.slots(), quiet_before);
            ledger.total += account;
            lateness.merge(&class.lateness);
            if takes_part(run, &planned.name) || account != Account::default() {
                let lateness_ms = class.lateness.figures();
                let account = Account {
                    lateness_ms,
                    ..account
                };
                ledger.classes.insert(planned.name.clone(), account);
            }
        }
        if self.strangers > 0 {
            let account = Account {
                unplanned: self.strangers,
                ..Account::default()
            };
            ledger.total += account;
            ledger.classes.insert(UNKNOWN_CLASS.into(), account);
        }
        ledger.total.lateness_ms = lateness.figures();
        let pasts = self.classes.iter().map(|class| &class.past);
        ledger.starved = Starved::judge(pasts, until, &lateness);
        ledger
    }

    /// The ledger over time, for the classes that have an account in it.
    pub(crate) fn past(&self, run: &LoadedRun, quiet_before: Option<Timestamp>) -> LedgerPast {
        let run_now = run.plan.run();
        let slots = run_now.slots();
        let end = run_now.end_slot().filter(|&end| end <= self.until);
        let named = run.plan.classes().iter().zip(&self.classes);
        let counted = named.filter(|(planned, class)| {
            takes_part(run, &planned.name)
                || class.account(slots, quiet_before) != Account::default()
        });
        let series = counted.map(|(planned, class)| {
            let past = class.past(slots, quiet_before);
            (Arc::clone(&planned.name), past)
        });
        let span = (run_now.first_slot(), end.unwrap_or(self.until));
        LedgerPast::new(run_now.id.clone(), span, end.is_some(), series.collect())
    }
}

fn takes_part(run: &LoadedRun, class: &str) -> bool {
    let run = run.plan.run();
    let past = run.past.iter().flat_map(|past| &past.classes);
    let shares = run.segments.iter().flat_map(|segment| &segment.shares);
    let mut names = past.chain(shares.map(|share| &share.class));
    names.any(|name| name == class)
}

impl ClassTally {
    fn extend(&mut self, ticks: &[(Block, DueSet)]) {
        let tick = |(block, due): &(Block, DueSet)| TickTally {
            block: *block,
            planned: due.count(),
            marked: Marked::Nothing,
        };
        let ticks: Vec<_> = ticks.iter().map(tick).collect();
        let slot = SlotTally {
            planned: ticks.iter().map(|tick| tick.planned).sum(),
            known: 0,
            ticks,
        };
        self.sums.planned += u64::from(slot.planned);
        self.slots.push_back(slot);
    }

    fn apply(&mut self, noted: &PlanMatch) {
        self.sums.unplanned += u64::from(noted.unplanned);
        self.sums.duplicates += u64::from(noted.repeats);
        if noted.marks.is_empty() {
            return;
        }
        let number = noted.slot.0.checked_sub(self.settled_until.0);
        let slot = number.and_then(|number| self.slots.get_mut(number as usize));
        let Some(slot) = slot else {
            debug_assert!(
                false,
                "a record of a slot that is settled, or not planned yet"
            );
            self.sums.unplanned += u64::from(noted.marks.counts().known());
            return;
        };
        let (before, after, again) = slot.mark(noted.block, &noted.marks);
        // an iteration that was cut off may be done elsewhere, and a skipped one recorded
        let moved = |sum: &mut u64, before: u32, after: u32| {
            *sum = (*sum + u64::from(after)).saturating_sub(u64::from(before));
        };
        let sums = &mut self.sums;
        moved(&mut sums.recorded, before.recorded, after.recorded);
        moved(&mut sums.cut_off, before.cut_off, after.cut_off);
        moved(&mut sums.failed, before.failed, after.failed);
        moved(&mut sums.skipped, before.skipped, after.skipped);
        sums.duplicates += u64::from(again);
    }

    fn settle_first(&mut self) {
        if let Some(slot) = self.slots.pop_front() {
            self.sums.missing += u64::from(slot.open());
            if slot.planned > 0 {
                let settled = slot.booked(true);
                self.past
                    .count(self.settled_until.0, |booked| booked.merge(&settled));
            }
            self.settled_until = self.settled_until.plus(1);
        }
    }

    /// The settled slots, with the open ones.
    fn past(&self, slots: Slots, quiet_before: Option<Timestamp>) -> AgeingSeries<Booked> {
        let mut past = self.past.clone();
        let open = (self.settled_until.0..).map(Slot).zip(&self.slots);
        for (number, slot) in open.filter(|(_, slot)| slot.planned > 0) {
            let is_missing = quiet_before.is_some_and(|quiet| slots.start(number) <= quiet);
            let open = slot.booked(is_missing);
            past.count(number.0, |booked| booked.merge(&open));
        }
        past
    }

    fn account(&self, slots: Slots, quiet_before: Option<Timestamp>) -> Account {
        let sums = self.sums;
        let mut account = Account {
            planned: sums.planned,
            recorded: sums.recorded,
            cut_off: sums.cut_off,
            failed: sums.failed,
            skipped: sums.skipped,
            missing: sums.missing,
            duplicates: sums.duplicates,
            unplanned: sums.unplanned,
            ..Account::default()
        };
        let open = (self.settled_until.0..).map(Slot).zip(&self.slots);
        for (number, slot) in open {
            let open = u64::from(slot.open());
            if quiet_before.is_some_and(|quiet| slots.start(number) <= quiet) {
                account.missing += open;
            } else {
                account.pending += open;
            }
        }
        account
    }
}

impl SlotTally {
    /// The outcomes of the slot; iterations without one are missing, or else pending.
    fn booked(&self, is_missing: bool) -> Booked {
        let skipped = self.ticks.iter().map(|tick| match &tick.marked {
            Marked::Some(marks) => marks.counts().skipped,
            Marked::Nothing | Marked::All => 0,
        });
        // a slot without ticks is done
        let skipped: u32 = skipped.sum();
        let recorded = self.known.saturating_sub(skipped);
        let missing = if is_missing { self.open() } else { 0 };
        Booked::new(self.planned, recorded, skipped, missing)
    }

    /// The number of planned iterations without an outcome.
    fn open(&self) -> u32 {
        self.planned.saturating_sub(self.known)
    }

    /// Marks planned iterations of a block. The counts of the block before and after, and the number of repetitions.
    fn mark(&mut self, block: Block, marks: &IterationBits) -> (MarkCounts, MarkCounts, u32) {
        let nothing = MarkCounts::default();
        if self.ticks.is_empty() {
            return (nothing, nothing, marks.executed());
        }
        let Ok(number) = self.ticks.binary_search_by_key(&block, |tick| tick.block) else {
            debug_assert!(false, "marks of a tick without anything due");
            return (nothing, nothing, 0);
        };
        let (before, after, again) = self.ticks[number].mark(marks);
        self.known += after.known() - before.known();
        if self.known == self.planned && self.ticks.iter().all(|tick| tick.marked == Marked::All) {
            self.ticks = Vec::new();
        }
        (before, after, again)
    }
}

impl TickTally {
    fn mark(&mut self, marks: &IterationBits) -> (MarkCounts, MarkCounts, u32) {
        let (before, again) = match &mut self.marked {
            Marked::Nothing => {
                self.marked = Marked::Some(Box::new(marks.clone()));
                (MarkCounts::default(), 0)
            }
            Marked::Some(known) => (known.counts(), known.merge(marks)),
            Marked::All => {
                let nothing = MarkCounts::default();
                return (nothing, nothing, marks.executed());
            }
        };
        let after = match &self.marked {
            Marked::Some(known) => known.counts(),
            _ => before,
        };
        if after.recorded == self.planned && after.cut_off + after.failed == 0 {
            self.marked = Marked::All;
        }
        (before, after, again)
    }
}
