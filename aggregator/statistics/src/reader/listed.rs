//! Runs as a list shows them: what they are, and their totals without reading their records.
//!
//! Of a run that is over, its last checkpoint says it all; only of the few newest something may be left
//! to read. What a complete checkpoint says is remembered, so that looking again costs nothing.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use traffic::clock::Timestamp;
use traffic::ports::ReaderStore;
use traffic::run::{Run, RunId};
use traffic::runs::{LoadedRun, RunError};

use super::{Aggregation, AggregatorError, HELD, locked, sealed};
use crate::stats::Totals;

/// How many runs of a list are read on for their totals, rather than taken from their checkpoints: as
/// many as are held anyway.
const READ_ON: usize = HELD - 1;

/// How many runs' totals are remembered.
const REMEMBERED: usize = 1_000;

/// What complete checkpoints say, by run.
pub(super) type Remembered = HashMap<RunId, Totals>;

/// A page of runs, newest first.
#[derive(Clone, Debug)]
pub struct RunsPage {
    /// The runs.
    pub runs: Vec<ListedRun>,
    /// The last one on the page, if there are older ones.
    pub next: Option<RunId>,
    /// The instant that they are as of.
    pub at: Timestamp,
}

/// A run on a list.
#[derive(Clone, Debug)]
pub struct ListedRun {
    /// The run.
    pub run: Run,
    /// The run with its plan, if it was read on.
    pub loaded: Option<Arc<LoadedRun>>,
    /// What its requests come to, if that is known yet.
    pub totals: Option<Totals>,
}

impl<S: ReaderStore> Aggregation<S> {
    /// Up to `limit` runs, newest first: of all, or of those older than `before`.
    ///
    /// # Errors
    /// When the store cannot be read; what is wrong with a single run only hides its totals.
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
        // one may have expired since its name was read
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

    /// What a run's checkpoint says, and whether that is all there is to say.
    async fn folded(&self, run: &Run) -> Result<(Option<Totals>, bool), AggregatorError> {
        let counts = |totals: &Totals| totals.since == run.counts_from();
        if let Some(known) = locked(&self.remembered).get(&run.id)
            && counts(known)
        {
            return Ok((Some(*known), true));
        }
        let Some(checkpoint) = self.store.checkpoint(&run.id).await? else {
            return Ok((None, false));
        };
        // one that cannot be read is reported by whoever folds the run
        let Ok((totals, complete)) = sealed::totals(&checkpoint.body) else {
            return Ok((None, true));
        };
        if !counts(&totals) {
            return Ok((None, false));
        }
        if complete {
            let mut remembered = locked(&self.remembered);
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
