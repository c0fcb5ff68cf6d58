//! The number of iterations in a long time: by arithmetic, where listing them would take as long as the time is.
//!
//! Each user is counted between the instants at which it is there. Only what is drawn anew for each slot
//! costs the number of slots.

use std::time::Duration;

use super::schedule::Timetable;
use super::{Plan, Span};
use crate::block::Block;
use crate::clock::{Slot, Timestamp};
use crate::workload::Wait;

impl Plan {
    /// The number of iterations of a class that are due in the slots from `from` on and before `until`; the same as
    /// [`Plan::due_count`] says of its blocks in those slots.
    pub fn due_within(&self, class: usize, from: Slot, until: Slot) -> u64 {
        let slots = self.run.slots();
        let (from, until) = (from.max(self.run.first_slot()), until);
        if class >= self.classes.len() || from >= until {
            return 0;
        }
        let (from, until) = (slots.start(from), slots.start(until));
        let mut count = 0;
        for number in self.timeline.ramps_in(from, until) {
            let ramp = self.timeline.ramp(number);
            let (from, until) = (ramp.from.max(from), ramp.end.min(until));
            for block in 0..self.run.block_size.blocks(ramp.most_of_class(class)) {
                let spans = self.block_spans(class, Block(block), number);
                let first = self.run.block_size.first_user(Block(block));
                for (user, span) in (first..).zip(&spans.users) {
                    let Some(span) = span else { continue };
                    let part = (from.max(span.spawned), until.min(span.leaves));
                    count += self.due_of_span(class, user, *span, part);
                }
            }
        }
        count
    }

    /// The number of iterations of a user within a part of the time for which it is there.
    fn due_of_span(
        &self,
        class: usize,
        user: u32,
        span: Span,
        (from, until): (Timestamp, Timestamp),
    ) -> u64 {
        let until = self.cut(until, class, user);
        if from >= until {
            return 0;
        }
        let slots = self.run.slots();
        let wait = &self.classes[class].wait;
        let timetable = |slot: Slot| Timetable {
            wait,
            class_key: self.keys[class],
            user,
            spawned: span.spawned,
            slot_number: slot.0 - self.run.first_slot().0,
            slot_starts: slots.start(slot),
        };
        match wait {
            Wait::ConstantPacing(_) | Wait::Between { .. } => {
                let timetable = timetable(slots.of(from));
                timetable.count_before(until) - timetable.count_before(from)
            }
            // a turn begins with its slot, or with its user
            Wait::Constant(_) => {
                let begins_within = span.spawned == from && slots.start(slots.of(from)) < from;
                let begin = slots.at_or_after(until).0 - slots.at_or_after(from).0;
                begin + u64::from(begins_within)
            }
            Wait::Poisson(mean) => {
                let of_slot = |slot: Slot| {
                    let (starts, ends) = (slots.start(slot), slots.end(slot));
                    let timetable = timetable(slot);
                    if from <= starts && ends <= until {
                        return u64::from(timetable.drawn(*mean).1);
                    }
                    let mut count = 0;
                    timetable.due(from.max(starts), until.min(ends), |_, _| count += 1);
                    count
                };
                let last = slots.of(until - Duration::from_micros(1));
                (slots.of(from).0..=last.0)
                    .map(|slot| of_slot(Slot(slot)))
                    .sum()
            }
        }
    }
}
