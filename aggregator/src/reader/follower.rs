//! Follows one run: reads its buckets, seals them in order, and says what they hold together.
//!
//! Everything is kept twice: sealed, as the next checkpoint will have it, and live, with the open
//! buckets on top. A reader that is dropped in the middle of a page has lost nothing, since the
//! page is read again and its records are known.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use traffic::clock::{Slot, Timestamp};
use traffic::ports::{Checkpoint, RecordPage, Store, StoreError, WRITE_DEADLINE};
use traffic::record::wire::Decoded;
use traffic::record::{Bucket, IterationEntry, Record, RecordKey};
use traffic::runs::LoadedRun;
use traffic::tick::PLAN_AHEAD;

use super::open::{Early, OpenBucket};
use super::sealed::{Sealed, progress};
use super::{AggregatorError, Snapshot};
use crate::ledger::noted::{Noted, Reach, last_bucket};
use crate::ledger::tally::{SlotPlan, Tally};
use crate::stats::{CheckpointError, Limits, Stats};

/// A bucket is sealed this long after the last write to it was given up: for clocks that differ, and
/// for reads that lag.
const SEAL_MARGIN: Duration = Duration::from_secs(15);

/// Buckets that are read at once.
const READ_AHEAD: usize = 4;

/// Bytes of records that are folded before others on the same thread get their turn: about half a
/// millisecond's.
const FOLD_AT_ONCE: usize = 16 * 1024;

/// What a record costs on top of its payload, in bytes of payload.
const RECORD_COSTS: usize = 512;

/// A checkpoint is written without being asked for after so many sealed buckets: a minute.
const SAVE_EVERY: u64 = 6;

/// How often a checkpoint is tried again that somebody else was faster with.
const SAVE_ATTEMPTS: usize = 5;

/// A reader that is this far behind looks for a newer checkpoint first: what it would have to read
/// may have been folded by another, and dropped since.
const FAR_BEHIND: Duration = Duration::from_secs(10 * 60);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Follower {
    run: Arc<LoadedRun>,
    reach: Reach,
    limits: Limits,
    sealed: Sealed,
    stored: Stored,
    open: BTreeMap<Bucket, OpenBucket>,
    live: Tally,
    /// From the first slot that is not planned in `sealed`: it will need them too.
    plans: VecDeque<SlotPlan>,
    last_snapshot: Option<Snapshot>,
}

/// How far the checkpoint in the store goes.
#[derive(Clone, Copy, Debug)]
struct Stored {
    revision: u64,
    next: Bucket,
    complete: bool,
}

impl Follower {
    /// Resumes at the run's checkpoint, or at its beginning.
    pub(super) async fn load<S: Store>(
        store: &S,
        run: Arc<LoadedRun>,
        limits: Limits,
    ) -> Result<Self, AggregatorError> {
        let nothing = Sealed::new(&run, limits);
        let stored = Stored {
            revision: 0,
            next: nothing.next,
            complete: false,
        };
        let mut follower = Self {
            reach: Reach::of(&run.workload),
            limits,
            live: nothing.tally.clone(),
            sealed: nothing,
            stored,
            open: BTreeMap::new(),
            plans: VecDeque::new(),
            last_snapshot: None,
            run,
        };
        follower.resume(store).await?;
        Ok(follower)
    }

    /// Takes over a newer copy of the run.
    pub(super) fn adopt(&mut self, run: Arc<LoadedRun>) {
        if run.plan.run().revision <= self.run.plan.run().revision {
            return;
        }
        self.run = run;
        self.last_snapshot = None;
        self.count_from_reset();
    }

    /// Reads what is new as of `now`, and seals what can be.
    pub(super) async fn refresh<S: Store>(
        &mut self,
        store: &S,
        now: Timestamp,
    ) -> Result<(), AggregatorError> {
        while self.sealed.next.end() + FAR_BEHIND < now && !self.is_complete() {
            self.resume(store).await?;
            self.read_on(store, now).await?;
            // whoever wrote a checkpoint meanwhile may have dropped what was just to be read
            self.give_way(store).await?;
        }
        self.read_on(store, now).await
    }

    async fn read_on<S: Store>(
        &mut self,
        store: &S,
        now: Timestamp,
    ) -> Result<(), AggregatorError> {
        let current = Bucket::of(now);
        let last = last_bucket(&self.run, &self.reach).map_or(current, |last| last.min(current));
        let mut next = self.sealed.next;
        while next <= last {
            let buckets: Vec<_> = (next.0..=last.0).take(READ_AHEAD).map(Bucket).collect();
            next = Bucket(next.0 + buckets.len() as u64);
            let reads = buckets.iter().map(|&bucket| self.read(store, bucket));
            let pages = try_join_all(reads).await?;
            for (bucket, page) in buckets.into_iter().zip(pages) {
                self.take_in(bucket, page, now).await;
                if bucket.end() + WRITE_DEADLINE + SEAL_MARGIN <= now {
                    self.seal(bucket);
                }
            }
        }
        Ok(())
    }

    /// What was read so far, as of `now`.
    pub(super) fn snapshot(&mut self, now: Timestamp, quiet_before: Option<Timestamp>) -> Snapshot {
        let mut stats = self.sealed.stats.clone();
        for bucket in self.open.values() {
            stats.merge(&bucket.stats);
        }
        let snapshot = Snapshot {
            run: Some(Arc::clone(&self.run)),
            stats: Arc::new(stats),
            ledger: Arc::new(self.live.ledger(&self.run, quiet_before)),
            at: now,
        };
        self.last_snapshot = Some(snapshot.clone());
        snapshot
    }

    /// The snapshot taken last, unless the run has changed since.
    pub(super) fn last_snapshot(&self) -> Option<&Snapshot> {
        self.last_snapshot.as_ref()
    }

    /// Whether enough was sealed for a checkpoint.
    pub(super) fn is_save_due(&self) -> bool {
        self.sealed.next.0 >= self.stored.next.0 + SAVE_EVERY
            || (self.is_complete() && !self.stored.complete)
    }

    /// Writes a checkpoint, unless the stored one goes as far.
    pub(super) async fn save<S: Store>(&mut self, store: &S) -> Result<(), AggregatorError> {
        for _ in 0..SAVE_ATTEMPTS {
            let complete = self.is_complete();
            let is_ahead = self.sealed.next > self.stored.next;
            if !is_ahead && (!complete || self.stored.complete) {
                return Ok(());
            }
            match self.put_checkpoint(store, complete).await {
                // somebody else did: if theirs goes as far it says the same
                Err(StoreError::Conflict) => self.look_at_stored(store).await?,
                written => return Ok(written?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn put_checkpoint<S: Store>(
        &mut self,
        store: &S,
        complete: bool,
    ) -> Result<(), StoreError> {
        let revision = self.stored.revision + 1;
        let body = self.sealed.encode(complete).into();
        let run = &self.run.plan.run().id;
        store
            .put_checkpoint(run, &Checkpoint { revision, body })
            .await?;
        self.stored = Stored {
            revision,
            next: self.sealed.next,
            complete,
        };
        Ok(())
    }

    /// Whether everything of the run is in the stored checkpoint.
    pub(super) fn is_stored_complete(&self) -> bool {
        self.stored.complete
    }

    /// The first bucket that is not in the stored checkpoint.
    pub(super) fn stored_until(&self) -> Bucket {
        self.stored.next
    }

    /// Whether nothing of the run can come any more.
    fn is_complete(&self) -> bool {
        last_bucket(&self.run, &self.reach).is_some_and(|last| self.sealed.next > last)
    }

    async fn look_at_stored<S: Store>(&mut self, store: &S) -> Result<(), AggregatorError> {
        if let Some(checkpoint) = store.checkpoint(&self.run.plan.run().id).await? {
            let (next, complete) =
                progress(&checkpoint.body).map_err(|source| self.unreadable(source))?;
            self.stored = Stored {
                revision: checkpoint.revision,
                next,
                complete,
            };
        }
        Ok(())
    }

    /// Goes on from the stored checkpoint, if it goes further than what is sealed here.
    async fn resume<S: Store>(&mut self, store: &S) -> Result<(), AggregatorError> {
        if let Some(checkpoint) = store.checkpoint(&self.run.plan.run().id).await? {
            let sealed = self.decode(&checkpoint)?;
            if sealed.next > self.sealed.next {
                self.replace(sealed);
            }
        }
        Ok(())
    }

    /// Goes on from the stored checkpoint, if somebody else has written one.
    async fn give_way<S: Store>(&mut self, store: &S) -> Result<(), AggregatorError> {
        let known = self.stored.revision;
        if let Some(checkpoint) = store.checkpoint(&self.run.plan.run().id).await?
            && checkpoint.revision != known
        {
            let sealed = self.decode(&checkpoint)?;
            self.replace(sealed);
        }
        Ok(())
    }

    fn decode(&mut self, checkpoint: &Checkpoint) -> Result<Sealed, AggregatorError> {
        let (sealed, complete) = Sealed::decode(&checkpoint.body, &self.run, self.limits)
            .map_err(|source| self.unreadable(source))?;
        self.stored = Stored {
            revision: checkpoint.revision,
            next: sealed.next,
            complete,
        };
        Ok(sealed)
    }

    fn replace(&mut self, sealed: Sealed) {
        self.sealed = sealed;
        self.plans.clear();
        self.forget_open();
        self.count_from_reset();
    }

    fn unreadable(&self, source: CheckpointError) -> AggregatorError {
        AggregatorError::Checkpoint {
            run: self.run.plan.run().id.clone(),
            source,
        }
    }

    /// Makes the statistics count from the run's last reset.
    fn count_from_reset(&mut self) {
        let from = self.run.plan.run().counts_from();
        if from == self.sealed.stats.since() {
            return;
        }
        if !self.sealed.stats.reset(from) {
            // a reset is known long before what was completed after it is sealed
            tracing::error!(
                run = %self.run.plan.run().id,
                "statistics were reset in the past: what was completed before now may be missing"
            );
            self.sealed.stats = Stats::with_limits(from, self.limits);
        }
        self.forget_open();
    }

    /// Goes back to what is sealed; the open buckets will be read again.
    fn forget_open(&mut self) {
        self.open.clear();
        self.live = self.sealed.tally.clone();
    }

    async fn read<S: Store>(&self, store: &S, bucket: Bucket) -> Result<RecordPage, StoreError> {
        let since = self.open.get(&bucket).and_then(|open| open.cursor);
        store.records(&self.run.plan.run().id, bucket, since).await
    }

    /// Folds a page of a bucket into it and into what is live.
    async fn take_in(&mut self, bucket: Bucket, page: RecordPage, now: Timestamp) {
        let planned = bucket.end().min(now);
        while self.live.until() < Slot::at_or_after(planned) {
            self.plan_next();
            tokio::task::yield_now().await;
        }
        self.note_early(bucket, now);
        let mut folded = 0;
        for record in &page.records {
            self.fold(bucket, record, now);
            folded += RECORD_COSTS + record.payload.len();
            if folded >= FOLD_AT_ONCE {
                folded = 0;
                tokio::task::yield_now().await;
            }
        }
        self.open(bucket).cursor = Some(page.cursor);
    }

    fn open(&mut self, bucket: Bucket) -> &mut OpenBucket {
        let since = self.sealed.stats.since();
        let limits = self.limits;
        let empty = || OpenBucket::new(Stats::with_limits(since, limits));
        self.open.entry(bucket).or_insert_with(empty)
    }

    fn fold(&mut self, bucket: Bucket, record: &Record, now: Timestamp) {
        let key = &record.key;
        let class = self.run.plan.class_number(&key.class);
        let classes = self.run.plan.classes();
        let name = class.map_or(&key.class, |class| &classes[class].name);
        let name = Arc::clone(name);
        if !self.open(bucket).is_new(key, name) {
            return;
        }
        let decoded = match Decoded::read(&record.payload, key.slot) {
            Ok(decoded) => decoded,
            Err(error) => {
                tracing::error!(
                    %error,
                    class = &*key.class,
                    block = key.block.0,
                    slot = key.slot.0,
                    requests = record.requests,
                    "record cannot be read: its requests are not in the statistics",
                );
                self.open(bucket).unreadable += 1;
                return self.live.add_unreadable(1);
            }
        };
        self.open(bucket).stats.fold(bucket, &decoded);
        if let Some(class) = class {
            self.fold_lateness(bucket, class, &decoded);
        }
        if key.slot.start() > now + PLAN_AHEAD {
            let early = Early {
                key: key.clone(),
                entries: decoded.iterations,
            };
            self.open(bucket).early.push(early);
        } else {
            self.note(bucket, key, &decoded.iterations);
        }
    }

    fn fold_lateness(&mut self, bucket: Bucket, class: usize, decoded: &Decoded<'_>) {
        let mut values = decoded
            .outcomes
            .iter()
            .filter_map(|outcome| outcome.lateness_us)
            .peekable();
        if values.peek().is_none() {
            return;
        }
        let live = &mut self.live;
        let Some(open) = self.open.get_mut(&bucket) else {
            return;
        };
        let lateness = open.lateness.entry(class).or_default();
        for micros in values {
            lateness.add(micros);
            live.add_lateness(class, micros);
        }
    }

    /// Notes what has become early no more.
    fn note_early(&mut self, bucket: Bucket, now: Timestamp) {
        let Some(open) = self.open.get_mut(&bucket) else {
            return;
        };
        if open.early.is_empty() {
            return;
        }
        let (still, begun): (Vec<_>, Vec<_>) = open
            .early
            .drain(..)
            .partition(|early| early.key.slot.start() > now + PLAN_AHEAD);
        open.early = still;
        for early in begun {
            self.note(bucket, &early.key, &early.entries);
        }
    }

    fn note(&mut self, bucket: Bucket, key: &RecordKey, entries: &[IterationEntry]) {
        if entries.is_empty() {
            return;
        }
        let number = key.slot.0.checked_sub(self.sealed.tally.until().0);
        let known = number.and_then(|number| self.plans.get(number as usize));
        let noted = Noted::of(&self.run, &self.reach, key, entries, known);
        while self.live.until() <= noted.slot && !noted.marks.is_empty() {
            self.plan_next();
        }
        self.live.apply(&noted);
        self.open(bucket).noted.push(noted);
    }

    /// Plans one more slot in what is live.
    fn plan_next(&mut self) {
        let slot = self.live.until();
        let number = (slot.0 - self.sealed.tally.until().0) as usize;
        if number >= self.plans.len() {
            self.plans.push_back(SlotPlan::new(&self.run.plan, slot));
        }
        self.live.extend(&self.plans[number]);
    }

    /// Folds a bucket into what is sealed; it is the first that is not.
    fn seal(&mut self, bucket: Bucket) {
        let open = self.open(bucket);
        let (bucket_ends, early) = (bucket.end(), std::mem::take(&mut open.early));
        for Early { key, entries } in early {
            let class = self.run.plan.class_number(&key.class);
            let noted = Noted::unplanned(class, &key, entries.len() as u32);
            self.live.apply(&noted);
            self.open(bucket).noted.push(noted);
        }
        if let Some(open) = self.open.remove(&bucket) {
            let marked = open.noted.iter().filter(|noted| !noted.marks.is_empty());
            let slots = marked.map(|noted| noted.slot.plus(1));
            self.plan_sealed(slots.max().unwrap_or_default().max(bucket_ends.slot()));
            open.noted
                .iter()
                .for_each(|noted| self.sealed.tally.apply(noted));
            self.sealed.stats.merge(&open.stats);
            for (&class, lateness) in &open.lateness {
                self.sealed.tally.merge_lateness(class, lateness);
            }
            self.sealed.tally.add_unreadable(open.unreadable);
        }
        self.sealed.next = bucket.next();
        self.sealed.tally.settle(&self.reach, bucket_ends);
        self.live.settle(&self.reach, bucket_ends);
    }

    /// Takes over into what is sealed what is planned before `until`; live has planned that far.
    fn plan_sealed(&mut self, until: Slot) {
        while self.sealed.tally.until() < until
            && let Some(planned) = self.plans.pop_front()
        {
            self.sealed.tally.extend(&planned);
        }
    }
}
