//! A long time without records, in which no process was there: its iterations are counted as missing in one go.
//!
//! A run that is taken up after months has millions of slots and buckets that the store knows to be empty. The result is
//! the same as if each of them had been read.

use std::sync::Arc;

use traffic::clock::{Slot, Timestamp};
use traffic::ports::ReaderStore;
use traffic::record::Bucket;
use traffic::runs::LoadedRun;

use super::{Follower, first_unsealable};
use crate::ageing_series::{Coarse, Interval};
use crate::ledger::plan_match::last_bucket;
use crate::ledger::slot_plan::SlotPlan;
use crate::reader::AggregatorError;

/// A gap of at most this many buckets is read one by one: ten minutes.
const SHORT: u64 = 60;

/// The seconds that are counted before other tasks on the thread get their turn.
const AT_ONCE: u64 = 3_600;

/// Planned iterations by class number, in stretches: see [`crate::ledger::tally::Tally::extend_missing`].
type Planned = Vec<Vec<(Slot, u64)>>;

impl Follower {
    /// Seals the empty buckets that follow the sealed ones, if they are many and no write can reach them any more.
    pub(super) async fn pass_over_gap<S: ReaderStore>(
        &mut self,
        store: &S,
        now: Timestamp,
    ) -> Result<(), AggregatorError> {
        let run = Arc::clone(&self.run);
        let next = self.sealed.next;
        let last = last_bucket(&run, &self.reach);
        let end = first_unsealable(now).min(last.map_or(Bucket(u64::MAX), Bucket::next));
        if end.0 <= next.0 + SHORT {
            return Ok(());
        }
        let found = store.next_bucket(&run.plan.run().id, next).await?;
        let end = found.map_or(end, |found| found.min(end));
        let (from, settled) = (
            self.sealed.tally.until(),
            self.reach.settled_at(end.start()),
        );
        if end.0 <= next.0 + SHORT || settled <= from {
            return Ok(());
        }
        tracing::info!(
            run = %run.plan.run().id,
            seconds = settled.0 - from.0,
            "nothing was recorded for a long time: its planned iterations are missing"
        );
        let missing = planned_within(&run, from, settled).await;
        let until = run.plan.run().slots().of(end.start());
        let mut open = Vec::new();
        for slot in (settled.0..until.0).map(Slot) {
            open.push(SlotPlan::new(&run.plan, slot));
            tokio::task::yield_now().await;
        }
        // from here on nothing waits: a reader that is dropped before has changed nothing
        let tally = &mut self.sealed.tally;
        tally.settle(&self.reach, end.start());
        tally.extend_missing(&missing, settled);
        open.iter().for_each(|planned| tally.extend(planned));
        tally.settle(&self.reach, end.start());
        self.sealed.next = end;
        self.plans.clear();
        self.forget_open();
        Ok(())
    }
}

/// The planned iterations from a slot on and before another.
async fn planned_within(run: &LoadedRun, from: Slot, until: Slot) -> Planned {
    let mut planned = Planned::new();
    for class in 0..run.plan.classes().len() {
        let mut stretches = Vec::new();
        // the lengths of the intervals follow from the newest slot with an iteration due
        let until = after_last_planned(run, class, from, until);
        for interval in Interval::all::<Coarse>(from.0, until.0 - 1) {
            let (start, end) = (interval.start.max(from.0), interval.end().min(until.0));
            for first in (start..end).step_by(AT_ONCE as usize) {
                let last = Slot(first.saturating_add(AT_ONCE).min(end));
                let count = run.plan.due_within(class, Slot(first), last);
                stretches.push((Slot(first), count));
                tokio::task::yield_now().await;
            }
        }
        planned.push(stretches);
    }
    planned
}

/// The slot after the last one between two in which anything is due for a class; the one after the first if
/// there is none.
fn after_last_planned(run: &LoadedRun, class: usize, from: Slot, until: Slot) -> Slot {
    let is_due_from = |slot: Slot| run.plan.due_within(class, slot, until) > 0;
    // nearly always it is one of the last
    let (mut before, mut after, mut step) = (until, until, 1);
    while before > from && !is_due_from(before) {
        after = before;
        before = until.minus(step).max(from);
        step *= 2;
    }
    // the first slot from which nothing is due is at most `after`, and later than `before`
    while after.0 > before.0 + 1 {
        let middle = Slot(before.0.midpoint(after.0));
        if is_due_from(middle) {
            before = middle;
        } else {
            after = middle;
        }
    }
    before.plus(1)
}
