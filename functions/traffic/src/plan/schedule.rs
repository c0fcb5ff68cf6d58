//! When one user is due: the instants of its iterations within a span of time, by arithmetic.
//!
//! Each wait time says where the k-th iteration of a user that was spawned at some instant lies, so
//! that the iterations of any second are found without those before it.

use std::time::Duration;

use crate::clock::{SLOT_MICROS, Timestamp, micros};
use crate::random::{Draws, mix};
use crate::workload::Wait;

/// Keeps the draws for waits apart from those for tasks.
const WAIT_STREAM: u64 = 0x57a1_7000_0000_0001;

/// Iterations are numbered within a slot by this many low bits where a slot's are independent of
/// those before it.
const ORDINAL_BITS: u32 = 20;

/// One user of one class, as far as its schedule goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timetable<'a> {
    /// The class's wait.
    pub(super) wait: &'a Wait,
    /// See [`crate::random::class_key`].
    pub(super) class_key: u64,
    /// The user's index in its class.
    pub(super) user: u32,
    /// When the user was started.
    pub(super) spawned: Timestamp,
    /// Seconds from the run's first slot to the one that is asked for.
    pub(super) slot_number: u64,
    /// The first instant of that slot.
    pub(super) slot_starts: Timestamp,
}

impl Timetable<'_> {
    /// Calls `found` with number and instant of every iteration due from `from` on and before `until`,
    /// which both lie in the slot or at its end, in order.
    ///
    /// Nothing is due before the user was spawned.
    pub(super) fn due(
        &self,
        from: Timestamp,
        until: Timestamp,
        mut found: impl FnMut(u64, Timestamp),
    ) {
        let from = from.max(self.spawned);
        if from >= until {
            return;
        }
        match *self.wait {
            Wait::ConstantPacing(pacing) => self.due_paced(micros(pacing), from, until, found),
            Wait::Between { min, max } => self.due_between(min, max, from, until, found),
            Wait::Poisson(mean) => self.due_poisson(mean, from, until, found),
            // the user has a turn in each slot, and loops in it
            Wait::Constant(_) => found(self.slot_number << ORDINAL_BITS, from),
        }
    }

    /// True if any iteration is due from `from` on and before `until`, which both lie in the slot or at its end.
    pub(super) fn is_due(&self, from: Timestamp, until: Timestamp) -> bool {
        let from = from.max(self.spawned);
        if from >= until {
            return false;
        }
        match *self.wait {
            Wait::ConstantPacing(pacing) => {
                let pacing = micros(pacing);
                let passed = (from.micros() - self.spawned.micros()) % pacing;
                passed == 0 || from.micros() + pacing - passed < until.micros()
            }
            Wait::Between { .. } | Wait::Poisson(_) => {
                let mut is_due = false;
                self.due(from, until, |_, _| is_due = true);
                is_due
            }
            Wait::Constant(_) => true,
        }
    }

    fn due_paced(
        &self,
        pacing: u64,
        from: Timestamp,
        until: Timestamp,
        mut found: impl FnMut(u64, Timestamp),
    ) {
        let spawned = self.spawned.micros();
        let first = (from.micros() - spawned).div_ceil(pacing);
        let numbers = (first..).map(|k| (k, spawned + k * pacing));
        for (k, at) in numbers.take_while(|&(_, at)| at < until.micros()) {
            found(k, Timestamp::from_micros(at));
        }
    }

    /// Iteration k is due at k times the mean wait after the spawn, moved by a draw of at most a
    /// quarter of the bounds' distance either way; so no wait leaves the bounds, and the mean is exact.
    fn due_between(
        &self,
        min: Duration,
        max: Duration,
        from: Timestamp,
        until: Timestamp,
        mut found: impl FnMut(u64, Timestamp),
    ) {
        let (sum, reach) = sum_and_reach(min, max);
        for k in self.first_between(sum, reach, from).. {
            let middle = self.middle(sum, k);
            if middle >= until.micros() + reach {
                return;
            }
            let at = self.moved(k, middle, reach);
            if at >= from.micros() && at < until.micros() {
                found(k, Timestamp::from_micros(at));
            }
        }
    }

    /// The first number that may be due at or after an instant: what comes before it is due before.
    fn first_between(&self, sum: u64, reach: u64, instant: Timestamp) -> u64 {
        let offset = instant.micros() - self.spawned.micros();
        2 * offset.saturating_sub(reach) / sum
    }

    fn middle(&self, sum: u64, k: u64) -> u64 {
        self.spawned.micros() + (u128::from(k) * u128::from(sum) / 2) as u64
    }

    /// When iteration `k` is due whose draw moves it from a middle.
    fn moved(&self, k: u64, middle: u64, reach: u64) -> u64 {
        match k {
            0 => middle,
            _ => middle + self.wait_draws(k).below(2 * reach + 1) - reach,
        }
    }

    /// The number of iterations before an instant at which the user is there, or has just left, by waits of which each
    /// follows from the user's start.
    pub(super) fn count_before(&self, instant: Timestamp) -> u64 {
        match *self.wait {
            Wait::ConstantPacing(pacing) => {
                let passed = instant.micros() - self.spawned.micros();
                passed.div_ceil(micros(pacing))
            }
            Wait::Between { min, max } => {
                let (sum, reach) = sum_and_reach(min, max);
                let first = self.first_between(sum, reach, instant);
                let middles = (first..).map(|k| (k, self.middle(sum, k)));
                let near = middles.take_while(|(_, middle)| *middle < instant.micros() + reach);
                let before =
                    near.filter(|&(k, middle)| self.moved(k, middle, reach) < instant.micros());
                first + before.count() as u64
            }
            Wait::Poisson(_) | Wait::Constant(_) => 0,
        }
    }

    /// The number of iterations in the slot, and the draws that say when.
    pub(super) fn drawn(&self, mean: Duration) -> (Draws, u32) {
        let mut draws = self.wait_draws(self.slot_number << ORDINAL_BITS);
        let count = draws.poisson(SLOT_MICROS as f64 / micros(mean) as f64);
        (draws, count)
    }

    fn due_poisson(
        &self,
        mean: Duration,
        from: Timestamp,
        until: Timestamp,
        mut found: impl FnMut(u64, Timestamp),
    ) {
        let number = self.slot_number << ORDINAL_BITS;
        let (mut draws, count) = self.drawn(mean);
        let mut offsets: Vec<u64> = (0..count).map(|_| draws.below(SLOT_MICROS)).collect();
        offsets.sort_unstable();
        for (ordinal, offset) in offsets.into_iter().enumerate() {
            let at = self.slot_starts + Duration::from_micros(offset);
            if at >= from && at < until {
                found(number + ordinal as u64, at);
            }
        }
    }

    fn wait_draws(&self, iteration: u64) -> Draws {
        Draws::keyed(mix(self.class_key ^ WAIT_STREAM), self.user, iteration)
    }
}

/// The sum of a wait's bounds, and how far a draw moves an iteration at most, in microseconds.
fn sum_and_reach(min: Duration, max: Duration) -> (u64, u64) {
    let sum = micros(min) + micros(max);
    // half a microsecond of an odd sum is lost to rounding: the draw leaves room for it
    let reach = ((micros(max) - micros(min)) / 4).saturating_sub(sum % 2);
    (sum, reach)
}
