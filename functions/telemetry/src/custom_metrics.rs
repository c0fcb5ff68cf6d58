//! The custom metrics of workloads: counters and histograms by their own names, as New Relic shows them.
//!
//! Their attributes are `cicada.user_class` and `cicada.request.name`. An instrument stays for the life of its process,
//! so a process that executes one workload after another makes no more than [`MOST`].

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};
use parking_lot::Mutex;
use traffic::custom_metric::{Amount, CustomMetric, MetricKind};
use traffic::telemetry::{Iteration, RequestEnd};

use crate::attributes::{REQUEST_NAME, USER_CLASS};

/// The most custom metrics that a process exports.
const MOST: usize = 1_000;

/// Of values whose size nobody knows: 1, 2 and 5 of each power of ten.
const BUCKETS: [f64; 28] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0,
    200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6,
];

/// The custom metrics that were measured so far.
pub(crate) struct CustomMetrics {
    meter: Meter,
    instruments: Mutex<HashMap<Arc<CustomMetric>, Instrument>>,
}

#[derive(Clone)]
enum Instrument {
    Counter(Counter<f64>),
    Histogram(Histogram<f64>),
    /// There are too many.
    Nothing,
}

impl CustomMetrics {
    pub(crate) fn new(meter: Meter) -> Self {
        Self {
            meter,
            instruments: Mutex::default(),
        }
    }

    pub(crate) fn request(&self, iteration: &Iteration<'_>, request: &RequestEnd<'_>) {
        if request.measured.is_empty() {
            return;
        }
        let attributes = [
            KeyValue::new(USER_CLASS, iteration.class.to_owned()),
            KeyValue::new(REQUEST_NAME, request.name.name.to_string()),
        ];
        for one in request.measured {
            let Some(value) = one.amount.map(Amount::number) else {
                continue;
            };
            match self.instrument(&one.metric) {
                Instrument::Counter(counter) => counter.add(value, &attributes),
                Instrument::Histogram(histogram) => histogram.record(value, &attributes),
                Instrument::Nothing => {}
            }
        }
    }

    fn instrument(&self, metric: &Arc<CustomMetric>) -> Instrument {
        let mut known = self.instruments.lock();
        if let Some(known) = known.get(metric) {
            return known.clone();
        }
        if known.len() >= MOST {
            if known.len() == MOST {
                // the place of all that are too many
                known.insert(Arc::clone(metric), Instrument::Nothing);
                tracing::warn!(
                    "custom metrics beyond {MOST} names are not exported: start the process anew"
                );
            }
            return Instrument::Nothing;
        }
        let made = self.made(metric);
        known.insert(Arc::clone(metric), made.clone());
        made
    }

    fn made(&self, metric: &CustomMetric) -> Instrument {
        let (name, unit) = (metric.name.to_string(), metric.unit.to_string());
        match metric.kind {
            MetricKind::Counter => {
                let counter = self.meter.f64_counter(name).with_unit(unit);
                Instrument::Counter(counter.build())
            }
            MetricKind::Histogram => {
                let histogram = self.meter.f64_histogram(name).with_unit(unit);
                let histogram = histogram.with_boundaries(BUCKETS.to_vec());
                Instrument::Histogram(histogram.build())
            }
        }
    }
}
