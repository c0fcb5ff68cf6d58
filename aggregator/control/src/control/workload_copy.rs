//! A process's copy of the chosen workload, so that the store is asked about once a second.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use traffic::clock::Timestamp;
use traffic::workload::Workload;

/// The longest age of a copy that is used without asking the store.
const FRESH_FOR: Duration = Duration::from_millis(900);

/// The copy, and the instant at which it was read.
#[derive(Debug, Default)]
pub(super) struct WorkloadCopy(Mutex<Option<(Timestamp, Arc<Workload>)>>);

impl WorkloadCopy {
    /// The copy, if it is fresh.
    pub(super) fn fresh(&self, now: Timestamp) -> Option<Arc<Workload>> {
        let copy = self.0.lock();
        // a clock that is set back must not keep a copy alive
        let is_fresh = |read_at: Timestamp| read_at <= now && now.since(read_at) < FRESH_FOR;
        let (_, chosen) = copy.as_ref().filter(|(read_at, _)| is_fresh(*read_at))?;
        Some(Arc::clone(chosen))
    }

    /// The copy, if it is of this version.
    pub(super) fn of_version(&self, version: &str) -> Option<Arc<Workload>> {
        let copy = self.0.lock();
        let (_, chosen) = copy.as_ref()?;
        Some(Arc::clone(chosen)).filter(|chosen| chosen.version() == version)
    }

    pub(super) fn keep(&self, now: Timestamp, chosen: &Arc<Workload>) {
        *self.0.lock() = Some((now, Arc::clone(chosen)));
    }
}
