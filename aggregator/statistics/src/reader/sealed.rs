//! What was folded of a run's sealed buckets, and its form as a checkpoint.
//!
//! A version byte, then `postcard` of [`Saved`] and of the ledger's past.
//! Two readers that have folded the same buckets write the same bytes.

use serde::{Deserialize, Serialize};
use traffic::clock::Slot;
use traffic::record::Bucket;
use traffic::runs::LoadedRun;

use crate::ledger::past::Booked;
use crate::ledger::tally::Tally;
use crate::ledger::tally::saved::{SavedPast, SavedTally, Slots};
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
            next: Bucket::of(now.created_at.min(now.starts())),
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
        let head = postcard::to_extend(&saved, vec![VERSION]);
        let head = head.expect("a vector takes what is written to it");
        let past = self.tally.save_past();
        postcard::to_extend(&past, head).expect("a vector takes what is written to it")
    }

    /// Reads a checkpoint of `run`, and whether it is complete.
    pub(super) fn decode(
        body: &[u8],
        run: &LoadedRun,
        limits: Limits,
    ) -> Result<(Self, bool), CheckpointError> {
        let (saved, past) = read(body)?;
        let tally = saved.tally.load(run.plan.classes().len());
        let mut tally = tally.ok_or_else(|| malformed("its ledger does not fit the run"))?;
        if !tally.load_past(past) {
            return Err(malformed("its ledger's past does not fit the run"));
        }
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
    let (saved, _) = read(body)?;
    Ok((saved.next, saved.complete))
}

/// The first slot of which something may still become known to who goes on from a checkpoint.
pub(super) fn settled_until(body: &[u8]) -> Result<Slot, CheckpointError> {
    let (saved, _) = read(body)?;
    Ok(saved.tally.settled_until())
}

/// What the requests in a checkpoint come to, and whether it is complete.
pub(super) fn totals(body: &[u8]) -> Result<(Totals, bool), CheckpointError> {
    let (saved, _) = read(body)?;
    Ok((Totals::decode(saved.stats)?, saved.complete))
}

type Read<'a> = (Saved<'a, Slots>, SavedPast<Booked>);

fn read(body: &[u8]) -> Result<Read<'_>, CheckpointError> {
    let (&version, rest) = body.split_first().ok_or_else(|| malformed("it is empty"))?;
    if version != VERSION {
        return Err(CheckpointError::Version(version));
    }
    let (saved, rest) = take(rest)?;
    let (past, rest) = take(rest)?;
    if !rest.is_empty() {
        return Err(malformed("it does not end where it should"));
    }
    Ok((saved, past))
}

fn take<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), CheckpointError> {
    postcard::take_from_bytes(bytes).map_err(|error| malformed(&error.to_string()))
}

fn malformed(what: &str) -> CheckpointError {
    CheckpointError::Malformed(what.into())
}
