//! A process's copy of the chosen workload, so that the store is asked about once a second.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use traffic::clock::Timestamp;
use traffic::workload::Workload;

/// The longest age of a copy that is used without asking the store.
const FRESH_FOR: Duration = Duration::from_millis(900);

/// A workload as it was chosen, and as runs have it.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The text as somebody chose it.
    pub text: Arc<Workload>,
    /// The workload of runs: `text`, unless all weights are configured to be equal.
    pub workload: Arc<Workload>,
}

/// The copy, and the instant at which it was read.
#[derive(Debug, Default)]
pub(super) struct WorkloadCopy(Mutex<Option<(Timestamp, Chosen)>>);

impl WorkloadCopy {
    /// The copy, if it is fresh.
    pub(super) fn fresh(&self, now: Timestamp) -> Option<Chosen> {
        let copy = self.0.lock();
        // a clock that is set back must not keep a copy alive
        let is_fresh = |read_at: Timestamp| read_at <= now && now.since(read_at) < FRESH_FOR;
        let (_, chosen) = copy.as_ref().filter(|(read_at, _)| is_fresh(*read_at))?;
        Some(chosen.clone())
    }

    /// The copy, if it is of this version.
    pub(super) fn of_version(&self, version: &str) -> Option<Chosen> {
        let copy = self.0.lock();
        let (_, chosen) = copy.as_ref()?;
        Some(chosen.clone()).filter(|chosen| chosen.text.version() == version)
    }

    pub(super) fn keep(&self, now: Timestamp, chosen: &Chosen) {
        *self.0.lock() = Some((now, chosen.clone()));
    }
}
