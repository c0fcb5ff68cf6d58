//! The latest seconds in detail, as Locust's current figures need them.
//!
//! What a ring holds depends only on what was counted, not on the order: everything of the
//! [`Ring::LEN`] seconds that end with the newest second ever counted.

use super::histogram::Histogram;

/// Something that is counted per second.
pub trait Cell: Default {
    /// Forgets everything.
    fn clear(&mut self);
    /// Adds what the other one counted.
    fn merge(&mut self, other: &Self);
}

/// Requests and failures of one second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Requests, failed or not.
    pub requests: u64,
    /// Failures among them.
    pub failures: u64,
}

impl Cell for Counts {
    fn clear(&mut self) {
        *self = Self::default();
    }

    fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.failures = self.failures.saturating_add(other.failures);
    }
}

impl Cell for Histogram {
    fn clear(&mut self) {
        Self::clear(self);
    }

    fn merge(&mut self, other: &Self) {
        Self::merge(self, other);
    }
}

/// The `N` seconds up to the newest that was counted.
#[derive(Clone, Debug)]
pub struct Ring<T, const N: usize> {
    newest: u64,
    cells: [T; N],
}

impl<T: Cell, const N: usize> Default for Ring<T, N> {
    fn default() -> Self {
        Self {
            newest: 0,
            cells: std::array::from_fn(|_| T::default()),
        }
    }
}

impl<T: Cell, const N: usize> Ring<T, N> {
    /// Seconds in the ring.
    pub const LEN: u64 = N as u64;

    /// The cell to count in, unless the second has left the ring.
    pub fn at(&mut self, second: u64) -> Option<&mut T> {
        if second > self.newest {
            self.advance(second);
        } else if self.newest - second >= Self::LEN {
            return None;
        }
        Some(&mut self.cells[(second % Self::LEN) as usize])
    }

    fn advance(&mut self, second: u64) {
        let passed = (second - self.newest).min(Self::LEN);
        self.newest = second;
        for age in 0..passed {
            self.cells[(second.wrapping_sub(age) % Self::LEN) as usize].clear();
        }
    }

    /// What was counted in a second, unless it lies outside the ring.
    pub fn get(&self, second: u64) -> Option<&T> {
        let inside = second <= self.newest && self.newest - second < Self::LEN;
        inside.then(|| &self.cells[(second % Self::LEN) as usize])
    }

    /// The seconds of the ring, from the oldest.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let oldest = (self.newest + 1).saturating_sub(Self::LEN);
        (oldest..=self.newest).filter_map(|second| Some((second, self.get(second)?)))
    }

    /// Adds what the other one counted.
    pub fn merge(&mut self, other: &Self) {
        for (second, cell) in other.iter() {
            if let Some(own) = self.at(second) {
                own.merge(cell);
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.newest = 0;
        self.cells.iter_mut().for_each(Cell::clear);
    }
}
