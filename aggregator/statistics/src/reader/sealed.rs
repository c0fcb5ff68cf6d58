//! The sums of a run's sealed buckets, and their form as a checkpoint: a version byte, then `postcard` of [`Saved`].
//!
//! Two readers that have folded the same buckets write the same bytes.

use serde::{Deserialize, Serialize};
use traffic::clock::Slot;
use traffic::record::Bucket;
use traffic::runs::LoadedRun;

use crate::ledger::past::Booked;
use crate::ledger::tally::Tally;
use crate::ledger::tally::saved::{SavedTally, Slots};
use crate::stats::checkpoint::CheckpointError;
use crate::stats::totals::Totals;
use crate::stats::{Limits, Stats};

const VERSION: u8 = 1;

#[derive(Clone, Debug)]
pub(super) struct Sealed {
    /// The first bucket that is not folded.
    pub(super) next: Bucket,
    pub(super) stats: Stats,
    pub(super) tally: Tally,
}

#[derive(Serialize, Deserialize)]
struct Saved<'a, S, B> {
    next: Bucket,
    /// True if no record of the run can come any more.
    complete: bool,
    stats: &'a [u8],
    tally: SavedTally<S, B>,
}

impl Sealed {
    pub(super) fn new(run: &LoadedRun, limits: Limits) -> Self {
        let now = run.plan.run();
        Self {
            next: Bucket::of(now.created_at.min(now.starts())),
            stats: Stats::with_limits(now.counts_from(), limits),
            tally: Tally::new(run),
        }
    }

    pub(super) fn encode(&self, complete: bool) -> Vec<u8> {
        let stats = self.stats.encode();
        let saved = Saved {
            next: self.next,
            complete,
            stats: &stats,
            tally: self.tally.save(),
        };
        let body = postcard::to_extend(&saved, vec![VERSION]);
        body.expect("a vector takes all that is written to it")
    }

    /// Reads a checkpoint of `run`, and whether it is complete.
    pub(super) fn decode(
        body: &[u8],
        run: &LoadedRun,
        limits: Limits,
    ) -> Result<(Self, bool), CheckpointError> {
        let saved = read(body)?;
        let tally = saved.tally.load(run.plan.classes().len());
        let sealed = Self {
            next: saved.next,
            tally: tally.ok_or_else(|| malformed("its ledger does not fit the run"))?,
            stats: Stats::decode(saved.stats, limits)?,
        };
        Ok((sealed, saved.complete))
    }
}

/// The first bucket that is not in a checkpoint, and true if the checkpoint is complete.
pub(super) fn progress(body: &[u8]) -> Result<(Bucket, bool), CheckpointError> {
    let saved = read(body)?;
    Ok((saved.next, saved.complete))
}

/// The first slot that is not settled in a checkpoint.
pub(super) fn settled_until(body: &[u8]) -> Result<Slot, CheckpointError> {
    Ok(read(body)?.tally.settled_until())
}

/// The totals of the requests in a checkpoint, and true if it is complete.
pub(super) fn totals(body: &[u8]) -> Result<(Totals, bool), CheckpointError> {
    let saved = read(body)?;
    Ok((Totals::decode(saved.stats)?, saved.complete))
}

fn read(body: &[u8]) -> Result<Saved<'_, Slots, Booked>, CheckpointError> {
    let (&version, rest) = body.split_first().ok_or_else(|| malformed("it is empty"))?;
    if version != VERSION {
        return Err(CheckpointError::Version(version));
    }
    let (saved, rest) =
        postcard::take_from_bytes(rest).map_err(|error| malformed(&error.to_string()))?;
    if !rest.is_empty() {
        return Err(malformed("it does not end where it should"));
    }
    Ok(saved)
}

fn malformed(what: &str) -> CheckpointError {
    CheckpointError::Malformed(what.into())
}
