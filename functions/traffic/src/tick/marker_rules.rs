//! The rules by which markers are read and written, without a store and without a clock.
//!
//! A tick follows them as time goes by (`markers`, `turns`); the cost model counts calls with them.

use std::time::Duration;

use crate::clock::{Slot, Timestamp};
use crate::plan::{Due, Next, Plan};
use crate::workload::Wait;

/// What was written this long ago is found by who reads now. A consistent write and a read take
/// DynamoDB 10 to 20 ms; a small function has a fourteenth of a core to notice, and clocks differ.
pub const ARRIVES: Duration = Duration::from_millis(75);

/// The lead of a store that several processes share: the tick that a marker stops may read it right before.
pub const SHARED_LEAD: Duration = Duration::from_secs(1);

/// The time before an iteration at which the markers are read, so that reading does not make it late.
pub const READING_TAKES: Duration = Duration::from_millis(20);

/// Before the end of a turn nothing starts for so long, where its user's next turn is another
/// process's: half of it for an iteration to end in, half of it for a marker to arrive in.
pub const GAP: Duration = ARRIVES.saturating_mul(2);

/// The rules for the users of a class.
#[derive(Clone, Copy, Debug)]
pub struct MarkerRules {
    /// The class's wait.
    pub wait: Wait,
    /// See [`crate::workload::UserClass::longest_iteration`].
    pub longest_iteration: Duration,
    /// See [`crate::ports::RunStore::marker_lead`].
    pub store_lead: Duration,
}

/// A read of a block's markers before something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The latest instant for it.
    pub at: Timestamp,
    /// What was read since then does as well.
    pub fresh_from: Timestamp,
}

impl MarkerRules {
    /// How long before a user is next due a marker must be written: the store's lead, and less for
    /// those who are due so often that they would always be marked.
    pub fn lead(&self) -> Duration {
        let spacing = match self.wait {
            Wait::Between { min, .. } => min / 2,
            Wait::ConstantPacing(pacing) => pacing / 2,
            // the next one may come at any time: for one in eight that is within the lead
            Wait::Poisson(mean) => mean / 8,
            Wait::Constant(_) => Duration::ZERO,
        };
        self.store_lead.min(spacing.max(2 * ARRIVES))
    }

    /// True if an iteration that started in time can last until its user's next one at all.
    pub fn may_overlap(&self) -> bool {
        let shortest = match self.wait {
            Wait::Between { min, .. } => min,
            Wait::ConstantPacing(pacing) => pacing,
            Wait::Constant(_) | Wait::Poisson(_) => return true,
        };
        self.longest_iteration + self.store_lead >= shortest
    }

    /// The read of the markers that must come before `item`, in a slot that begins at `begins`; `None` if nobody
    /// can be busy.
    pub fn reading(&self, item: &Due, begins: Timestamp) -> Option<Reading> {
        if let Wait::Constant(_) = self.wait {
            // once, at the beginning: nobody but this tick starts anything in its slot
            return Some(Reading {
                at: begins,
                fresh_from: begins,
            });
        }
        self.may_overlap().then(|| Reading {
            at: item.at - READING_TAKES,
            fresh_from: item.at - self.lead().saturating_sub(ARRIVES),
        })
    }

    /// From when on an iteration of a user must be marked because of a later `slot`, which is another tick's; `None`
    /// if nothing is due in it.
    pub fn marked_from(
        &self,
        plan: &Plan,
        class: usize,
        user: u32,
        slot: Slot,
    ) -> Option<Timestamp> {
        match plan.first_due(class, user, slot) {
            Next::Due(next) => Some(next.at - self.lead()),
            Next::Nothing => None,
            // a change may bring it back at any time
            Next::Gone => Some(self.looks_at(plan, slot)),
        }
    }

    /// The earliest that [`MarkerRules::marked_from`] can be for a slot.
    pub fn looks_at(&self, plan: &Plan, slot: Slot) -> Timestamp {
        plan.run().slots().start(slot) - self.lead()
    }
}

impl Reading {
    /// Whether a read at `read_at` did for `item`: the user's later iterations in a slot only wait for those
    /// before them, in the same process.
    pub fn is_done(&self, item: &Due, read_at: Timestamp) -> bool {
        item.ordinal > 0 || read_at >= self.fresh_from
    }
}

/// True if an iteration may start in a turn at an instant.
pub fn may_start(turn: &Due, at: Timestamp) -> bool {
    at < turn.until - GAP
}

/// From when on an iteration of a turn must be marked.
pub fn turn_marked_from(turn: &Due) -> Timestamp {
    turn.until - ARRIVES
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn rules(wait: &str, longest_iteration: u64) -> MarkerRules {
        MarkerRules {
            wait: Wait::parse(wait).unwrap(),
            longest_iteration: seconds(longest_iteration),
            store_lead: seconds(1),
        }
    }

    #[test]
    fn the_lead_is_the_stores_and_less_for_those_who_are_due_often() {
        for (wait, millis) in [
            ("constant_pacing(10)", 1_000),
            ("constant_pacing(1)", 500),
            ("constant_pacing(0.1)", 150),
            ("between(1.2, 9)", 600),
            ("poisson(4)", 500),
            ("constant(1)", 150),
        ] {
            let lead = rules(wait, 5).lead();
            assert_eq!(lead, Duration::from_millis(millis), "{wait}");
        }
    }

    #[test]
    fn an_iteration_overlaps_only_if_it_and_the_stores_lead_reach_the_next() {
        for (wait, longest, expected) in [
            ("constant_pacing(10)", 8, false),
            ("constant_pacing(10)", 9, true),
            ("between(10, 99)", 8, false),
            ("poisson(3600)", 1, true),
            ("constant(3600)", 1, true),
        ] {
            let may_overlap = rules(wait, longest).may_overlap();
            assert_eq!(may_overlap, expected, "{wait} {longest}");
        }
    }

    #[test]
    fn what_was_read_holds_for_the_rest_of_the_lead_and_for_all_of_a_turn() {
        let begins = Slot(1_800_000_000).full_second();
        let item = Due {
            user: 1,
            ordinal: 0,
            iteration: 7,
            at: begins + Duration::from_millis(600),
            until: begins + seconds(1),
        };
        let planned = rules("constant_pacing(10)", 20).reading(&item, begins);
        let planned = planned.unwrap();
        assert_eq!(planned.at, item.at - Duration::from_millis(20));
        assert!(planned.is_done(&item, item.at - Duration::from_millis(925)));
        assert!(!planned.is_done(&item, item.at - Duration::from_millis(926)));
        let later = Due { ordinal: 1, ..item };
        assert!(planned.is_done(&later, Timestamp::default()));
        assert_eq!(rules("constant_pacing(10)", 8).reading(&item, begins), None);
        let turn = rules("constant(0)", 20).reading(&item, begins).unwrap();
        assert_eq!(turn.at, begins);
        assert!(turn.is_done(&item, begins));
        assert!(may_start(&item, item.until - Duration::from_millis(151)));
        assert!(!may_start(&item, item.until - GAP));
    }
}
