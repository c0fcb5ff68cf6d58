//! A snapshot: the statistics and the ledger of a run at an instant.

use std::sync::Arc;

use traffic::clock::Timestamp;
use traffic::run::Run;
use traffic::runs::LoadedRun;

use crate::ledger::{Ledger, LedgerPast};
use crate::report::{CurrentPercentiles, Report};
use crate::run_part::RunPart;
use crate::state::{State, user_count};
use crate::stats::{Limits, Stats};

/// The statistics and the ledger of a run at an instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The run; there is none before the first `POST /swarm`.
    pub run: Option<Arc<LoadedRun>>,
    /// The statistics since the run's start or its last reset.
    pub stats: Arc<Stats>,
    /// The ledger since the run's start.
    pub ledger: Arc<Ledger>,
    /// The ledger over time.
    pub ledger_past: Arc<LedgerPast>,
    /// True if the run is over and all its results are here: then nothing changes any more.
    pub is_settled: bool,
    /// The users of a run that is over who are still in an iteration. Where other processes execute, the iterations of
    /// which a record may still come.
    pub busy: u64,
    /// The parts of the run that resets have ended, the oldest first; of many the newest.
    pub parts: Arc<[RunPart]>,
    /// The part that the statistics are of, if a reset has ended it.
    pub part: Option<RunPart>,
    /// The instant of the snapshot.
    pub at: Timestamp,
}

/// The state of a run where one process executes everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// The run is over, nothing of it is under way, and all its results are written or given up.
    Settled,
    /// Results may still come; this number of users is in an iteration.
    Busy(u64),
}

impl Snapshot {
    /// The state of the traffic, in Locust's words.
    pub fn state(&self) -> State {
        if self.part.is_some() {
            return State::Stopped;
        }
        State::of(self.run.as_deref(), self.at, self.is_settled)
    }

    /// The number of active users; of a run that is over, of those that are still busy.
    pub fn user_count(&self) -> u64 {
        if self.part.is_some() {
            return 0;
        }
        let run = self.run.as_ref().map(|run| run.plan.run());
        let is_over = run.is_some_and(|run| run.is_over(self.at));
        match self.state() {
            State::Stopping if is_over => self.busy,
            _ => user_count(self.run.as_deref(), self.at),
        }
    }

    /// Locust's figures as of the snapshot. Rates since the start are of the time in which there was traffic: after the
    /// end of the run, of the time until its end. A stopped run has no current response times.
    pub fn report(&self) -> Report {
        let end = self.ended();
        let at = self.part.as_ref().map_or(self.at, |part| part.until);
        let mut report = self.stats.report_of(at, end);
        if self.state() == State::Stopped {
            report.current_response_time_percentiles = CurrentPercentiles::default();
        }
        report
    }

    /// The instant at which the run, or the part of it, has ended.
    pub fn ended(&self) -> Option<Timestamp> {
        if let Some(part) = &self.part {
            return Some(part.until);
        }
        let run = self.run.as_ref().map(|run| run.plan.run());
        run.and_then(Run::ends).filter(|end| *end <= self.at)
    }

    /// A part of the run, with these statistics.
    #[must_use]
    pub fn of_part(&self, part: RunPart, stats: Stats) -> Self {
        Self {
            stats: Arc::new(stats),
            part: Some(part),
            is_settled: true,
            busy: 0,
            ..self.clone()
        }
    }

    /// The exceptions: message, traceback and count, by message.
    pub fn exceptions(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.stats.exceptions()
    }

    pub(super) fn of_nothing(at: Timestamp, limits: Limits) -> Self {
        Self {
            run: None,
            stats: Arc::new(Stats::with_limits(at, limits)),
            ledger: Arc::default(),
            ledger_past: Arc::default(),
            is_settled: true,
            busy: 0,
            parts: Arc::default(),
            part: None,
            at,
        }
    }
}
