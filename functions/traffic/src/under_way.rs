//! The ticks and busy users that are under way in this process, by run.
//!
//! Once a run is over and nothing of it is under way, nothing of it ever is again: a tick that comes later
//! is not let in. So `stopped` is final.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::clock::Timestamp;
use crate::run::{GRAIN, Run, RunId};

/// The ticks and busy users of this process, by run.
#[derive(Debug, Default)]
pub struct UnderWay(Mutex<HashMap<RunId, Arc<Counts>>>);

/// The ticks and busy users of one run.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    ticks: AtomicUsize,
    /// Users in an iteration, turns included.
    pub(crate) busy: AtomicUsize,
}

/// A tick that is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct TickUnderWay {
    under_way: Arc<UnderWay>,
    run: RunId,
    pub(crate) counts: Arc<Counts>,
}

impl UnderWay {
    /// Users of a run that are in an iteration.
    pub fn busy_users(&self, run: &RunId) -> usize {
        let runs = self.0.lock();
        let counts = runs.get(run);
        counts.map_or(0, |counts| counts.busy.load(Ordering::Relaxed))
    }

    /// True if a run is over by `now` and nothing of it is under way here, nor ever will be; what came of
    /// its last ticks is written or given up then.
    pub fn is_quiet(&self, run: &Run, now: Timestamp) -> bool {
        let runs = self.0.lock();
        is_closed(run, now) && !runs.contains_key(&run.id)
    }

    /// Lets a tick in, unless its run is over.
    pub(crate) fn enter(
        self: &Arc<Self>,
        run: &Run,
        now: impl Fn() -> Timestamp,
    ) -> Option<TickUnderWay> {
        let mut runs = self.0.lock();
        // asked with the table locked: whoever finds the run quiet has a later time than who came in
        if is_closed(run, now()) {
            return None;
        }
        let counts = Arc::clone(runs.entry(run.id.clone()).or_default());
        counts.ticks.fetch_add(1, Ordering::Relaxed);
        Some(TickUnderWay {
            under_way: Arc::clone(self),
            run: run.id.clone(),
            counts,
        })
    }
}

/// True if nothing that is due starts any more, late as it may be.
fn is_closed(run: &Run, now: Timestamp) -> bool {
    run.is_over(now - GRAIN)
}

impl Drop for TickUnderWay {
    fn drop(&mut self) {
        let mut runs = self.under_way.0.lock();
        if self.counts.ticks.fetch_sub(1, Ordering::Relaxed) == 1 {
            runs.remove(&self.run);
        }
    }
}
