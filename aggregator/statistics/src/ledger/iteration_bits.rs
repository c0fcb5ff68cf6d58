//! The outcomes of one tick's iterations, as bits.
//!
//! Bits are grouped by the iteration's ordinal, because nearly every user has at most one iteration in a slot. Adding the
//! same marks again changes nothing but the number of repetitions.

use serde::{Deserialize, Serialize};
use traffic::plan::Due;
use traffic::record::{Fate, IterationEntry};

/// One bit for each user of a block.
type Users = u128;

/// The users of a block with an iteration due, by ordinal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DueSet {
    first: Users,
    more: Vec<Users>,
}

impl DueSet {
    /// The plan of a block's tick, as bits.
    pub(crate) fn new(first_user: u32, due: &[Due]) -> Self {
        let mut set = Self::default();
        for item in due {
            let user = 1 << (item.user - first_user);
            match (item.ordinal as usize).checked_sub(1) {
                None => set.first |= user,
                Some(number) => {
                    let length = set.more.len().max(number + 1);
                    set.more.resize(length, 0);
                    set.more[number] |= user;
                }
            }
        }
        set
    }

    /// True if an entry's iteration is due.
    pub(crate) fn contains(&self, entry: IterationEntry) -> bool {
        let users = match (entry.ordinal as usize).checked_sub(1) {
            None => Some(&self.first),
            Some(number) => self.more.get(number),
        };
        users.is_some_and(|users| users >> entry.user & 1 == 1)
    }

    /// The number of iterations due.
    pub(crate) fn count(&self) -> u32 {
        std::iter::once(&self.first)
            .chain(&self.more)
            .map(|users| users.count_ones())
            .sum()
    }
}

/// The outcomes of the iterations with one ordinal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Plane {
    done: Users,
    cut_off: Users,
    failed: Users,
    skipped: Users,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IterationBits {
    first: Plane,
    more: Vec<Plane>,
}

/// The number of iterations by outcome; each is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MarkCounts {
    /// Done, cut off or failed.
    pub(crate) recorded: u32,
    /// Cut off and never done.
    pub(crate) cut_off: u32,
    /// Failed, because the session could not be begun, and never anything else.
    pub(crate) failed: u32,
    /// Skipped and never recorded.
    pub(crate) skipped: u32,
}

impl MarkCounts {
    /// The number of iterations with an outcome.
    pub(crate) fn known(self) -> u32 {
        self.recorded + self.skipped
    }
}

impl Plane {
    fn executed(self) -> Users {
        self.done | self.cut_off | self.failed
    }

    fn merge(&mut self, other: Self) -> u32 {
        let again = (self.executed() & other.executed()).count_ones();
        self.done |= other.done;
        self.cut_off |= other.cut_off;
        self.failed |= other.failed;
        self.skipped |= other.skipped;
        again
    }
}

impl IterationBits {
    /// Marks an iteration; true if it was executed before.
    pub(crate) fn mark(&mut self, entry: IterationEntry) -> bool {
        let user = 1 << entry.user;
        let mut plane = Plane::default();
        match entry.fate {
            Fate::Done => plane.done = user,
            Fate::CutOff => plane.cut_off = user,
            Fate::Failed => plane.failed = user,
            Fate::Skipped => plane.skipped = user,
        }
        self.plane(entry.ordinal as usize).merge(plane) > 0
    }

    /// Adds the marks of another; the number of iterations that both had executed.
    pub(crate) fn merge(&mut self, other: &Self) -> u32 {
        let mut again = self.first.merge(other.first);
        for (number, plane) in other.more.iter().enumerate() {
            again += self.plane(number + 1).merge(*plane);
        }
        again
    }

    /// True if nothing is marked.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The number of iterations by outcome.
    pub(crate) fn counts(&self) -> MarkCounts {
        let mut counts = MarkCounts::default();
        for plane in std::iter::once(&self.first).chain(&self.more) {
            counts.recorded += plane.executed().count_ones();
            counts.cut_off += (plane.cut_off & !plane.done).count_ones();
            counts.failed += (plane.failed & !plane.done & !plane.cut_off).count_ones();
            counts.skipped += (plane.skipped & !plane.executed()).count_ones();
        }
        counts
    }

    /// The number of iterations that were executed.
    pub(crate) fn executed(&self) -> u32 {
        self.counts().recorded
    }

    fn plane(&mut self, ordinal: usize) -> &mut Plane {
        let Some(number) = ordinal.checked_sub(1) else {
            return &mut self.first;
        };
        if number >= self.more.len() {
            self.more.resize(number + 1, Plane::default());
        }
        &mut self.more[number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(user: u8, ordinal: u32, fate: Fate) -> IterationEntry {
        IterationEntry {
            user,
            ordinal,
            fate,
        }
    }

    fn counts(recorded: u32, cut_off: u32, skipped: u32) -> MarkCounts {
        MarkCounts {
            recorded,
            cut_off,
            failed: 0,
            skipped,
        }
    }

    #[test]
    fn a_failed_iteration_is_recorded_and_counted_by_itself() {
        let mut marks = IterationBits::default();
        marks.mark(entry(3, 0, Fate::Failed));
        assert_eq!((marks.counts().recorded, marks.counts().failed), (1, 1));
        assert!(marks.mark(entry(3, 0, Fate::Done)), "executed twice");
        assert_eq!(marks.counts(), counts(1, 0, 0));
    }

    #[test]
    fn done_beats_cut_off_beats_skipped() {
        let mut marks = IterationBits::default();
        assert!(!marks.mark(entry(99, 2, Fate::Skipped)));
        assert_eq!(marks.counts(), counts(0, 0, 1));
        assert!(!marks.mark(entry(99, 2, Fate::CutOff)));
        assert_eq!(marks.counts(), counts(1, 1, 0));
        assert!(marks.mark(entry(99, 2, Fate::Done)), "executed twice");
        assert_eq!(marks.counts(), counts(1, 0, 0));
    }

    #[test]
    fn merging_counts_what_both_had_executed() {
        let (mut one, mut two) = (IterationBits::default(), IterationBits::default());
        for user in 0..3 {
            one.mark(entry(user, 0, Fate::Done));
            two.mark(entry(user + 1, 0, Fate::CutOff));
        }
        two.mark(entry(0, 0, Fate::Skipped));
        assert_eq!(one.merge(&two), 2);
        assert_eq!(one.counts(), counts(4, 1, 0));
    }
}
