//! Two observers of the same requests.

use std::sync::Arc;

use traffic::telemetry::{Iteration, IterationEnd, Observer, RequestEnd, RequestResult, TraceId};

#[derive(Debug)]
struct Both(Arc<dyn Observer>, Arc<dyn Observer>);

/// One observer that tells those that there are.
pub(crate) fn both(
    one: Option<Arc<dyn Observer>>,
    other: Option<Arc<dyn Observer>>,
) -> Option<Arc<dyn Observer>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Arc::new(Both(one, other))),
        (one, other) => one.or(other),
    }
}

impl Observer for Both {
    fn samples(&self, trace: TraceId) -> bool {
        self.0.samples(trace) && self.1.samples(trace)
    }

    fn request(&self, iteration: &Iteration<'_>, request: &RequestEnd<'_>) {
        self.0.request(iteration, request);
        self.1.request(iteration, request);
    }

    fn iteration(&self, iteration: &Iteration<'_>, end: &IterationEnd<'_>) {
        self.0.iteration(iteration, end);
        self.1.iteration(iteration, end);
    }

    fn skipped(&self, class: &str) {
        self.0.skipped(class);
        self.1.skipped(class);
    }

    fn result(&self, result: &RequestResult<'_>) {
        self.0.result(result);
        self.1.result(result);
    }
}
