//! Which record of a file an iteration gets: a pure function of its user, its number and the run's seed.
//!
//! Nobody counts rows, since iterations are executed in any order and in several processes. So an order is an order for
//! each user, whose iterations have numbers.

use crate::random::{Draws, mix};

/// The choice of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Row {
    /// Drawn anew each time.
    #[default]
    Random,
    /// A user's own: user 7 has row 7, counted from 0; after the last row comes the first again.
    User,
    /// A user's iterations go through the file.
    Sequential,
    /// The same in an order that is drawn for each user and each time that it goes through the file.
    Shuffled,
}

/// Whose iteration it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taker {
    pub(super) user: u32,
    pub(super) iteration: u64,
    /// Differs between runs, classes and users.
    pub(super) key: u64,
}

impl Row {
    /// The forms of `row`, for messages.
    pub(super) const EXPECTED: &'static str =
        "\"random\", \"user\" (user 7 has row 7), \"sequential\" or \"shuffled\"";

    /// Reads one by its name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "random" => Some(Self::Random),
            "user" => Some(Self::User),
            "sequential" => Some(Self::Sequential),
            "shuffled" => Some(Self::Shuffled),
            _ => None,
        }
    }

    /// The row of `count`, which are at least one.
    pub(super) fn choose(self, count: u64, taker: &Taker, draws: &mut Draws) -> u64 {
        match self {
            Self::Random => draws.below(count),
            Self::User => u64::from(taker.user) % count,
            Self::Sequential => taker.iteration % count,
            Self::Shuffled => {
                let key = mix(taker.key ^ mix(taker.iteration / count));
                shuffled(taker.iteration % count, count, key)
            }
        }
    }
}

/// Where a place of `0..count` is in the order that `key` stands for: a Feistel network over the next power of four,
/// walked until it leads into the range, so that no list is kept.
fn shuffled(place: u64, count: u64, key: u64) -> u64 {
    let bits = u64::BITS - count.saturating_sub(1).leading_zeros();
    let half = bits.div_ceil(2).max(1);
    let mask = (1 << half) - 1;
    let mut at = place;
    loop {
        let (mut left, mut right) = (at >> half, at & mask);
        for round in 0..4 {
            let moved = left ^ (mix(key.wrapping_add(round) ^ mix(right)) & mask);
            (left, right) = (right, moved);
        }
        at = left << half | right;
        if at < count {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn rows(row: Row, count: u64, user: u32, iterations: u64) -> Vec<u64> {
        let taken = |iteration| {
            let taker = Taker {
                user,
                iteration,
                key: u64::from(user) + 17,
            };
            row.choose(count, &taker, &mut Draws::new(1, "A", user, iteration))
        };
        (0..iterations).map(taken).collect()
    }

    proptest! {
        #[test]
        fn every_row_comes_once_before_one_comes_again(count in 1..300_u64, user: u32) {
            let taken = rows(Row::Shuffled, count, user, 2 * count);
            for pass in taken.chunks(count as usize) {
                let distinct: BTreeSet<_> = pass.iter().collect();
                prop_assert_eq!(distinct.len() as u64, count);
                prop_assert!(pass.iter().all(|row| *row < count));
            }
        }
    }

    #[test]
    fn each_user_and_each_pass_has_an_order_of_its_own() {
        let taken = rows(Row::Shuffled, 100, 3, 200);
        assert_ne!(taken[..100], taken[100..]);
        assert_ne!(taken, rows(Row::Shuffled, 100, 4, 200));
        assert_eq!(taken, rows(Row::Shuffled, 100, 3, 200));
    }

    #[test]
    fn a_user_has_its_row_and_iterations_go_through_the_file() {
        assert_eq!(rows(Row::User, 5, 7, 3), [2, 2, 2]);
        assert_eq!(rows(Row::Sequential, 3, 7, 5), [0, 1, 2, 0, 1]);
        let drawn: BTreeSet<_> = rows(Row::Random, 3, 7, 100).into_iter().collect();
        assert_eq!(drawn.len(), 3);
    }

    #[test]
    fn a_row_has_the_names_of_the_documentation() {
        assert_eq!(Row::named("shuffled"), Some(Row::Shuffled));
        assert_eq!(Row::named("unique"), None);
    }
}
