//! The values of custom metrics as numbers, and back.

use std::sync::Arc;

use crate::custom_metric::{Amount, CustomMetric, MetricKind};
use crate::record::Outcome;

/// What the outcomes of a payload have measured.
#[derive(Default)]
pub(super) struct Measurements {
    /// The metrics in their order.
    pub(super) metrics: Vec<Arc<CustomMetric>>,
    /// Outcome, metric and value.
    pub(super) values: Vec<(usize, usize, Option<Amount>)>,
}

impl Measurements {
    pub(super) fn of(outcomes: &[Outcome]) -> Self {
        let mut metrics: Vec<Arc<CustomMetric>> = Vec::new();
        for one in outcomes.iter().flat_map(|outcome| &outcome.measured) {
            if let Err(place) = metrics.binary_search(&one.metric) {
                metrics.insert(place, Arc::clone(&one.metric));
            }
        }
        let mut values = Vec::new();
        for (number, outcome) in outcomes.iter().enumerate() {
            for one in &outcome.measured {
                let metric = metrics.partition_point(|metric| *metric < one.metric);
                values.push((number, metric, one.amount));
            }
        }
        Self { metrics, values }
    }
}

/// A metric's kind, and its name's length.
pub(super) fn head(metric: &CustomMetric) -> u64 {
    metric.name.len() as u64 * 2 + u64::from(metric.kind == MetricKind::Histogram)
}

/// The kind that a head says, and the length of the name.
pub(super) fn of_head(head: u64) -> (MetricKind, u64) {
    let kind = match head % 2 {
        0 => MetricKind::Counter,
        _ => MetricKind::Histogram,
    };
    (kind, head / 2)
}

/// A value as a number: 0 where it could not be evaluated, and short for whole numbers.
pub(super) fn code(amount: Option<Amount>) -> u64 {
    let Some(millionths) = amount.map(Amount::millionths) else {
        return 0;
    };
    match millionths % Amount::ONE {
        0 => 1 + millionths / Amount::ONE * 2,
        _ => 2 + millionths * 2,
    }
}

/// The value that a number stands for; nothing if it stands for none.
pub(super) fn of_code(code: u64) -> Option<Option<Amount>> {
    let Some(above) = code.checked_sub(1) else {
        return Some(None);
    };
    let millionths = match above % 2 {
        0 => (above / 2).checked_mul(Amount::ONE)?,
        _ => above / 2,
    };
    Amount::from_millionths(millionths).map(Some)
}
