//! A run that ends after so many iterations: which one is the last.
//!
//! Iterations are in order of their instants, those of one instant in order of class and user. So the last one follows
//! from the run alone, whoever asks, and a change to the run moves nothing that was due before it.

use super::{Plan, PlannedClass};
use crate::clock::Slot;
use crate::run::{IterationLimit, LastIteration, Run};
use crate::workload::Wait;

/// The last iteration is looked for in so many slots, a year.
const FURTHEST: u64 = 366 * 24 * 60 * 60;

/// Where iterations are drawn anew for each slot, in so many slots of one user; of more users in fewer slots.
const DRAWN: u64 = 50_000_000;

/// The slots that are counted first; each time four times as many are.
const FIRST: u64 = 64;

/// The run with its last iteration, if it has a limit; to be called whenever its segments have changed.
#[must_use]
pub fn bounded(run: Run, classes: Vec<PlannedClass>) -> Run {
    let Some(IterationLimit { most, .. }) = run.iterations else {
        return run;
    };
    let endless = Run {
        iterations: None,
        ..run.clone()
    };
    let last = Plan::new(endless, classes).nth_due(most);
    Run {
        iterations: Some(IterationLimit { most, last }),
        ..run
    }
}

impl Plan {
    /// The iteration of a number, from 1; `None` if there are not so many, or not in the time that is counted.
    fn nth_due(&self, number: u64) -> Option<LastIteration> {
        let first = self.run.first_slot();
        let end = self.run.end_slot().unwrap_or(Slot(u64::MAX));
        let end = end.min(first.plus(self.countable()));
        let count = |from: Slot, until: Slot| -> u64 {
            let classes = 0..self.classes.len();
            classes
                .map(|class| self.due_within(class, from, until))
                .sum()
        };
        let (mut from, mut before) = (first, 0);
        let mut slots = FIRST;
        // the stretch in which it lies
        let mut until = loop {
            if from >= end {
                return None;
            }
            let until = from.plus(slots).min(end);
            let more = count(from, until);
            if before + more >= number {
                break until;
            }
            (before, from) = (before + more, until);
            slots *= 4;
        };
        while until.0 - from.0 > 1 {
            let middle = Slot(from.0 + (until.0 - from.0) / 2);
            let more = count(from, middle);
            if before + more >= number {
                until = middle;
            } else {
                (before, from) = (before + more, middle);
            }
        }
        let mut due: Vec<LastIteration> = Vec::new();
        for (class, _, iterations) in self.slot(from) {
            due.extend(iterations.iter().map(|due| LastIteration {
                at: due.at,
                class: class as u32,
                user: due.user,
            }));
        }
        due.sort_unstable();
        let place = usize::try_from(number.checked_sub(before + 1)?).ok()?;
        due.get(place).copied()
    }

    /// The number of slots that are counted at most.
    fn countable(&self) -> u64 {
        let classes = self.classes.iter().enumerate();
        let drawn = classes.filter(|(_, class)| matches!(class.wait, Wait::Poisson(_)));
        let users = drawn.map(|(class, _)| u64::from(self.timeline.most_ever(class)));
        FURTHEST.min(DRAWN / users.sum::<u64>().max(1))
    }
}
