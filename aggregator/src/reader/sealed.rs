//! What was folded of a run's sealed buckets, and its form as a checkpoint.
//!
//! A version byte, then `postcard` of [`Saved`]. Two readers that have folded the same buckets write
//! the same bytes.

use serde::{Deserialize, Serialize};
use traffic::record::Bucket;
use traffic::runs::LoadedRun;

use crate::ledger::tally::Tally;
use crate::ledger::tally::saved::{SavedTally, Slots};
use crate::stats::{CheckpointError, Limits, Stats, Totals};

const VERSION: u8 = 1;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    /// The first bucket that is not folded.
    pub(super) next: Bucket,
    pub(super) stats: Stats,
    pub(super) tally: Tally,
}

#[derive(Serialize, Deserialize)]
struct Saved<'a, S> {
    next: Bucket,
    /// Nothing of the run can come any more.
    complete: bool,
    stats: &'a [u8],
    tally: SavedTally<S>,
}

impl Sealed {
    /// Nothing folded yet.
    pub(super) fn new(run: &LoadedRun, limits: Limits) -> Self {
        let now = run.plan.run();
        Self {
            next: Bucket::of(now.created_at.min(now.starts().start())),
            stats: Stats::with_limits(now.counts_from(), limits),
            tally: Tally::new(run),
        }
    }

    /// The body of a checkpoint.
    pub(super) fn encode(&self, complete: bool) -> Vec<u8> {
        let stats = self.stats.encode();
        let tally = self.tally.save();
        let saved = Saved {
            next: self.next,
            complete,
            stats: &stats,
            tally,
        };
        postcard::to_extend(&saved, vec![VERSION]).expect("a vector takes what is written to it")
    }

    /// Reads a checkpoint of `run`, and whether it is complete.
    pub(super) fn decode(
        body: &[u8],
        run: &LoadedRun,
        limits: Limits,
    ) -> Result<(Self, bool), CheckpointError> {
        let saved = read(body)?;
        let tally = saved.tally.load(run.plan.classes().len());
        let tally = tally.ok_or_else(|| malformed("its ledger does not fit the run"))?;
        let stats = Stats::decode(saved.stats, limits)?;
        Ok((
            Self {
                next: saved.next,
                stats,
                tally,
            },
            saved.complete,
        ))
    }
}

/// How far a checkpoint goes, and whether it is complete.
pub(super) fn progress(body: &[u8]) -> Result<(Bucket, bool), CheckpointError> {
    let saved = read(body)?;
    Ok((saved.next, saved.complete))
}

/// What the requests in a checkpoint come to, and whether it is complete.
pub(super) fn totals(body: &[u8]) -> Result<(Totals, bool), CheckpointError> {
    let saved = read(body)?;
    Ok((Totals::decode(saved.stats)?, saved.complete))
}

fn read(body: &[u8]) -> Result<Saved<'_, Slots>, CheckpointError> {
    let (&version, rest) = body.split_first().ok_or_else(|| malformed("it is empty"))?;
    if version != VERSION {
        return Err(CheckpointError::Version(version));
    }
    match postcard::take_from_bytes(rest) {
        Ok((saved, [])) => Ok(saved),
        Ok(_) => Err(malformed("it does not end where it should")),
        Err(error) => Err(malformed(&error.to_string())),
    }
}

fn malformed(what: &str) -> CheckpointError {
    CheckpointError::Malformed(what.into())
}
