//! What the statistics keep of the past: for each interval what was counted in it.
//!
//! A row of the statistics has a series of its own as long as there are few of them; all others share
//! one. Response times keep Locust's keys while an interval is young; when it is old, keys that are
//! less than a tenth apart become one.

use serde::{Deserialize, Serialize};
use traffic::record::wire::OutcomeEntry;

use super::capped::Merge;
use super::entry::Entry;
use super::histogram::{Histogram, key_of};
use crate::thinned::Counted;

/// Intervals of so many seconds and more keep response times coarsely.
const COARSE_FROM: u64 = 30;

/// What was counted in an interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passed {
    /// Requests, failed or not.
    pub(crate) requests: u64,
    /// Failures among them.
    pub(crate) failures: u64,
    response_us: u128,
    min_us: u64,
    max_us: u64,
    content: u128,
    /// Keys of the histogram and how often, by key.
    #[serde(with = "gaps")]
    times: Vec<(u32, u64)>,
}

impl Default for Passed {
    fn default() -> Self {
        Self {
            requests: 0,
            failures: 0,
            response_us: 0,
            min_us: u64::MAX,
            max_us: 0,
            content: 0,
            times: Vec::new(),
        }
    }
}

impl Passed {
    /// Counts an outcome.
    pub(crate) fn add(&mut self, outcome: &OutcomeEntry) {
        self.requests += 1;
        self.failures += u64::from(outcome.error.is_some());
        self.response_us += u128::from(outcome.response_time_us);
        self.min_us = self.min_us.min(outcome.response_time_us);
        self.max_us = self.max_us.max(outcome.response_time_us);
        self.content += u128::from(outcome.content_length);
        let key = key_of(outcome.response_time_us);
        self.add_many(u32::try_from(key).unwrap_or(u32::MAX), 1);
    }

    fn add_many(&mut self, key: u32, count: u64) {
        match self.times.binary_search_by_key(&key, |&(known, _)| known) {
            Ok(number) => {
                let known = &mut self.times[number].1;
                *known = known.saturating_add(count);
            }
            Err(number) => self.times.insert(number, (key, count)),
        }
    }

    /// Adds the response times to a histogram.
    pub(crate) fn add_times_to(&self, histogram: &mut Histogram) {
        for &(key, count) in &self.times {
            histogram.add_many(key.into(), count);
        }
    }

    /// Adds all of it to what was counted so far.
    pub(crate) fn add_to(&self, sum: &mut Entry) {
        sum.requests = sum.requests.saturating_add(self.requests);
        sum.failures = sum.failures.saturating_add(self.failures);
        sum.response_us = sum.response_us.saturating_add(self.response_us);
        sum.min_us = sum.min_us.min(self.min_us);
        sum.max_us = sum.max_us.max(self.max_us);
        sum.content = sum.content.saturating_add(self.content);
        self.add_times_to(&mut sum.histogram);
    }
}

impl Merge for Passed {
    fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.failures = self.failures.saturating_add(other.failures);
        self.response_us = self.response_us.saturating_add(other.response_us);
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
        self.content = self.content.saturating_add(other.content);
        for &(key, count) in &other.times {
            self.add_many(key, count);
        }
    }
}

impl Counted for Passed {
    fn thin(&mut self, seconds: u64) {
        if seconds < COARSE_FROM {
            return;
        }
        // keys that become one lie beside each other
        self.times.dedup_by(|later, kept| {
            let same = coarse(later.0) == coarse(kept.0);
            if same {
                kept.1 = kept.1.saturating_add(later.1);
            }
            same
        });
        for (key, _) in &mut self.times {
            *key = coarse(*key);
        }
    }

    fn is_sane(&self) -> bool {
        self.times.is_sorted_by(|one, next| one.0 < next.0)
    }
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
mod gaps {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        times: &[(u32, u64)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut last = 0;
        serializer.collect_seq(times.iter().map(|&(key, count)| {
            let gap = key - last;
            last = key;
            (gap, count)
        }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(u32, u64)>, D::Error> {
        let mut times = Vec::<(u32, u64)>::deserialize(deserializer)?;
        let mut last: u32 = 0;
        for (key, _) in &mut times {
            last = last
                .checked_add(*key)
                .ok_or_else(|| D::Error::custom("a response time has an impossible key"))?;
            *key = last;
        }
        Ok(times)
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
