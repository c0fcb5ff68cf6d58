//! Follows one run: reads its buckets, seals them in order, and makes snapshots of them.
//!
//! Everything is kept twice: sealed, as the next checkpoint will have it, and live, with the open buckets on top. A reader
//! that is dropped in the middle of a page has lost nothing: the page is read again, and its records are known.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use traffic::clock::{Slot, Timestamp};
use traffic::ports::{ReaderStore, RecordPage, StoreError, WRITE_DEADLINE};
use traffic::record::Bucket;
use traffic::runs::{LoadedRun, is_newer};

use super::error::AggregatorError;
use super::open::{Early, OpenBucket};
use super::sealed::Sealed;
use super::snapshot::{Quiet, Snapshot};
use crate::ledger::Ledger;
use crate::ledger::plan_match::{PlanMatch, Reach, last_bucket};
use crate::ledger::slot_plan::SlotPlan;
use crate::ledger::tally::Tally;
use crate::stats::{Limits, Stats};

mod checkpoints;
mod fold;
mod gap;
mod parts;

/// The time from the last possible write to a bucket to its sealing, for clocks that differ and for reads that lag.
const SEAL_MARGIN: Duration = Duration::from_secs(15);

/// The number of buckets that are read at once.
const READ_AHEAD: usize = 4;

/// The number of buckets that are read at once after empty ones.
const READ_AHEAD_OF_NOTHING: usize = 32;

/// A reader that is this far behind looks for a newer checkpoint first: another reader may have folded the records that it
/// would have to read, and dropped them.
const FAR_BEHIND: Duration = Duration::from_secs(10 * 60);

/// The number of buckets that such a reader folds before it writes a checkpoint, so that a function with little time gets
/// on: an hour.
const STRIDE: u64 = 360;

/// The log says what there is to say of a run for this long after its end.
const NEWS_FOR: Duration = Duration::from_secs(10 * 60);

#[derive(Debug)]
pub(super) struct Follower {
    run: Arc<LoadedRun>,
    reach: Reach,
    limits: Limits,
    sealed: Sealed,
    stored: Stored,
    open: BTreeMap<Bucket, OpenBucket>,
    live: Tally,
    /// The plans from the first slot that is not in `sealed`, which will need them too.
    plans: VecDeque<SlotPlan>,
    last_snapshot: Option<Snapshot>,
    /// True if the run ends only for this process, which is about to end: what is folded by that is not for the next.
    is_left: bool,
    /// True if the log has said of the newest ledger that its run is starved.
    has_said_starved: bool,
}

/// The checkpoint in the store, by its first bucket that is not folded.
#[derive(Clone, Copy, Debug)]
struct Stored {
    revision: u64,
    next: Bucket,
    complete: bool,
}

impl Follower {
    /// Takes over a newer copy of the run.
    pub(super) fn adopt(&mut self, run: Arc<LoadedRun>) {
        if !is_newer(run.plan.run(), self.run.plan.run()) {
            return;
        }
        self.run = run;
        self.last_snapshot = None;
        self.count_from_reset();
    }

    /// From now on no checkpoint is written if the run was left to the next process.
    pub(super) fn note_left(&mut self, is_left: bool) {
        self.is_left = is_left;
    }

    /// Reads the records that are new as of `now`, and seals the buckets that no write can reach.
    pub(super) async fn refresh<S: ReaderStore>(
        &mut self,
        store: &S,
        now: Timestamp,
    ) -> Result<(), AggregatorError> {
        while self.sealed.next.end() + FAR_BEHIND < now && !self.is_complete() {
            self.resume(store).await?;
            let stride = Bucket(self.sealed.next.0 + STRIDE);
            self.read_on(store, now, stride).await?;
            // another reader that wrote a checkpoint meanwhile may have dropped records before they were read here
            self.give_way(store).await?;
            self.save_if_due(store).await;
        }
        self.read_on(store, now, Bucket::of(now)).await
    }

    /// Reads on up to the bucket `until`, or the last one of the run.
    async fn read_on<S: ReaderStore>(
        &mut self,
        store: &S,
        now: Timestamp,
        until: Bucket,
    ) -> Result<(), AggregatorError> {
        let until = until.min(Bucket::of(now));
        let last = last_bucket(&self.run, &self.reach).map_or(until, |last| last.min(until));
        let mut next = self.sealed.next;
        let mut are_empty = false;
        while next <= last {
            if are_empty && next == self.sealed.next {
                self.pass_over_gap(store, now).await?;
                next = self.sealed.next;
            }
            let at_once = match are_empty {
                true => READ_AHEAD_OF_NOTHING,
                false => READ_AHEAD,
            };
            let buckets: Vec<_> = (next.0..=last.0).take(at_once).map(Bucket).collect();
            next = Bucket(next.0 + buckets.len() as u64);
            let reads = buckets.iter().map(|&bucket| self.read(store, bucket));
            let pages = try_join_all(reads).await?;
            are_empty = pages.iter().all(|page| page.records.is_empty());
            for (bucket, page) in buckets.into_iter().zip(pages) {
                self.take_in(bucket, page, now).await;
                if bucket < first_unsealable(now) {
                    self.seal(bucket);
                }
            }
        }
        Ok(())
    }

    /// The snapshot of the records that were read so far, as of `now`. `quiet` is the state of the run when the reading
    /// began; `None` where this process does not know it.
    pub(super) fn snapshot(
        &mut self,
        now: Timestamp,
        quiet_before: Option<Timestamp>,
        quiet: Option<Quiet>,
    ) -> Snapshot {
        let quiet_before = match quiet {
            Some(Quiet::Settled) => Some(now),
            _ => quiet_before,
        };
        let ledger = self.live.ledger(&self.run, quiet_before);
        self.say_starved(&ledger, now);
        let run_now = self.run.plan.run();
        let is_over = run_now.is_over(now);
        let (is_settled, busy) = match quiet {
            Some(Quiet::Settled) => (true, 0),
            Some(Quiet::Busy(users)) => (false, users),
            None => {
                let pending = ledger.total.pending;
                // a user may have several iterations without a record
                let last = run_now.ends().unwrap_or(now) - Duration::from_micros(1);
                let busy = pending.min(self.run.plan.user_count(last));
                (is_over && pending == 0, busy)
            }
        };
        let mut stats = self.sealed.stats.clone();
        for bucket in self.open.values() {
            stats.merge(&bucket.stats);
        }
        let snapshot = Snapshot {
            run: Some(Arc::clone(&self.run)),
            stats: Arc::new(stats),
            ledger: Arc::new(ledger),
            ledger_past: Arc::new(self.live.past(&self.run, quiet_before)),
            is_settled,
            busy,
            parts: self.parts(),
            part: None,
            at: now,
        };
        self.last_snapshot = Some(snapshot.clone());
        snapshot
    }

    /// Says in the log that response times begin to include our own waiting; not of a run that somebody opens later.
    fn say_starved(&mut self, ledger: &Ledger, now: Timestamp) {
        let has_said = std::mem::replace(&mut self.has_said_starved, ledger.starved.is_some());
        let ends = self.run.plan.run().ends();
        let is_recent = ends.is_none_or(|end| now.since(end) < NEWS_FOR);
        if let Some(starved) = ledger.starved.as_ref().filter(|_| !has_said && is_recent) {
            tracing::warn!(
                run = %self.run.plan.run().id,
                lateness_p95_ms = starved.lateness_p95_ms,
                "response times include our own waiting"
            );
        }
    }

    /// The snapshot taken last, unless the run has changed since.
    pub(super) fn last_snapshot(&self) -> Option<&Snapshot> {
        self.last_snapshot.as_ref()
    }

    /// True if no record of the run can come any more.
    fn is_complete(&self) -> bool {
        last_bucket(&self.run, &self.reach).is_some_and(|last| self.sealed.next > last)
    }

    /// Makes the statistics count from the run's last reset.
    fn count_from_reset(&mut self) {
        let from = self.run.plan.run().counts_from();
        if from == self.sealed.stats.since() {
            return;
        }
        self.end_parts(from);
        if !self.sealed.stats.reset(from) {
            // a reset is known long before the requests after it are sealed
            tracing::error!(
                run = %self.run.plan.run().id,
                "statistics were reset in the past: what was completed before now is in the part before"
            );
            self.sealed.stats = Stats::with_limits(from, self.limits);
        }
        self.forget_open();
    }

    /// Goes back to the sealed buckets; the open ones will be read again.
    fn forget_open(&mut self) {
        self.open.clear();
        self.live = self.sealed.tally.clone();
    }

    async fn read<S: ReaderStore>(
        &self,
        store: &S,
        bucket: Bucket,
    ) -> Result<RecordPage, StoreError> {
        let since = self.open.get(&bucket).and_then(|open| open.cursor);
        let run = self.run.plan.run();
        store
            .records(&run.id, self.run.plan.shards(), bucket, since)
            .await
    }

    fn open(&mut self, bucket: Bucket) -> &mut OpenBucket {
        let since = self.sealed.stats.since();
        let limits = self.limits;
        let empty = || OpenBucket::new(Stats::with_limits(since, limits));
        self.open.entry(bucket).or_insert_with(empty)
    }

    /// Adds the next slot to `live`.
    fn plan_next(&mut self) {
        let slot = self.live.until();
        let number = (slot.0 - self.sealed.tally.until().0) as usize;
        if number >= self.plans.len() {
            self.plans.push_back(SlotPlan::new(&self.run.plan, slot));
        }
        self.live.extend(&self.plans[number]);
    }

    /// Folds the first bucket that is not sealed.
    fn seal(&mut self, bucket: Bucket) {
        let open = self.open(bucket);
        let (bucket_ends, early) = (bucket.end(), std::mem::take(&mut open.early));
        for Early { key, entries } in early {
            let class = self.run.plan.class_number(&key.class);
            let noted = PlanMatch::unplanned(class, &key, entries.len() as u32);
            self.live.apply(&noted);
            self.open(bucket).noted.push(noted);
        }
        if let Some(open) = self.open.remove(&bucket) {
            let marked = open.noted.iter().filter(|noted| !noted.marks.is_empty());
            let slots = marked.map(|noted| noted.slot.plus(1));
            let ended = self.run.plan.run().slots().of(bucket_ends);
            self.plan_sealed(slots.max().unwrap_or_default().max(ended));
            open.noted
                .iter()
                .for_each(|noted| self.sealed.tally.apply(noted));
            self.sealed.stats.merge(&open.stats);
            self.seal_parts(&open.parts);
            for (&class, (lateness, by_slot)) in &open.lateness {
                self.sealed.tally.merge_lateness(class, lateness, by_slot);
            }
            self.sealed.tally.add_unreadable(open.unreadable);
        }
        self.sealed.next = bucket.next();
        self.sealed.tally.settle(&self.reach, bucket_ends);
        self.live.settle(&self.reach, bucket_ends);
    }

    /// Moves the plans before `until` into `sealed`; `live` has them.
    fn plan_sealed(&mut self, until: Slot) {
        while self.sealed.tally.until() < until
            && let Some(planned) = self.plans.pop_front()
        {
            self.sealed.tally.extend(&planned);
        }
    }
}

/// The first bucket that writes may still reach.
fn first_unsealable(now: Timestamp) -> Bucket {
    Bucket::of(now - (WRITE_DEADLINE + SEAL_MARGIN))
}
