//! Intervals only ever grow together, and any order of counting gives the same.

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
