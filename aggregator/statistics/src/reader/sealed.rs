//! The sums of a run's sealed buckets, and their form as a checkpoint: a version byte, then `postcard` of [`Saved`].
//!
//! Two readers that have folded the same buckets write the same bytes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use traffic::clock::Slot;
use traffic::record::Bucket;
use traffic::runs::LoadedRun;

use crate::ledger::past::Booked;
use crate::ledger::tally::Tally;
use crate::ledger::tally::saved::{SavedTally, Slots};
use crate::run_part::RunPart;
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
    /// The parts that a reset has ended and that records may still come of, by number.
    pub(super) parts: Vec<(u32, Stats)>,
    /// The figures of those that are kept by themselves.
    pub(super) kept_parts: Vec<RunPart>,
}

#[derive(Serialize, Deserialize)]
struct Saved<'a, S, B> {
    next: Bucket,
    /// True if no record of the run can come any more.
    complete: bool,
    stats: &'a [u8],
    parts: Vec<(u32, Cow<'a, [u8]>)>,
    kept_parts: Cow<'a, [RunPart]>,
    tally: SavedTally<S, B>,
}

impl Sealed {
    /// Nothing folded yet; the statistics count from the start, and are still to be reset.
    pub(super) fn new(run: &LoadedRun, limits: Limits) -> Self {
        let now = run.plan.run();
        Self {
            next: Bucket::of(now.created_at.min(now.starts())),
            stats: Stats::with_limits(now.starts(), limits),
            tally: Tally::new(run),
            parts: Vec::new(),
            kept_parts: Vec::new(),
        }
    }

    pub(super) fn encode(&self, complete: bool) -> Vec<u8> {
        let stats = self.stats.encode();
        let saved = Saved {
            next: self.next,
            complete,
            stats: &stats,
            parts: (self.parts.iter())
                .map(|(number, stats)| (*number, stats.encode().into()))
                .collect(),
            kept_parts: (&self.kept_parts[..]).into(),
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
        let parts = saved.parts.iter();
        let parts = parts.map(|(number, body)| Ok((*number, Stats::decode(body, limits)?)));
        let sealed = Self {
            parts: parts.collect::<Result<_, CheckpointError>>()?,
            kept_parts: saved.kept_parts.into_owned(),
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

/// The statistics of a part as they are kept by themselves: the number of the part, and what it counted.
pub(super) fn encode_part(number: u32, stats: &Stats) -> Vec<u8> {
    let encoded = stats.encode();
    let part = (number, &encoded[..]);
    let body = postcard::to_extend(&part, vec![VERSION]);
    body.expect("a vector takes all that is written to it")
}

/// The number of a part that is kept by itself, and its statistics, which [`Stats::decode`] reads.
pub(super) fn read_part(body: &[u8]) -> Result<(u32, &[u8]), CheckpointError> {
    match body.split_first() {
        Some((&VERSION, rest)) => {
            postcard::from_bytes(rest).map_err(|error| malformed(&error.to_string()))
        }
        Some((&other, _)) => Err(CheckpointError::Version(other)),
        None => Err(malformed("it is empty")),
    }
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
