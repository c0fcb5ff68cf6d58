//! Locust's response-time histogram: about 310 keys, two significant digits each.
//!
//! Locust rounds with Python's `round`, half to even, on milliseconds as floats. Every tie of whole
//! microseconds is a float without error, so whole numbers give the same keys. Keys are numbered
//! without gaps, so that counting is an array increment.

use std::collections::BTreeMap;

/// The percentiles of Locust's tables and downloads, as fractions.
pub const PERCENTILES: [f64; 11] = [
    0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0,
];

/// Keys kept in an array: response times up to 130 s; slower ones are rare and lie in a map.
const DENSE: usize = 401;

/// How many requests took about how long.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// Empty until the first request, then [`DENSE`] long.
    dense: Vec<u64>,
    beyond: BTreeMap<u64, u64>,
}

/// The number of the key that a response time in microseconds rounds to.
pub fn key_of(micros: u64) -> u64 {
    match micros {
        0..100_000 => half_even(micros, 1_000),
        100_000..1_000_000 => half_even(micros, 10_000) + 90,
        1_000_000..10_000_000 => half_even(micros, 100_000) + 180,
        _ => half_even(micros, 1_000_000) + 270,
    }
}

/// The milliseconds that a key stands for.
pub fn milliseconds(key: u64) -> u64 {
    match key {
        0..100 => key,
        100..190 => (key - 90) * 10,
        190..280 => (key - 180) * 100,
        _ => (key - 270).saturating_mul(1_000),
    }
}

/// The least and the greatest response time in microseconds that round to a key; of two keys that meet
/// at one, both are said to have it.
pub fn edges_us(key: u64) -> (u64, u64) {
    let unit = |micros: u64| match micros {
        0..100_000 => 1_000,
        100_000..1_000_000 => 10_000,
        1_000_000..10_000_000 => 100_000,
        _ => 1_000_000,
    };
    let micros = milliseconds(key).saturating_mul(1_000);
    let below = unit(micros.saturating_sub(1)) / 2;
    (
        micros.saturating_sub(below),
        micros.saturating_add(unit(micros) / 2),
    )
}

fn half_even(micros: u64, unit: u64) -> u64 {
    let (whole, rest) = (micros / unit, micros % unit);
    whole + u64::from(rest > unit / 2 || (rest == unit / 2 && whole % 2 == 1))
}

impl Histogram {
    /// Counts one request.
    pub fn add(&mut self, key: u64) {
        match self.dense.get_mut(key as usize) {
            Some(count) => *count += 1,
            None => self.add_many(key, 1),
        }
    }

    /// Counts `count` requests with the same key.
    pub fn add_many(&mut self, key: u64, count: u64) {
        if key >= DENSE as u64 {
            let beyond = self.beyond.entry(key).or_default();
            *beyond = beyond.saturating_add(count);
            return;
        }
        self.dense.resize(DENSE, 0);
        let dense = &mut self.dense[key as usize];
        *dense = dense.saturating_add(count);
    }

    /// Adds what the other one counted.
    pub fn merge(&mut self, other: &Self) {
        for (key, count) in other.iter() {
            self.add_many(key, count);
        }
    }

    /// What was counted here and not in an earlier copy.
    pub fn without(&self, earlier: &Self) -> Self {
        let mut newer = self.clone();
        for (key, count) in earlier.iter() {
            let known = match newer.dense.get_mut(key as usize) {
                Some(known) => Some(known),
                None => newer.beyond.get_mut(&key),
            };
            if let Some(known) = known {
                *known = known.saturating_sub(count);
            }
        }
        newer.beyond.retain(|_, count| *count > 0);
        newer
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.dense.fill(0);
        self.beyond.clear();
    }

    /// Requests counted.
    pub fn count(&self) -> u64 {
        self.iter()
            .fold(0, |sum: u64, (_, count)| sum.saturating_add(count))
    }

    /// Keys that were counted, from the fastest, with their counts.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, u64)> {
        let dense = self.dense.iter().enumerate();
        dense
            .map(|(key, &count)| (key as u64, count))
            .filter(|&(_, count)| count > 0)
            .chain(self.beyond.iter().map(|(&key, &count)| (key, count)))
    }

    /// Locust's percentiles in whole milliseconds, for ascending `fractions`; 0 where nothing was
    /// counted.
    pub fn percentiles<const N: usize>(&self, fractions: [f64; N]) -> [u64; N] {
        self.percentile_keys(fractions).map(milliseconds)
    }

    /// The keys of percentiles, for ascending `fractions`; 0 where nothing was counted.
    pub fn percentile_keys<const N: usize>(&self, fractions: [f64; N]) -> [u64; N] {
        let requests = self.count();
        let below = fractions.map(|fraction| (requests as f64 * fraction) as u64);
        let mut result = [0; N];
        let mut open = N;
        let mut slower: u64 = 0;
        for (key, count) in self.iter().rev() {
            slower = slower.saturating_add(count);
            while open > 0 && requests - slower <= below[open - 1] {
                open -= 1;
                result[open] = key;
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_round_to_even_as_in_python() {
        let rounded = |ms: f64| milliseconds(key_of((ms * 1_000.0) as u64));
        for (ms, expected) in [
            (0.0, 0),
            (0.5, 0),
            (0.501, 1),
            (1.5, 2),
            (2.5, 2),
            (99.5, 100),
            (105.0, 100),
            (105.001, 110),
            (115.0, 120),
            (147.0, 150),
            (995.0, 1_000),
            (1_050.0, 1_000),
            (1_150.0, 1_200),
            (3_432.0, 3_400),
            (9_950.0, 10_000),
            (10_500.0, 10_000),
            (10_500.001, 11_000),
            (11_500.0, 12_000),
            (58_760.0, 59_000),
            (3_600_499.0, 3_600_000),
        ] {
            assert_eq!(rounded(ms), expected, "{ms} ms");
        }
    }

    #[test]
    fn keys_are_numbered_without_gaps() {
        let mut last = None;
        for micros in (0..200_000_000).step_by(100) {
            let key = key_of(micros);
            if last != Some(key) {
                assert_eq!(key, last.map_or(0, |last| last + 1), "{micros} us");
                last = Some(key);
            }
        }
    }

    #[test]
    fn a_key_has_the_response_times_between_its_edges() {
        for key in 0..=key_of(150_000_000) {
            let (low, high) = edges_us(key);
            assert_eq!(key_of(low + 1), key);
            assert_eq!(key_of(high.saturating_sub(1)), key);
            assert!(key_of(high + 1) > key);
            assert!(low == 0 || key_of(low - 1) < key);
            assert_eq!(edges_us(key + 1).0, high);
        }
    }

    #[test]
    fn percentiles_count_from_the_slowest() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentiles([0.5, 1.0]), [0, 0]);
        for ms in [10, 20, 30, 40, 200_000] {
            histogram.add(key_of(ms * 1_000));
        }
        assert_eq!(
            histogram.percentiles([0.0, 0.5, 0.95, 1.0]),
            [10, 30, 40 * 5_000, 200_000]
        );
    }
}
