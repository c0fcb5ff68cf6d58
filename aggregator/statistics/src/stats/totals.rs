//! What all requests of a run come to: three sums, which a checkpoint gives without being unfolded.

use traffic::clock::Timestamp;

use super::Stats;
use super::entry::Entry;

/// The requests of a run, added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Since when they count: the run's start or its last reset.
    pub since: Timestamp,
    /// Requests, failed or not.
    pub num_requests: u64,
    /// Failures among them.
    pub num_failures: u64,
    /// The sum of response times, in microseconds.
    pub response_us: u128,
}

impl Totals {
    /// Nothing counted yet.
    pub(super) fn new(since: Timestamp) -> Self {
        Self {
            since,
            num_requests: 0,
            num_failures: 0,
            response_us: 0,
        }
    }

    /// Adds what a row counted.
    pub(super) fn add(&mut self, requests: u64, failures: u64, response_us: u128) {
        self.num_requests = self.num_requests.saturating_add(requests);
        self.num_failures = self.num_failures.saturating_add(failures);
        self.response_us = self.response_us.saturating_add(response_us);
    }

    /// Failures by requests; 0 without requests, as in Locust.
    pub fn fail_ratio(&self) -> f64 {
        self.num_failures as f64 / self.num_requests.max(1) as f64
    }

    /// The mean response time in milliseconds; 0 without requests, as in Locust.
    pub fn avg_response_time(&self) -> f64 {
        self.response_us as f64 / 1e3 / self.num_requests.max(1) as f64
    }
}

impl Stats {
    /// What all requests come to.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::new(self.since);
        for Entry { sum, .. } in self.rows.values() {
            totals.add(sum.requests, sum.failures, sum.response_us);
        }
        totals
    }
}
