//! Folds records into their bucket and into `live`, each record once.

use std::sync::Arc;

use traffic::clock::{Slot, Timestamp};
use traffic::ports::RecordPage;
use traffic::record::wire::Decoded;
use traffic::record::{Bucket, IterationEntry, Record, RecordKey};

use super::Follower;
use crate::ledger::plan_match::PlanMatch;
use crate::reader::open::Early;

/// The bytes of records that are folded before other tasks on the thread get their turn: about half a millisecond's.
const FOLD_AT_ONCE: usize = 16 * 1024;

/// The cost of a record on top of its payload, in bytes of payload.
const RECORD_COSTS: usize = 512;

impl Follower {
    /// Folds a page of a bucket into it and into `live`.
    pub(super) async fn take_in(&mut self, bucket: Bucket, page: RecordPage, now: Timestamp) {
        let planned = bucket.end().min(now);
        // a slot counts once it has ended: until then a change may alter what is planned for it
        while self.live.until() < self.run.plan.run().open_slot(planned) {
            self.plan_next();
            tokio::task::yield_now().await;
        }
        self.note_early(bucket, now);
        let mut folded = 0;
        for record in &page.records {
            self.fold(bucket, record, now);
            folded += RECORD_COSTS + record.payload.len();
            if folded >= FOLD_AT_ONCE {
                folded = 0;
                tokio::task::yield_now().await;
            }
        }
        self.open(bucket).cursor = Some(page.cursor);
    }

    fn fold(&mut self, bucket: Bucket, record: &Record, now: Timestamp) {
        let key = &record.key;
        let class = self.run.plan.class_number(&key.class);
        let classes = self.run.plan.classes();
        let name = class.map_or(&key.class, |class| &classes[class].name);
        let name = Arc::clone(name);
        if !self.open(bucket).is_new(key, name) {
            return;
        }
        let decoded = match Decoded::read(&record.payload, key.slot) {
            Ok(decoded) => decoded,
            Err(error) => {
                tracing::error!(
                    %error,
                    class = &*key.class,
                    block = key.block.0,
                    slot = key.slot.0,
                    requests = record.requests,
                    "record cannot be read: its requests are not in the statistics",
                );
                self.open(bucket).unreadable += 1;
                return self.live.add_unreadable(1);
            }
        };
        self.open(bucket).stats.fold(bucket, &decoded);
        self.fold_parts(bucket, &decoded);
        if let Some(class) = class {
            // no outcome comes before its slot, whatever a damaged key says
            let slot = key.slot.min(bucket.end().full_second().minus(1));
            self.fold_lateness(bucket, class, slot, &decoded);
        }
        if !self.has_ended(key.slot, now) {
            let early = Early {
                key: key.clone(),
                entries: decoded.iterations,
            };
            self.open(bucket).early.push(early);
        } else {
            self.note(bucket, key, &decoded.iterations);
        }
    }

    fn fold_lateness(&mut self, bucket: Bucket, class: usize, slot: Slot, decoded: &Decoded<'_>) {
        let mut values = decoded
            .outcomes
            .iter()
            .filter_map(|outcome| outcome.lateness_us)
            .peekable();
        if values.peek().is_none() {
            return;
        }
        let live = &mut self.live;
        let Some(open) = self.open.get_mut(&bucket) else {
            return;
        };
        let (lateness, by_slot) = open.lateness.entry(class).or_default();
        for micros in values {
            lateness.add(micros);
            by_slot.count(slot.0, |booked| booked.add_lateness(micros));
            live.add_lateness(class, slot, micros);
        }
    }

    /// Notes the early entries whose slots have ended.
    fn note_early(&mut self, bucket: Bucket, now: Timestamp) {
        let Some(open) = self.open.get_mut(&bucket) else {
            return;
        };
        if open.early.is_empty() {
            return;
        }
        let early = std::mem::take(&mut open.early).into_iter();
        let (ended, still): (Vec<_>, Vec<_>) =
            early.partition(|early| self.has_ended(early.key.slot, now));
        self.open(bucket).early = still;
        for early in ended {
            self.note(bucket, &early.key, &early.entries);
        }
    }

    /// True if the plan of a slot is certain.
    fn has_ended(&self, slot: Slot, now: Timestamp) -> bool {
        slot < self.run.plan.run().open_slot(now)
    }

    fn note(&mut self, bucket: Bucket, key: &RecordKey, entries: &[IterationEntry]) {
        if entries.is_empty() {
            return;
        }
        let number = key.slot.0.checked_sub(self.sealed.tally.until().0);
        let known = number.and_then(|number| self.plans.get(number as usize));
        let noted = PlanMatch::of(&self.run, &self.reach, key, entries, known);
        while self.live.until() <= noted.slot && !noted.marks.is_empty() {
            self.plan_next();
        }
        self.live.apply(&noted);
        self.open(bucket).noted.push(noted);
    }
}
