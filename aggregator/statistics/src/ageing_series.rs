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
mod tests;
