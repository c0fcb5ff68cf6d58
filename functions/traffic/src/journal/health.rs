//! The health of this process's writes: whether its records can be written; shared by all journals.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::Timestamp;
use crate::log_throttle::LogThrottle;

/// While writes have been failing for longer than this, nothing is sent that could not be recorded.
const WRITES_MAY_FAIL_FOR: Duration = Duration::from_secs(10);

/// When nobody has tried to write for this long, it is not known any more that it would fail.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);

/// The health of the writes of this process.
#[derive(Debug, Default)]
pub(crate) struct WriteHealth {
    /// Microseconds since the epoch since when a write has been failing; 0 while none is.
    failing_since: AtomicU64,
    /// When one failed last.
    failed_at: AtomicU64,
    /// A trouble that lasts is not logged for every record and every try.
    complaints: LogThrottle,
    /// The store's latest words.
    reason: Mutex<String>,
    lost_requests: AtomicU64,
}

impl WriteHealth {
    /// Since when writes have been failing.
    pub(crate) fn failing_since(&self) -> Option<Timestamp> {
        match self.failing_since.load(Ordering::Relaxed) {
            0 => None,
            micros => Some(Timestamp::from_micros(micros)),
        }
    }

    /// True if nothing should be sent, since what came of it could not be written: writes have failed
    /// for a while, and somebody is still trying. With nobody left to try, a tick has to.
    pub(crate) fn is_hopeless(&self, now: Timestamp) -> bool {
        let has_lasted = |since| now.since(since) > WRITES_MAY_FAIL_FOR;
        self.failing_since().is_some_and(has_lasted) && self.is_known(now)
    }

    /// True if somebody has tried to write, and failed, a moment ago.
    pub(crate) fn is_known(&self, now: Timestamp) -> bool {
        let failed_at = Timestamp::from_micros(self.failed_at.load(Ordering::Relaxed));
        now.since(failed_at) < FORGOTTEN_AFTER
    }

    /// Why they have been, in the store's words.
    pub(crate) fn reason(&self) -> String {
        let reason = self.reason.lock();
        reason.clone()
    }

    /// Requests whose results were given up.
    pub(crate) fn lost_requests(&self) -> u64 {
        self.lost_requests.load(Ordering::Relaxed)
    }

    /// Notes that a write failed.
    pub(crate) fn failed(&self, error: &(dyn std::error::Error + 'static), now: Timestamp) {
        let since = now.micros().max(1);
        self.failed_at.fetch_max(since, Ordering::Relaxed);
        let known = &self.failing_since;
        let _ = known.compare_exchange(0, since, Ordering::Relaxed, Ordering::Relaxed);
        *self.reason.lock() = error.to_string();
        if self.complaints.happened().is_some() {
            tracing::warn!(error, "results are not written yet");
        }
    }

    /// Notes that a record is given up.
    pub(crate) fn gave_up(&self, requests: u32, error: &(dyn std::error::Error + 'static)) {
        let before = self
            .lost_requests
            .fetch_add(requests.into(), Ordering::Relaxed);
        if self.complaints.happened().is_some() || before == 0 {
            let lost = before + u64::from(requests);
            tracing::error!(
                error,
                lost,
                "results are given up: they are not in the statistics"
            );
        }
    }

    /// Notes that a write succeeded.
    pub(crate) fn succeeded(&self) {
        self.failing_since.store(0, Ordering::Relaxed);
    }
}
