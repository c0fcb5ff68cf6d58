//! Runs as a list shows them, with their totals, without reading their records.
//!
//! The last checkpoint of a run that is over has its totals; only the few newest runs may have records that are left to
//! read. The totals of complete checkpoints are remembered, so that looking again costs nothing.

use std::sync::Arc;

use futures_util::future::try_join_all;
use traffic::clock::Timestamp;
use traffic::ports::ReaderStore;
use traffic::run::{Run, RunId};
use traffic::runs::{LoadedRun, RunError};

use super::aggregation::{Aggregation, HELD};
use super::error::AggregatorError;
use super::sealed;
use crate::stats::totals::Totals;

/// The number of runs of a list that are read on for their totals: as many as are held anyway.
const READ_ON: usize = HELD - 1;

/// The number of runs whose totals are remembered.
const REMEMBERED: usize = 1_000;

/// A page of runs, newest first.
#[derive(Clone, Debug)]
pub struct RunsPage {
    /// The runs.
    pub runs: Vec<ListedRun>,
    /// The last one on the page, if there are older ones.
    pub next: Option<RunId>,
    /// The instant of the list.
    pub at: Timestamp,
}

/// A run on a list.
#[derive(Clone, Debug)]
pub struct ListedRun {
    /// The run.
    pub run: Run,
    /// The run with its plan, if it was read on.
    pub loaded: Option<Arc<LoadedRun>>,
    /// The totals of its requests, if they are known yet.
    pub totals: Option<Totals>,
}

impl<S: ReaderStore> Aggregation<S> {
    /// Up to `limit` runs, newest first: of all, or of those older than `before`. A run whose checkpoint cannot be read is
    /// listed without totals.
    pub async fn runs(
        &self,
        before: Option<&RunId>,
        limit: usize,
    ) -> Result<RunsPage, AggregatorError> {
        let at = self.clock.now();
        let mut ids = self.store.run_ids(before, limit.saturating_add(1)).await?;
        let are_more = ids.len() > limit;
        ids.truncate(limit);
        let next = ids.last().filter(|_| are_more).cloned();
        let found = try_join_all(ids.iter().map(|id| self.store.run(id))).await?;
        // a run may have expired since its name was read
        let found: Vec<Run> = found.into_iter().flatten().collect();
        let totals = try_join_all(found.iter().map(|run| self.folded(run))).await?;
        let mut runs = Vec::with_capacity(found.len());
        let mut read_on = 0;
        for (run, (totals, complete)) in found.into_iter().zip(totals) {
            let mut listed = ListedRun {
                run,
                loaded: None,
                totals,
            };
            if !complete && read_on < READ_ON {
                read_on += 1;
                self.read_on(&mut listed).await?;
            }
            runs.push(listed);
        }
        Ok(RunsPage { runs, next, at })
    }

    /// The totals of a run's checkpoint, and true if the checkpoint is complete.
    async fn folded(&self, run: &Run) -> Result<(Option<Totals>, bool), AggregatorError> {
        let counts = |totals: &Totals| totals.since == run.counts_from();
        if let Some(known) = self.remembered.lock().get(&run.id)
            && counts(known)
        {
            return Ok((Some(*known), true));
        }
        let Some(checkpoint) = self.store.checkpoint(&run.id).await? else {
            return Ok((None, false));
        };
        // a checkpoint that cannot be read is reported when the run is folded
        let Ok((totals, complete)) = sealed::totals(&checkpoint.body) else {
            return Ok((None, true));
        };
        if !counts(&totals) {
            return Ok((None, false));
        }
        if complete {
            let mut remembered = self.remembered.lock();
            if remembered.len() >= REMEMBERED {
                remembered.clear();
            }
            remembered.insert(run.id.clone(), totals);
        }
        Ok((Some(totals), complete))
    }

    async fn read_on(&self, listed: &mut ListedRun) -> Result<(), AggregatorError> {
        match self.snapshot_of(&listed.run.id).await {
            Ok(snapshot) => {
                listed.totals = Some(snapshot.stats.totals());
                listed.loaded = snapshot.run;
                Ok(())
            }
            Err(error @ (AggregatorError::Store(_) | AggregatorError::Run(RunError::Store(_)))) => {
                Err(error)
            }
            Err(error) => {
                let (run, error) = (&listed.run.id, &error as &dyn std::error::Error);
                tracing::warn!(%run, error, "a run is listed without its latest figures");
                Ok(())
            }
        }
    }
}
