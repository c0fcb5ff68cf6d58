//! The parts of a run that resets have ended: what was completed before a reset is counted there, also what is read later.
//!
//! A part is a part of the checkpoint while records of it may come. Then it is kept by itself, and its figures remain
//! in the checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use traffic::clock::Timestamp;
use traffic::ports::{Checkpoint, ReaderStore, StoreError};
use traffic::record::Bucket;
use traffic::record::wire::Decoded;
use traffic::run::KEPT_PARTS;

use super::Follower;
use crate::reader::AggregatorError;
use crate::reader::sealed::{encode_part, read_part};
use crate::run_part::{RunPart, place};
use crate::stats::Stats;
use crate::stats::checkpoint::CheckpointError;

/// A record is in a bucket that begins at most this long after what it holds was completed: see
/// [`WRITE_DEADLINE`](traffic::ports::WRITE_DEADLINE).
const LATEST: Duration = Duration::from_secs(60);

impl Follower {
    /// Makes a part of what is counted so far, and one for each further reset up to the one at `from`.
    pub(super) fn end_parts(&mut self, from: Timestamp) {
        let since = self.sealed.stats.since();
        if from < since {
            return;
        }
        let run = self.run.plan.run();
        let known = run.parts_ended();
        let mut ends: Vec<_> = known.filter(|(_, at)| since < *at && *at <= from).collect();
        if ends.last().is_none_or(|(_, last)| *last < from) {
            let number = run
                .parts_ended()
                .next_back()
                .map_or(0, |(number, _)| number);
            ends.push((number + 1, from));
        }
        let mut stats = self.sealed.stats.clone();
        for (number, end) in ends {
            self.sealed.parts.push((number, stats.ending(end)));
            stats = Stats::with_limits(end, self.limits);
        }
        let excess = self.sealed.parts.len().saturating_sub(KEPT_PARTS as usize);
        self.sealed.parts.drain(..excess);
    }

    pub(super) fn fold_parts(&mut self, bucket: Bucket, record: &Decoded<'_>) {
        let Some(open) = self.open.get_mut(&bucket) else {
            return;
        };
        for (number, part) in &self.sealed.parts {
            let Some(until) = part.until() else { continue };
            if !is_reached(bucket, until) {
                continue;
            }
            let empty = || Stats::with_limits(part.since(), self.limits).ending(until);
            let stats = open.parts.entry(*number).or_insert_with(empty);
            stats.fold(bucket, record);
        }
    }

    /// Adds what a sealed bucket holds of parts.
    pub(super) fn seal_parts(&mut self, sealed: &BTreeMap<u32, Stats>) {
        for (number, part) in &mut self.sealed.parts {
            if let Some(stats) = sealed.get(number) {
                part.merge(stats);
            }
        }
    }

    /// The figures of the newest parts, the oldest first.
    pub(super) fn parts(&self) -> Arc<[RunPart]> {
        let kept = self.sealed.kept_parts.iter().cloned();
        let open = self.sealed.parts.iter();
        let open = open.filter_map(|(number, _)| Some(self.part(*number)?.0));
        let all: Vec<RunPart> = kept.chain(open).collect();
        let excess = all.len().saturating_sub(KEPT_PARTS as usize);
        all[excess..].into()
    }

    /// A part that is not kept by itself, and its figures.
    pub(in crate::reader) fn part(&self, number: u32) -> Option<(RunPart, Stats)> {
        let mut parts = self.sealed.parts.iter();
        let (_, sealed) = parts.find(|(known, _)| *known == number)?;
        let mut stats = sealed.clone();
        for open in self.open.values() {
            if let Some(open) = open.parts.get(&number) {
                stats.merge(open);
            }
        }
        let until = stats.until()?;
        Some((RunPart::of(number, &stats, until), stats))
    }

    /// Keeps the parts by themselves that no record can come of any more.
    pub(super) async fn keep_parts<S: ReaderStore>(
        &mut self,
        store: &S,
    ) -> Result<(), AggregatorError> {
        let is_complete = self.is_complete();
        while let Some((number, stats)) = self.sealed.parts.first() {
            let (number, Some(until)) = (*number, stats.until()) else {
                break;
            };
            if !is_complete && is_reached(self.sealed.next, until) {
                break;
            }
            self.keep_part(store, number, stats).await?;
            let kept = RunPart::of(number, stats, until);
            self.sealed.kept_parts.push(kept);
            self.sealed.parts.remove(0);
        }
        let kept = &mut self.sealed.kept_parts;
        kept.drain(..kept.len().saturating_sub(KEPT_PARTS as usize));
        Ok(())
    }

    /// Writes a part in the place of an older one, unless another reader did.
    async fn keep_part<S: ReaderStore>(
        &self,
        store: &S,
        number: u32,
        stats: &Stats,
    ) -> Result<(), AggregatorError> {
        let place = place(&self.run.plan.run().id, number);
        let before = store.checkpoint(&place).await?;
        if let Some(before) = &before {
            let (kept, _) = read_part(&before.body).map_err(|source| self.unreadable(source))?;
            if kept >= number {
                return Ok(());
            }
        }
        let part = Checkpoint {
            revision: before.map_or(0, |before| before.revision) + 1,
            body: encode_part(number, stats).into(),
        };
        match store.put_checkpoint(&place, &part).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A part that is kept by itself.
    pub(in crate::reader) async fn kept_part<S: ReaderStore>(
        &self,
        store: &S,
        number: u32,
    ) -> Result<Option<(RunPart, Stats)>, AggregatorError> {
        let known = &self.sealed.kept_parts;
        let Some(part) = known.iter().find(|part| part.number == number) else {
            return Ok(None);
        };
        let place = place(&self.run.plan.run().id, number);
        let Some(kept) = store.checkpoint(&place).await? else {
            return Ok(None);
        };
        let read = |body: &[u8]| -> Result<(u32, Stats), CheckpointError> {
            let (kept, stats) = read_part(body)?;
            Ok((kept, Stats::decode(stats, self.limits)?))
        };
        let (kept, stats) = read(&kept.body).map_err(|source| self.unreadable(source))?;
        Ok((kept == number).then(|| (part.clone(), stats)))
    }
}

/// True if a bucket may hold something that was completed before an instant.
fn is_reached(bucket: Bucket, until: Timestamp) -> bool {
    bucket.start() < until + LATEST
}
