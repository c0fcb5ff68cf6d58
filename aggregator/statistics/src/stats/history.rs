//! What the statistics keep of the past: for each interval what was counted in it.
//!
//! A row of the statistics has a series of its own as long as there are few of them; all others share
//! one, and so does their sum. Response times keep Locust's keys while an interval is young; when it is old, keys that are
//! less than a tenth apart become one. An interval that grows keeps the figures of its worst five seconds.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entry::{Entry, Sum};
use super::histogram::{Histogram, PERCENTILES};
use super::smallest_keys::Merge;
use super::streams::StreamsPassed;
use crate::ageing_series::{Counted, SHORTEST};

/// More keys than this are counted fast.
const FEW: usize = 4;

/// A response time of more than a century is counted as one of a century, by this key.
const CENTURY: u64 = u32::MAX as u64;

/// Intervals of so many seconds and more keep response times coarsely.
const COARSE_FROM: u64 = 30;

/// What was counted in an interval.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Passed {
    /// What all of it adds up to.
    pub(crate) sum: Sum,
    times: Times,
    /// Streamed responses, if there were any.
    pub(crate) streams: Option<Box<StreamsPassed>>,
    /// Of an interval that has grown.
    peak: Option<Box<Peak>>,
}

/// The worst five seconds of an interval: each figure is the greatest of any.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Peak {
    /// Response times in milliseconds at [`PERCENTILES`].
    percentiles: [u64; PERCENTILES.len()],
    failures: u64,
}

impl Peak {
    fn of(passed: &Passed) -> Self {
        let mut times = Histogram::default();
        passed.add_times_to(&mut times);
        Self {
            percentiles: times.percentiles(PERCENTILES),
            failures: passed.sum.failures,
        }
    }

    /// Response times in milliseconds at [`PERCENTILES`].
    pub(crate) fn percentiles(&self) -> [u64; PERCENTILES.len()] {
        self.percentiles
    }

    /// Failures a second.
    pub(crate) fn fail_per_sec(&self) -> f64 {
        self.failures as f64 / SHORTEST as f64
    }
}

impl Merge for Peak {
    fn merge(&mut self, other: &Self) {
        for (own, other) in self.percentiles.iter_mut().zip(other.percentiles) {
            *own = (*own).max(other);
        }
        self.failures = self.failures.max(other.failures);
    }
}

/// Response times by the histogram's keys.
#[derive(Clone, Debug)]
enum Times {
    /// Keys and how often, by key: little room.
    Few(Vec<(u32, u64)>),
    /// Counted by an array's increments: fast.
    Many(Box<Histogram>),
}

impl Default for Times {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Passed {
    /// Counts a response time by its key.
    pub(crate) fn add_time(&mut self, key: u64) {
        match &mut self.times {
            Times::Many(histogram) if key <= CENTURY => histogram.add(key),
            times => times.add(key, 1),
        }
    }

    /// The worst five seconds of an interval that has grown; of one of five seconds there is no more than its figures.
    pub(crate) fn peak(&self) -> Option<&Peak> {
        self.peak.as_deref()
    }

    pub(super) fn forget_peak(&mut self) {
        self.peak = None;
    }

    /// Adds the response times to a histogram.
    pub(crate) fn add_times_to(&self, histogram: &mut Histogram) {
        self.times.each(|key, count| histogram.add_many(key, count));
    }

    /// Adds all of it to what was counted so far.
    pub(crate) fn add_to(&self, entry: &mut Entry) {
        entry.sum.merge(&self.sum);
        self.add_times_to(&mut entry.histogram);
    }
}

impl Merge for Passed {
    fn merge(&mut self, other: &Self) {
        self.sum.merge(&other.sum);
        self.times.merge(&other.times);
        if let Some(peak) = &other.peak {
            self.peak.get_or_insert_default().merge(peak);
        }
        if let Some(streams) = &other.streams {
            self.streams.get_or_insert_default().merge(streams);
        }
    }
}

impl Times {
    fn add(&mut self, key: u64, count: u64) {
        let key = key.min(CENTURY) as u32;
        match self {
            Self::Many(histogram) => histogram.add_many(key.into(), count),
            Self::Few(times) => {
                match times.binary_search_by_key(&key, |&(known, _)| known) {
                    Ok(number) => {
                        let known = &mut times[number].1;
                        *known = known.saturating_add(count);
                    }
                    Err(number) => times.insert(number, (key, count)),
                }
                if times.len() > FEW {
                    self.count_fast();
                }
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            // in one go: old intervals become one all the time, and are counted in no more
            (Self::Few(own), Self::Few(others)) => {
                own.extend_from_slice(others);
                own.sort_by_key(|&(key, _)| key);
                add_up(own);
            }
            _ => other.each(|key, count| self.add(key, count)),
        }
    }

    fn each(&self, mut found: impl FnMut(u64, u64)) {
        match self {
            Self::Few(times) => {
                let times = times.iter();
                times.for_each(|&(key, count)| found(key.into(), count));
            }
            Self::Many(histogram) => histogram.iter().for_each(|(key, count)| found(key, count)),
        }
    }

    fn count_fast(&mut self) {
        let mut histogram = Histogram::default();
        self.each(|key, count| histogram.add_many(key, count));
        *self = Self::Many(Box::new(histogram));
    }

    /// The keys and how often, in little room.
    fn few(&mut self) -> &mut Vec<(u32, u64)> {
        if let Self::Many(histogram) = self {
            let times = histogram.iter();
            *self = Self::Few(times.map(|(key, count)| (key as u32, count)).collect());
        }
        match self {
            Self::Few(times) => times,
            Self::Many(_) => unreachable!("it was just made few"),
        }
    }
}

impl Counted for Passed {
    fn thin(&mut self, seconds: u64) {
        if seconds > SHORTEST && self.peak.is_none() && self.sum.requests > 0 {
            self.peak = Some(Box::new(Peak::of(self)));
        }
        let times = self.times.few();
        if seconds < COARSE_FROM {
            return;
        }
        for (key, _) in times.iter_mut() {
            *key = coarse(*key);
        }
        // keys that become one lie beside each other
        add_up(times);
    }

    fn is_sane(&self) -> bool {
        match &self.times {
            Times::Few(times) => times.is_sorted_by(|one, next| one.0 < next.0),
            Times::Many(_) => true,
        }
    }
}

/// Makes one of equal keys that lie beside each other.
fn add_up(times: &mut Vec<(u32, u64)>) {
    times.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 = kept.1.saturating_add(later.1);
        }
        same
    });
}

/// The key that stands for this one and its neighbours. It stands for itself.
fn coarse(key: u32) -> u32 {
    // the first two digits of a response time; above 100 s, those before the last
    let digits = match key {
        0..100 => key,
        100..190 => key - 90,
        190..280 => key - 180,
        280..370 => key - 270,
        _ => {
            let tens = key - 370;
            return (key - tens % 10).saturating_add(5);
        }
    };
    match digits {
        0..20 => key,
        20..40 => key - digits % 2 + 1,
        _ => key - digits % 5 + 2,
    }
}

/// Writes keys as their distances, most of which fit in a byte.
impl Serialize for Times {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (mut last, mut gaps) = (0, Vec::<(u64, u64)>::new());
        self.each(|key, count| {
            gaps.push((key - last, count));
            last = key;
        });
        gaps.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut times = Vec::<(u32, u64)>::deserialize(deserializer)?;
        let mut last: u32 = 0;
        for (key, _) in &mut times {
            last = last
                .checked_add(*key)
                .ok_or_else(|| D::Error::custom("a response time has an impossible key"))?;
            *key = last;
        }
        Ok(Self::Few(times))
    }
}

#[cfg(test)]
mod tests {
    use super::super::histogram::milliseconds;
    use super::*;

    #[test]
    fn a_coarse_key_stands_for_its_neighbours_and_for_itself() {
        for key in 0..2_000 {
            let stands_for = coarse(key);
            assert_eq!(coarse(stands_for), stands_for, "{key}");
            assert!(coarse(key + 1) >= stands_for, "{key}");
            let [exact, coarse] = [key, stands_for].map(|key| milliseconds(key.into()) as f64);
            assert!((coarse - exact).abs() <= exact * 0.055, "{key}");
        }
        assert_eq!(coarse(u32::MAX), u32::MAX);
    }

    #[test]
    fn four_decades_have_few_coarse_keys() {
        let mut keys: Vec<u32> = (10..370).map(coarse).collect();
        keys.dedup();
        assert!(keys.len() < 130, "{}", keys.len());
    }
}
