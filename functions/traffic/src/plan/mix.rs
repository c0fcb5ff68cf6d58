//! Which user of the ramp belongs to which class, as Locust's dispatcher decides it.
//!
//! Locust yields users one after another: first the classes with a fixed count, then the others by
//! weight, each time the class that lowers the Kullback-Leibler divergence from the wanted shares
//! most. A class's j-th user has the score `w * log2((w + j) / (w + j + 1))`, and the sequence is all
//! scores in ascending order; so a user's position in the ramp is the number of scores below its own,
//! which needs no walk along the ramp.

use std::cmp::Ordering;

use crate::run::Share;

/// The order in which a ramp starts the users of several classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    /// Classes with a fixed count, sorted by name; all of their users come first.
    fixed: Vec<Member>,
    /// Classes that share what is left by weight, sorted by name.
    weighted: Vec<Member>,
    fixed_total: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Member {
    class: usize,
    weight: f64,
}

/// The key that one user of a class is sorted by. Locust's tie-breakers after the score are the count so
/// far, the weight and the name; members are numbered by name.
#[derive(Clone, Copy, Debug)]
struct Score {
    score: f64,
    count: f64,
    weight: f64,
    member: usize,
}

impl Mix {
    /// The order for `shares`, whose classes are numbered by `class_number`; classes it does not
    /// know are left out.
    pub fn new(shares: &[Share], class_number: impl Fn(&str) -> Option<usize>) -> Self {
        let mut sorted: Vec<&Share> = shares.iter().collect();
        sorted.sort_by(|a, b| a.class.cmp(&b.class));
        let members = |fixed: bool| -> Vec<Member> {
            sorted
                .iter()
                .filter(|share| (share.fixed_count > 0) == fixed)
                .map(|share| {
                    (
                        share,
                        if fixed {
                            share.fixed_count
                        } else {
                            share.weight
                        },
                    )
                })
                .filter(|&(_, weight)| weight > 0)
                .filter_map(|(share, weight)| {
                    let class = class_number(&share.class)?;
                    Some(Member {
                        class,
                        weight: f64::from(weight),
                    })
                })
                .collect()
        };
        let fixed = members(true);
        let fixed_total = fixed.iter().map(|member| member.weight as u64).sum();
        Self {
            fixed,
            weighted: members(false),
            fixed_total,
        }
    }

    /// The users it can start at all: without weighted classes, only the fixed ones.
    pub fn capacity(&self) -> u64 {
        if self.weighted.is_empty() {
            self.fixed_total
        } else {
            u64::MAX
        }
    }

    /// The position in the ramp, from 0, of a class's user `index`.
    pub fn position(&self, class: usize, index: u32) -> Option<u64> {
        let (before, members, member) = self.members_of(class)?;
        let limit = if before == 0 && !self.fixed.is_empty() {
            members[member].weight
        } else {
            f64::INFINITY
        };
        if f64::from(index) >= limit {
            return None;
        }
        let own = Score::of(members, member, u64::from(index));
        let lower: u64 = (0..members.len())
            .map(|other| {
                if other == member {
                    u64::from(index)
                } else {
                    scores_below(members, other, own)
                }
            })
            .sum();
        Some(before + lower)
    }

    /// The number of a class's users among the first `count` of the ramp.
    pub fn class_count(&self, class: usize, count: u64) -> u32 {
        let mut low = 0_u32;
        let mut high = u32::try_from(count).unwrap_or(u32::MAX);
        while low < high {
            let middle = low + (high - low) / 2;
            if self
                .position(class, middle)
                .is_some_and(|position| position < count)
            {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Numbers of the classes that take part.
    pub fn classes(&self) -> impl Iterator<Item = usize> + '_ {
        self.fixed
            .iter()
            .chain(&self.weighted)
            .map(|member| member.class)
    }

    fn members_of(&self, class: usize) -> Option<(u64, &[Member], usize)> {
        let find = |members: &[Member]| members.iter().position(|member| member.class == class);
        if let Some(member) = find(&self.fixed) {
            return Some((0, &self.fixed, member));
        }
        find(&self.weighted).map(|member| (self.fixed_total, self.weighted.as_slice(), member))
    }
}

impl Score {
    fn of(members: &[Member], member: usize, index: u64) -> Self {
        let weight = members[member].weight;
        let x = weight + index as f64;
        Self {
            score: weight * libm::log2(x / (x + 1.0)),
            count: x + 1.0,
            weight,
            member,
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then(self.count.total_cmp(&other.count))
            .then(self.weight.total_cmp(&other.weight))
            .then(self.member.cmp(&other.member))
    }
}

/// The number of a member's users with a score below `bound`.
fn scores_below(members: &[Member], member: usize, bound: Score) -> u64 {
    // the score's inverse gives the number up to rounding, the scores themselves the rest
    let weight = members[member].weight;
    let ratio = libm::exp2(bound.score / weight);
    let estimate = (1.0 / (1.0 - ratio) - weight - 1.0).max(0.0);
    let mut count = estimate as u64;
    let is_below = |index| Score::of(members, member, index).cmp(&bound) == Ordering::Less;
    while count > 0 && !is_below(count - 1) {
        count -= 1;
    }
    while is_below(count) {
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(class: &str, weight: u32, fixed_count: u32) -> Share {
        Share::new(class, weight, fixed_count)
    }

    fn number(class: &str) -> Option<usize> {
        class.strip_prefix('C')?.parse().ok()
    }

    /// The sequence as Locust makes it: a walk that picks the lowest score each time.
    fn walk(mix: &Mix, length: usize) -> Vec<usize> {
        let mut sequence = Vec::new();
        for (members, limit) in [(&mix.fixed, mix.fixed_total), (&mix.weighted, u64::MAX)] {
            let mut counts = vec![0; members.len()];
            let mut taken = 0;
            while sequence.len() < length && taken < limit && !members.is_empty() {
                let next = (0..members.len())
                    .map(|member| Score::of(members, member, counts[member]))
                    .min_by(Score::cmp)
                    .unwrap();
                counts[next.member] += 1;
                taken += 1;
                sequence.push(members[next.member].class);
            }
        }
        sequence
    }

    proptest! {
        #[test]
        fn random_access_equals_the_walk(
            weights in prop::collection::vec((1_u32..40, prop_oneof![3 => Just(0_u32), 1 => 1_u32..20]), 1..7),
        ) {
            let shares: Vec<Share> = weights
                .iter()
                .enumerate()
                .map(|(n, &(weight, fixed))| share(&format!("C{n}"), weight, fixed))
                .collect();
            let mix = Mix::new(&shares, number);
            let sequence = walk(&mix, 300);
            let mut counts = vec![0; shares.len()];
            for (position, &class) in sequence.iter().enumerate() {
                prop_assert_eq!(mix.position(class, counts[class]), Some(position as u64));
                counts[class] += 1;
            }
            for (class, &count) in counts.iter().enumerate() {
                prop_assert_eq!(mix.class_count(class, sequence.len() as u64), count);
            }
        }

        #[test]
        fn equal_weights_split_evenly_at_every_even_count(weight in 1_u32..100, half in 0_u64..5_000) {
            let mix = Mix::new(&[share("C0", weight, 0), share("C1", weight, 0)], number);
            prop_assert_eq!(mix.class_count(0, 2 * half), half as u32);
            prop_assert_eq!(mix.class_count(1, 2 * half), half as u32);
        }
    }

    #[test]
    fn fixed_counts_come_first_and_end() {
        let mix = Mix::new(&[share("C0", 1, 2), share("C1", 1, 0)], number);
        assert_eq!(mix.position(0, 1), Some(1));
        assert_eq!(mix.position(0, 2), None);
        assert_eq!(mix.position(1, 0), Some(2));
        let only_fixed = Mix::new(&[share("C0", 1, 2)], number);
        assert_eq!(only_fixed.capacity(), 2);
    }

    #[test]
    fn a_million_users_are_found_without_a_walk() {
        let shares: Vec<Share> = (0..6).map(|n| share(&format!("C{n}"), 1, 0)).collect();
        let mix = Mix::new(&shares, number);
        assert_eq!(mix.class_count(3, 1_000_000), 166_667);
        assert_eq!(mix.position(3, 166_666), Some(999_999));
    }
}
