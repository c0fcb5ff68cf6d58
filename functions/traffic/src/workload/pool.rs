//! Pools: named collections of values that tasks draw from, plain, weighted or generated, and records of files.

use std::sync::Arc;

use minijinja::Value;

use super::record::Columns;
use super::row::{Row, Taker};
use crate::random::Draws;

/// Values to draw from, each with its share. Never empty.
#[derive(Debug)]
pub struct Pool {
    name: Arc<str>,
    values: Vec<Value>,
    /// The sum of the weights up to and including each value; empty if all weights are 1.
    cumulative: Vec<u64>,
    row: Row,
    /// The names of what its records have, if it comes from a file.
    columns: Option<Columns>,
}

impl Pool {
    /// A pool of values and their positive weights.
    pub(super) fn new(name: &str, entries: Vec<(Value, u32)>) -> Self {
        let weighted = entries.iter().any(|(_, weight)| *weight != 1);
        let mut total = 0;
        let mut cumulative = Vec::new();
        for (_, weight) in entries.iter().filter(|_| weighted) {
            total += u64::from(*weight);
            cumulative.push(total);
        }
        Self {
            name: Arc::from(name),
            values: entries.into_iter().map(|(value, _)| value).collect(),
            cumulative,
            row: Row::Random,
            columns: None,
        }
    }

    /// A pool of the records of a file, at least one.
    pub(super) fn of_records(name: &str, columns: Columns, values: Vec<Value>, row: Row) -> Self {
        Self {
            name: Arc::from(name),
            values,
            cumulative: Vec::new(),
            row,
            columns: Some(columns),
        }
    }

    /// The names of what its records have, if it comes from a file.
    pub(super) fn columns(&self) -> Option<&Columns> {
        self.columns.as_ref()
    }

    /// The pool's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The values, in the order of the file.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// One of the values: by weight, or the record that is the iteration's.
    pub(super) fn take(&self, taker: &Taker, draws: &mut Draws) -> Value {
        let index = match self.cumulative.last() {
            None => self.row.choose(self.values.len() as u64, taker, draws) as usize,
            Some(total) => weighted_index(&self.cumulative, draws.below(*total)),
        };
        self.values[index].clone()
    }
}

/// Whose share `drawn` lies in, given the running sums of the weights.
pub(super) fn weighted_index(cumulative: &[u64], drawn: u64) -> usize {
    cumulative.partition_point(|sum| *sum <= drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(pool: &Pool) -> Vec<f64> {
        let mut draws = Draws::new(3, "A", 0, 0);
        let taker = Taker {
            user: 0,
            iteration: 0,
            key: draws.user_key(),
        };
        let mut counts = vec![0.0; pool.values().len()];
        for _ in 0..40_000 {
            let drawn = pool.take(&taker, &mut draws);
            let index = pool
                .values()
                .iter()
                .position(|value| *value == drawn)
                .unwrap();
            counts[index] += 1.0 / 40_000.0;
        }
        counts
    }

    #[test]
    fn weights_are_shares() {
        let pool = Pool::new("p", vec![("a".into(), 1), ("b".into(), 2), ("c".into(), 5)]);
        for (share, expected) in shares(&pool).into_iter().zip([0.125, 0.25, 0.625]) {
            assert!((share - expected).abs() < 0.01, "{share} is not {expected}");
        }
    }

    #[test]
    fn without_weights_every_value_is_as_likely() {
        let pool = Pool::new("p", vec![("a".into(), 1), ("b".into(), 1)]);
        assert!(
            shares(&pool)
                .into_iter()
                .all(|share| (share - 0.5).abs() < 0.01)
        );
    }
}
