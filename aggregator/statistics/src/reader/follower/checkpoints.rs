//! The checkpoints that a follower begins with and writes.
//!
//! Readers of one run share a checkpoint and no lock: the slower one finds that the checkpoint is written.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use traffic::ports::{Checkpoint, ReaderStore, StoreError};
use traffic::record::Bucket;
use traffic::runs::LoadedRun;

use super::{Follower, Stored};
use crate::ledger::plan_match::Reach;
use crate::reader::AggregatorError;
use crate::reader::sealed::{Sealed, progress};
use crate::stats::Limits;
use crate::stats::checkpoint::CheckpointError;

/// The number of sealed buckets after which a checkpoint is written: a minute.
const SAVE_EVERY: u64 = 6;

/// The most tries of a checkpoint that other readers were faster with.
const SAVE_ATTEMPTS: usize = 5;

impl Follower {
    /// Resumes at the run's checkpoint, or at its beginning.
    pub(in crate::reader) async fn load<S: ReaderStore>(
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
            reach: Reach::of(&run),
            limits,
            live: nothing.tally.clone(),
            sealed: nothing,
            stored,
            open: BTreeMap::new(),
            plans: VecDeque::new(),
            last_snapshot: None,
            is_left: false,
            has_said_starved: false,
            run,
        };
        follower.resume(store).await?;
        follower.count_from_reset();
        Ok(follower)
    }

    /// True if enough buckets are sealed for a checkpoint.
    fn is_save_due(&self) -> bool {
        self.sealed.next.0 >= self.stored.next.0 + SAVE_EVERY
            || (self.is_complete() && !self.stored.complete)
    }

    /// Writes a checkpoint if enough buckets are sealed; without it a restart reads more.
    pub(in crate::reader) async fn save_if_due<S: ReaderStore>(&mut self, store: &S) {
        if self.is_save_due()
            && let Err(error) = self.save(store).await
        {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "checkpoint not written: a restart will read more");
        }
    }

    /// Writes a checkpoint, unless the stored one has as many buckets.
    pub(in crate::reader) async fn save<S: ReaderStore>(
        &mut self,
        store: &S,
    ) -> Result<(), AggregatorError> {
        for _ in 0..SAVE_ATTEMPTS {
            let complete = self.is_complete();
            let is_ahead = self.sealed.next > self.stored.next;
            if self.is_left || (!is_ahead && (!complete || self.stored.complete)) {
                return Ok(());
            }
            self.keep_parts(store).await?;
            match self.put_checkpoint(store, complete).await {
                // another reader did: a checkpoint of the same buckets is the same
                Err(StoreError::Conflict) => self.look_at_stored(store).await?,
                written => return Ok(written?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn put_checkpoint<S: ReaderStore>(
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

    /// True if everything of the run is in the stored checkpoint.
    pub(in crate::reader) fn is_stored_complete(&self) -> bool {
        self.stored.complete
    }

    /// The first bucket that is not in the stored checkpoint.
    pub(in crate::reader) fn stored_until(&self) -> Bucket {
        self.stored.next
    }

    async fn look_at_stored<S: ReaderStore>(&mut self, store: &S) -> Result<(), AggregatorError> {
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

    /// Goes on from the stored checkpoint if the run's plan does not reach back any more to the slots that are open here:
    /// another reader has settled them.
    pub(in crate::reader) async fn catch_up<S: ReaderStore>(
        &mut self,
        store: &S,
    ) -> Result<(), AggregatorError> {
        let run = self.run.plan.run();
        let open = run.slots().start(self.sealed.tally.settled_until());
        if run.past.is_some() && open < run.kept_from() {
            self.resume(store).await?;
        }
        Ok(())
    }

    /// Goes on from the stored checkpoint, if it has more buckets than are sealed here.
    pub(super) async fn resume<S: ReaderStore>(
        &mut self,
        store: &S,
    ) -> Result<(), AggregatorError> {
        if let Some(checkpoint) = store.checkpoint(&self.run.plan.run().id).await? {
            let sealed = self.decode(&checkpoint)?;
            if sealed.next > self.sealed.next {
                self.replace(sealed);
            }
        }
        Ok(())
    }

    /// Goes on from the stored checkpoint, if another reader has written one.
    pub(super) async fn give_way<S: ReaderStore>(
        &mut self,
        store: &S,
    ) -> Result<(), AggregatorError> {
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

    pub(super) fn unreadable(&self, source: CheckpointError) -> AggregatorError {
        AggregatorError::Checkpoint {
            run: self.run.plan.run().id.clone(),
            source,
        }
    }
}
