//! Counts over time, in intervals that grow with age.
//!
//! Intervals are five seconds long while they are young and up to months when they are old, so that a year takes hardly
//! more room than a day. Each length is a multiple of the one before, and intervals begin at whole multiples of their
//! length, so they only ever grow together. The length of an interval follows from the newest second alone. So thinning
//! early, late or in several goes gives the same, and so does any order of counting, but for peaks: those of an interval that
//! has grown are of what was counted before it grew, and of each later piece by itself. Rows, of which there are many, are
//! kept at a [`Coarse`] scale, and their sum at a [`Fine`] one.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::stats::smallest_keys::Merge;

/// Lengths of intervals in seconds.
const LENGTHS: [u64; 19] = [
    5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 172_800, 345_600,
    691_200, 1_382_400, 2_764_800, 5_529_600, 11_059_200,
];

/// About 48 intervals of a length reach back from now: four minutes by 5 s, a day by half hours.
const REACH: u64 = 48;

/// The lengths of a series, each with the number of its intervals that reach back from now.
pub(crate) trait Scale {
    /// By length; the last one reaches back for ever.
    const STEPS: &'static [(u64, u64)];
}

/// The scale of one of many series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coarse;

/// The scale of one series: 5 s for an hour, 30 s for a day, 5 min for two days and half an hour for a week.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fine;

impl Scale for Coarse {
    const STEPS: &'static [(u64, u64)] = &with_reach(LENGTHS);
}

impl Scale for Fine {
    const STEPS: &'static [(u64, u64)] = &[
        (5, 720),
        (30, 2_880),
        (300, 576),
        (1_800, 336),
        (3_600, 336),
        (10_800, REACH * 5),
        (21_600, REACH * 3),
        (43_200, REACH * 2),
        (86_400, REACH * 2),
        (172_800, REACH),
        (345_600, REACH),
        (691_200, REACH),
        (1_382_400, REACH),
        (2_764_800, REACH),
        (5_529_600, REACH),
        (11_059_200, REACH),
    ];
}

const fn with_reach<const N: usize>(lengths: [u64; N]) -> [(u64, u64); N] {
    let mut steps = [(0, REACH); N];
    let mut number = 0;
    while number < N {
        steps[number].0 = lengths[number];
        number += 1;
    }
    steps
}

/// The latest two intervals keep the room to count fast: results of one come while the next has begun.
const COUNTING: usize = 2;

/// Seconds in the shortest interval.
pub(crate) const SHORTEST: u64 = LENGTHS[0];

/// A stretch of time in whole seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    /// The first second.
    pub(crate) start: u64,
    /// The length.
    pub(crate) seconds: u64,
}

impl Interval {
    /// The interval that `second` lies in when `newest` is the newest second.
    pub(crate) fn of<C: Scale>(second: u64, newest: u64) -> Self {
        // changes once per shortest interval
        let newest = newest - newest % SHORTEST;
        let reaches = C::STEPS.windows(2).find(|pair| {
            let [(length, reach), (longer, _)] = [pair[0], pair[1]];
            let oldest = newest.saturating_sub(reach * length);
            second >= oldest - oldest % longer
        });
        let seconds = reaches.map_or(C::STEPS[C::STEPS.len() - 1].0, |pair| pair[0].0);
        Self {
            start: second - second % seconds,
            seconds,
        }
    }

    /// The first `newest` for which the interval is a part of a longer one.
    fn grows_at<C: Scale>(self) -> u64 {
        let is_its = |pair: &&[(u64, u64)]| pair[0].0 == self.seconds;
        C::STEPS.windows(2).find(is_its).map_or(u64::MAX, |pair| {
            let [(length, reach), (longer, _)] = [pair[0], pair[1]];
            let boundary = (self.start / longer)
                .saturating_add(1)
                .saturating_mul(longer);
            boundary.saturating_add(reach * length)
        })
    }

    fn contains(self, second: u64) -> bool {
        self.start <= second && second < self.end()
    }

    /// The first second after it.
    pub(crate) fn end(self) -> u64 {
        self.start.saturating_add(self.seconds)
    }

    /// All intervals from the one of `first` to the one of `newest`, without gaps.
    pub(crate) fn all<C: Scale>(first: u64, newest: u64) -> impl Iterator<Item = Self> {
        let from = Some(first).filter(|&first| first <= newest);
        let intervals = std::iter::successors(from, move |&second| {
            Some(Self::of::<C>(second, newest).end()).filter(|&next| next <= newest)
        });
        intervals.map(move |second| Self::of::<C>(second, newest))
    }
}

/// Something that is counted per interval.
pub(crate) trait Counted: Merge + Clone {
    /// Drops the detail that an interval of this length does not keep, and the room for counting fast. Thinning again, or
    /// parts of it that lie five seconds apart before they are merged, must not make a difference.
    fn thin(&mut self, seconds: u64);

    /// False for a value that cannot have been counted, but was read from damaged bytes.
    fn is_sane(&self) -> bool;
}

#[derive(Clone, Debug)]
pub(crate) struct AgeingSeries<T, C = Coarse> {
    scale: PhantomData<C>,
    newest: u64,
    /// The next `newest` for which an interval becomes longer.
    due: u64,
    /// By time; `newest` gives the length of each.
    intervals: Vec<(Interval, T)>,
}

/// A series as a checkpoint keeps it; written from borrowed counts and read into owned ones.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved<T> {
    newest: u64,
    /// The seconds from the start of the interval before, and the counts.
    intervals: Vec<(u64, T)>,
}

impl<T, C> Default for AgeingSeries<T, C> {
    fn default() -> Self {
        Self {
            scale: PhantomData,
            newest: 0,
            due: u64::MAX,
            intervals: Vec::new(),
        }
    }
}

impl<T: Counted, C: Scale + Clone> AgeingSeries<T, C> {
    /// Counts something that happened in `second`.
    pub(crate) fn count(&mut self, second: u64, count: impl FnOnce(&mut T)) {
        let latest = self.intervals.iter_mut().rev().take(COUNTING);
        for (interval, counted) in latest {
            // no second of a short interval in the series makes another one longer
            if interval.seconds == SHORTEST && interval.contains(second) {
                self.newest = self.newest.max(second);
                return count(counted);
            }
        }
        self.count_elsewhere(second, count);
    }

    fn count_elsewhere(&mut self, second: u64, count: impl FnOnce(&mut T)) {
        self.advance(second);
        let interval = Interval::of::<C>(second, self.newest);
        let number = self.number_of(interval);
        let counted = &mut self.intervals[number].1;
        if interval.seconds > SHORTEST {
            // by itself: what is there has been thinned
            let mut late = T::default();
            count(&mut late);
            late.thin(interval.seconds);
            counted.merge(&late);
        } else {
            count(counted);
        }
        let counting = self.intervals.len().saturating_sub(COUNTING);
        if number < counting || interval.seconds > SHORTEST {
            self.intervals[number].1.thin(interval.seconds);
        }
        if let Some((before, counted)) = self.intervals[..counting].last_mut() {
            counted.thin(before.seconds);
        }
    }

    /// The place of an interval, which is made when it is missing; nearly always it is the last.
    fn number_of(&mut self, interval: Interval) -> usize {
        let starts = |(known, _): &(Interval, T)| known.start;
        let last = self.intervals.last().map(starts);
        if last == Some(interval.start) {
            return self.intervals.len() - 1;
        }
        let found = if last < Some(interval.start) {
            Err(self.intervals.len())
        } else {
            self.intervals.binary_search_by_key(&interval.start, starts)
        };
        found.unwrap_or_else(|number| {
            self.due = self.due.min(interval.grows_at::<C>());
            self.intervals.insert(number, (interval, T::default()));
            number
        })
    }

    /// Makes `newest` the newest second, if it is later, and thins the intervals that become longer.
    pub(crate) fn advance(&mut self, newest: u64) {
        if newest <= self.newest {
            return;
        }
        self.newest = newest;
        if newest < self.due {
            return;
        }
        let mut thinned: Vec<(Interval, T)> = Vec::with_capacity(self.intervals.len());
        for (known, mut counted) in self.intervals.drain(..) {
            let interval = Interval::of::<C>(known.start, newest);
            // an interval of the same length has been thinned before, or is still counted in
            if interval != known {
                counted.thin(interval.seconds);
            }
            match thinned.last_mut() {
                Some((last, sum)) if *last == interval => sum.merge(&counted),
                _ => thinned.push((interval, counted)),
            }
        }
        let grow = thinned.iter().map(|(interval, _)| interval.grows_at::<C>());
        self.due = grow.min().unwrap_or(u64::MAX);
        self.intervals = thinned;
    }

    /// The series after [`Self::advance`].
    pub(crate) fn as_of(&self, newest: u64) -> Self {
        let mut later = self.clone();
        later.advance(newest);
        later
    }

    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// The intervals with any counts, by time.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Interval, &T)> {
        self.intervals
            .iter()
            .map(|(interval, counted)| (*interval, counted))
    }

    /// What was counted in each interval, to be changed.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.intervals.iter_mut().map(|(_, counted)| counted)
    }

    /// The counts of an interval, if there are any.
    pub(crate) fn get(&self, interval: Interval) -> Option<&T> {
        let starts = |(known, _): &(Interval, T)| known.start;
        let number = self.intervals.binary_search_by_key(&interval.start, starts);
        let (known, counted) = &self.intervals[number.ok()?];
        (*known == interval).then_some(counted)
    }

    pub(crate) fn save(&self) -> Saved<&T> {
        let mut last = 0;
        let mut intervals = Vec::with_capacity(self.intervals.len());
        for (interval, counted) in &self.intervals {
            intervals.push((interval.start - last, counted));
            last = interval.start;
        }
        Saved {
            newest: self.newest,
            intervals,
        }
    }
}

impl<T: Counted, C: Scale + Clone> Merge for AgeingSeries<T, C> {
    fn merge(&mut self, other: &Self) {
        self.advance(other.newest);
        for (interval, counted) in other.iter() {
            self.count(interval.start, |own| own.merge(counted));
        }
    }
}

impl<T: Counted> Saved<T> {
    /// The series again, or `None` if the bytes were damaged.
    pub(crate) fn load<C: Scale>(self) -> Option<AgeingSeries<T, C>> {
        let mut loaded = AgeingSeries {
            scale: PhantomData,
            newest: self.newest,
            due: u64::MAX,
            intervals: Vec::with_capacity(self.intervals.len()),
        };
        let mut start: u64 = 0;
        for (number, (gap, counted)) in self.intervals.into_iter().enumerate() {
            start = start.checked_add(gap)?;
            let is_next = number == 0 || gap > 0;
            let interval = Interval::of::<C>(start, self.newest);
            if !is_next || start > self.newest || interval.start != start || !counted.is_sane() {
                return None;
            }
            loaded.due = loaded.due.min(interval.grows_at::<C>());
            loaded.intervals.push((interval, counted));
        }
        Some(loaded)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Counted for u64 {
        fn thin(&mut self, _: u64) {}

        fn is_sane(&self) -> bool {
            true
        }
    }

    /// What was counted, without what is too fine for its interval.
    #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
    struct Seconds(std::collections::BTreeMap<u64, u64>);

    impl Merge for Seconds {
        fn merge(&mut self, other: &Self) {
            for (second, count) in &other.0 {
                *self.0.entry(*second).or_default() += count;
            }
        }
    }

    impl Counted for Seconds {
        fn thin(&mut self, seconds: u64) {
            if seconds > SHORTEST {
                let count = self.0.values().sum();
                let first = self.0.keys().next().map(|second| second - second % seconds);
                self.0 = first.map(|first| (first, count)).into_iter().collect();
            }
        }

        fn is_sane(&self) -> bool {
            true
        }
    }

    const NOW: u64 = 1_795_000_000;
    const YEAR: u64 = 365 * 86_400;

    fn counted(seconds: &[u64]) -> AgeingSeries<u64> {
        let mut thinned = AgeingSeries::default();
        for &second in seconds {
            thinned.count(second, |count| *count += 1);
        }
        thinned
    }

    fn all(thinned: &AgeingSeries<u64>) -> Vec<(Interval, u64)> {
        thinned
            .iter()
            .map(|(interval, count)| (interval, *count))
            .collect()
    }

    #[test]
    fn intervals_follow_one_another_and_grow_with_age() {
        for newest in NOW..NOW + 100 {
            let all: Vec<_> = Interval::all::<Coarse>(NOW - YEAR, newest).collect();
            for pair in all.windows(2) {
                assert_eq!(pair[0].end(), pair[1].start);
                assert!(pair[0].seconds >= pair[1].seconds);
                assert!(pair[0].seconds.is_multiple_of(pair[1].seconds));
            }
            let last = all.last().unwrap();
            assert_eq!(last.seconds, SHORTEST);
            assert!(last.start <= newest && newest < last.end());
            let fine = all.iter().filter(|one| one.seconds == SHORTEST).count() as u64;
            assert!((REACH..=REACH + 2).contains(&fine), "{fine}");
        }
    }

    #[test]
    fn an_interval_grows_when_it_says_so_and_not_before() {
        for age in [0, 7, 241, 500, 3_000, 90_000, 40_000_000] {
            let interval = Interval::of::<Coarse>(NOW - age, NOW);
            let at = interval.grows_at::<Coarse>();
            assert_eq!(
                Interval::of::<Coarse>(interval.start, at - 1),
                interval,
                "{age}"
            );
            assert!(
                Interval::of::<Coarse>(interval.start, at).seconds > interval.seconds,
                "{age}"
            );
        }
    }

    #[test]
    fn a_year_has_hardly_more_intervals_than_a_day() {
        let count = |seconds| Interval::all::<Coarse>(NOW - seconds, NOW).count();
        assert!(count(3_600) < 170, "{}", count(3_600));
        assert!(count(86_400) < 240, "{}", count(86_400));
        assert!(count(31 * 86_400) < 360, "{}", count(31 * 86_400));
        assert!(count(YEAR) < 450, "{}", count(YEAR));
        assert!(count(20 * YEAR) < 600, "{}", count(20 * YEAR));
    }

    #[test]
    fn the_sum_has_an_hour_of_5_s_and_a_day_of_30_s_and_a_month_takes_little_more() {
        let all: Vec<_> = Interval::all::<Fine>(NOW - 31 * 86_400, NOW).collect();
        let within = |seconds: u64, length: u64| {
            let mut young = all.iter().filter(|one| one.start >= NOW - seconds);
            young.all(|one| one.seconds <= length)
        };
        assert!(within(3_600, 5) && within(86_400, 30) && within(2 * 86_400, 300));
        for pair in all.windows(2) {
            assert_eq!(pair[0].end(), pair[1].start);
            assert!(pair[0].seconds.is_multiple_of(pair[1].seconds));
        }
        let day = Interval::all::<Fine>(NOW - 86_400, NOW).count();
        assert!((3_400..3_600).contains(&day), "{day}");
        assert!(all.len() < 4_700, "{}", all.len());
        for (number, &(length, _)) in Fine::STEPS.iter().enumerate().skip(1) {
            assert!(length.is_multiple_of(Fine::STEPS[number - 1].0));
        }
    }

    proptest! {
        #[test]
        fn for_every_order_what_is_old_is_as_coarse_as_it_is_to_be(
            ages in prop::collection::vec(prop_oneof![0..30_u64, 0..900_u64, 0..90_000_u64], 1..40),
        ) {
            let mut thinned = AgeingSeries::<Seconds>::default();
            for age in &ages {
                let second = NOW - age;
                thinned.count(second, |seconds| *seconds.0.entry(second).or_default() += 1);
            }
            let mut sorted = ages.clone();
            sorted.sort_unstable();
            let mut expected = AgeingSeries::<Seconds>::default();
            for age in sorted {
                let second = NOW - age;
                expected.count(second, |seconds| *seconds.0.entry(second).or_default() += 1);
            }
            let all = |thinned: &AgeingSeries<Seconds>| -> Vec<_> {
                let later = thinned.as_of(NOW);
                later.iter().map(|(interval, seconds)| (interval, seconds.clone())).collect()
            };
            prop_assert_eq!(all(&thinned), all(&expected));
        }
    }

    #[test]
    fn what_was_saved_is_read_again_and_nothing_else_is() {
        let thinned = counted(&[NOW - YEAR, NOW - 5_000, NOW - 30, NOW]);
        let saved = |change: fn(&mut Saved<u64>)| {
            let borrowed = thinned.save();
            let intervals = borrowed.intervals.iter().map(|&(gap, &count)| (gap, count));
            let mut saved = Saved {
                newest: borrowed.newest,
                intervals: intervals.collect(),
            };
            change(&mut saved);
            saved.load::<Coarse>()
        };
        let same = saved(|_| {}).expect("it was one");
        assert_eq!(all(&same), all(&thinned));
        assert!(saved(|saved| saved.newest -= 100).is_none());
        assert!(saved(|saved| saved.intervals[1].0 = 0).is_none());
        assert!(saved(|saved| saved.intervals[0].0 += 1).is_none());
        assert!(saved(|saved| saved.intervals[2].0 = u64::MAX).is_none());
    }

    proptest! {
        #[test]
        fn for_every_order_and_every_partition_it_is_the_same(
            ages in prop::collection::vec(
                prop_oneof![0..400_u64, 0..20_000_u64, 0..3 * YEAR], 1..60),
            order in any::<prop::sample::Index>(),
            parts in prop::collection::vec(0..4_usize, 60),
        ) {
            let mut seconds: Vec<u64> = ages.iter().map(|age| NOW - age).collect();
            let expected = counted(&seconds);
            let total: u64 = expected.iter().map(|(_, count)| count).sum();
            prop_assert_eq!(total, seconds.len() as u64);
            let middle = order.index(seconds.len());
            seconds.rotate_left(middle);
            seconds[..middle].reverse();
            let mut merged: [AgeingSeries<u64>; 4] = Default::default();
            for (second, part) in seconds.iter().zip(parts) {
                merged[part].count(*second, |count| *count += 1);
            }
            let [mut one, two, mut three, four] = merged;
            three.merge(&four);
            one.merge(&three);
            one.merge(&two);
            prop_assert_eq!(all(&one), all(&expected));
            // thinned at once, or on the way
            let later = NOW + middle as u64 * 1_000;
            prop_assert_eq!(
                all(&one.as_of(NOW + middle as u64).as_of(later)),
                all(&expected.as_of(later))
            );
        }
    }
}
