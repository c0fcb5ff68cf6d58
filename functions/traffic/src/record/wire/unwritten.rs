//! A payload as it was before it was written: tests look at what was recorded.

use std::sync::Arc;
use std::time::Duration;

use super::contents::Contents;
use super::decoded::{Decoded, OutcomeEntry};
use crate::custom_metric::CustomMetric;
use crate::record::{ExceptionEntry, Measured, Outcome, RequestName};

impl Decoded<'_> {
    /// The contents as they were before they were written.
    pub fn to_contents(&self) -> Contents {
        let requests: Vec<Arc<RequestName>> = self
            .requests
            .iter()
            .map(|&(method, name)| {
                Arc::new(RequestName {
                    method: method.into(),
                    name: name.into(),
                })
            })
            .collect();
        let errors: Vec<Arc<str>> = self.errors.iter().map(|&error| error.into()).collect();
        let outcome = |entry: &OutcomeEntry| Outcome {
            request: Arc::clone(&requests[entry.request as usize]),
            completed_at: entry.completed_at,
            response_time: Duration::from_micros(entry.response_time_us),
            content_length: entry.content_length,
            error: entry.error.map(|error| Arc::clone(&errors[error as usize])),
            trace: entry.trace,
            lateness: entry.lateness_us.map(Duration::from_micros),
            cold: entry.cold,
            stream: None,
            measured: Vec::new(),
        };
        let mut outcomes: Vec<Outcome> = self.outcomes.iter().map(outcome).collect();
        for stream in &self.streams {
            outcomes[stream.outcome as usize].stream = Some(Box::new(stream.streamed));
        }
        let metrics: Vec<Arc<CustomMetric>> = (self.metrics.iter())
            .map(|metric| {
                Arc::new(CustomMetric {
                    name: metric.name.into(),
                    kind: metric.kind,
                    unit: metric.unit.into(),
                })
            })
            .collect();
        for one in &self.measured {
            outcomes[one.outcome as usize].measured.push(Measured {
                metric: Arc::clone(&metrics[one.metric as usize]),
                amount: one.amount,
            });
        }
        let exception = |&(count, message, traceback): &(u32, &str, &str)| ExceptionEntry {
            message: message.into(),
            traceback: traceback.into(),
            count,
        };
        Contents {
            iterations: self.iterations.clone(),
            outcomes,
            exceptions: self.exceptions.iter().map(exception).collect(),
        }
    }
}
