//! One tick's journal: collects what happens and writes it as records.
//!
//! An outcome is written within two seconds, however long other users of the tick still take.
//! A write that fails is tried again until [`WRITE_DEADLINE`], if that can help; what is given up is
//! logged, and shows as missing in the ledger. A record lies in the bucket in which its outcomes were completed, or,
//! if that may be sealed by then, in the one of its writing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::back_off::back_off;
use crate::clock::{Clock, Timestamp};
use crate::ports::{RecordStore, RunStore, StoreError, WRITE_DEADLINE};
use crate::record::wire::Contents;
use crate::record::{Bucket, ExceptionEntry, Fate, IterationEntry, Outcome, Record, RecordKey};
use crate::workload::EvaluationError;

mod health;

pub(crate) use health::WriteHealth;

/// The longest that a completed outcome may wait for others to be written with it.
pub const FLUSH_AFTER: Duration = Duration::from_millis(1500);

/// Outcomes written later than this after the end of their bucket go into the bucket of their writing: a process
/// that stood still finds its readers ahead of it.
const LATE_AFTER: Duration = Duration::from_secs(5);

/// Outcomes in one record at most, each value of a custom metric counted as one more: some 100 KB, well below
/// DynamoDB's 400.
const MAX_OUTCOMES: usize = 8_000;

/// The longest wait before the second try of a failing write.
const MIN_BACK_OFF: Duration = Duration::from_millis(100);

/// The longest wait before any try.
const MAX_BACK_OFF: Duration = Duration::from_secs(5);

/// Collects what happens in one execution of one tick.
#[derive(Debug)]
pub(crate) struct Journal<S> {
    pub(crate) store: Arc<S>,
    pub(crate) clock: Clock,
    pub(crate) health: Arc<WriteHealth>,
    /// The key of the tick's records; bucket and sequence are set for each.
    pub(crate) key: RecordKey,
    /// The index of the block's first user.
    pub(crate) first_user: u32,
    pub(crate) pending: Mutex<Pending>,
    /// From here on it is settled what became of the slot's iterations.
    pub(crate) settles_at: Timestamp,
    /// When the process may end: what is not written then never will be.
    pub(crate) deadline: Option<Timestamp>,
}

/// Outcomes and iterations that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    contents: Contents,
    since: Option<Timestamp>,
    sequence: u32,
}

impl<S: RunStore + RecordStore> Journal<S> {
    /// Notes the result of a request.
    pub(crate) fn outcome(&self, outcome: Outcome) {
        let mut pending = self.pending.lock();
        pending.since.get_or_insert(outcome.completed_at);
        pending.contents.outcomes.push(outcome);
    }

    /// Notes what became of a planned iteration.
    pub(crate) fn iteration(&self, user: u32, ordinal: u32, fate: Fate) {
        let user = (user - self.first_user) as u8;
        let now = self.clock.now();
        let mut pending = self.pending.lock();
        pending.since.get_or_insert(now);
        pending.contents.iterations.push(IterationEntry {
            user,
            ordinal,
            fate,
        });
    }

    /// Notes an expectation or template that could not be evaluated.
    pub(crate) fn exception(&self, error: &EvaluationError) {
        let now = self.clock.now();
        let traceback = error.traceback();
        let mut pending = self.pending.lock();
        pending.since.get_or_insert(now);
        let exceptions = &mut pending.contents.exceptions;
        match exceptions
            .iter_mut()
            .find(|known| *known.traceback == *traceback)
        {
            Some(known) => known.count += 1,
            None => exceptions.push(ExceptionEntry {
                message: error.message().into(),
                traceback: traceback.into(),
                count: 1,
            }),
        }
    }

    /// When what is pending is to be written, if anything is.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.pending.lock().since.map(|since| since + FLUSH_AFTER)
    }

    /// Writes what is pending; returns when it is written or given up.
    pub(crate) async fn flush(&self) {
        let contents = {
            let mut pending = self.pending.lock();
            pending.since = None;
            std::mem::take(&mut pending.contents)
        };
        for (bucket, contents) in by_bucket(contents, self.clock.now()) {
            self.write(bucket, contents).await;
        }
    }

    /// Writes what was completed in a bucket, in that one if readers cannot have sealed it meanwhile.
    async fn write(&self, bucket: Bucket, mut contents: Contents) {
        let now = self.clock.now();
        let completed = contents.outcomes.iter().map(|outcome| outcome.completed_at);
        let (mut bucket, mut since) = (bucket, completed.min().unwrap_or(now));
        if bucket.end() + LATE_AFTER <= now {
            (bucket, since) = (Bucket::of(now), now);
        }
        let Some(mut record) = self.record(bucket, &mut contents) else {
            return;
        };
        for wait in back_off(MIN_BACK_OFF, MAX_BACK_OFF) {
            let Err(error) = self.in_time(self.store.put_record(record.clone())).await else {
                return self.health.succeeded();
            };
            let now = self.clock.now();
            self.health.failed(&error, now);
            let too_late = now.since(since) + wait >= WRITE_DEADLINE
                || self.deadline.is_some_and(|end| now + wait >= end);
            if too_late || !error.may_pass() {
                return self.health.gave_up(record.requests, &error);
            }
            tokio::time::sleep(wait).await;
            let now = self.clock.now();
            if now.since(since) >= WRITE_DEADLINE {
                // the process stood still; only where a failed write has surely not been made may another be
                if !self.store.marker_lead().is_zero() {
                    return self.health.gave_up(record.requests, &error);
                }
                since = now;
                match self.record(Bucket::of(now), &mut contents) {
                    Some(anew) => record = anew,
                    None => return,
                }
            }
        }
    }

    /// The record to be written in a bucket, if there is anything in it: iterations of a slot that is settled by then are
    /// missing already, so nothing more is said of them.
    fn record(&self, bucket: Bucket, contents: &mut Contents) -> Option<Record> {
        if bucket.start() >= self.settles_at {
            contents.iterations.clear();
        }
        if contents.is_empty() {
            return None;
        }
        let sequence = {
            let mut pending = self.pending.lock();
            pending.sequence += 1;
            pending.sequence - 1
        };
        Some(contents.record(RecordKey {
            bucket,
            sequence,
            ..self.key.clone()
        }))
    }

    /// The store's answer to a call, if it comes before the deadline.
    pub(crate) async fn in_time<V>(
        &self,
        call: impl Future<Output = Result<V, StoreError>>,
    ) -> Result<V, StoreError> {
        let Some(deadline) = self.deadline else {
            return call.await;
        };
        tokio::select! {
            biased;
            answer = call => answer,
            () = self.clock.sleep_until(deadline) => {
                Err(StoreError::Unavailable("no time is left to wait for it".into()))
            }
        }
    }
}

/// Splits contents that are written `now` so that each part's outcomes were completed in one bucket and fit a record.
pub fn by_bucket(contents: Contents, now: Timestamp) -> Vec<(Bucket, Contents)> {
    if contents.is_empty() {
        return Vec::new();
    }
    let current = Bucket::of(now);
    let mut parts: BTreeMap<(Bucket, usize), Contents> = BTreeMap::new();
    let mut counts: BTreeMap<Bucket, usize> = BTreeMap::new();
    for outcome in contents.outcomes {
        let bucket = Bucket::of(outcome.completed_at);
        let count = counts.entry(bucket).or_default();
        let size = 1 + outcome.measured.len();
        parts
            .entry((bucket, *count / MAX_OUTCOMES))
            .or_default()
            .outcomes
            .push(outcome);
        *count += size;
    }
    // what has no time of completion goes with the newest outcomes
    let newest = parts.keys().next_back().copied().unwrap_or((current, 0));
    let last = parts.entry(newest).or_default();
    last.iterations = contents.iterations;
    last.exceptions = contents.exceptions;
    parts
        .into_iter()
        .map(|((bucket, _), contents)| (bucket, contents))
        .collect()
}
