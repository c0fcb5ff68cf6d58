//! Changes to a run in the store, each by a conditional write: to the run as it is there.
//!
//! If another process changed the run meanwhile, the change is tried again, ten times at most. A change holds
//! from an instant that every process knows of in time.

use crate::clock::Timestamp;
use crate::deployment::Deployment;
use crate::ports::{RunStore, StoreError};
use crate::run::{Run, RunId};
use crate::run_rules::{InvalidField, RunRules};
use crate::runs::{Changing, RunError};

/// The most tries of a change that conflicts with changes of other processes.
pub const ATTEMPTS: usize = 10;

/// A change to a run that is being made.
pub enum ChangeBegun {
    /// Where one process executes everything: no iteration begins until this is dropped.
    Now(Changing),
    /// Elsewhere: the first full second for which every process can know of it.
    At(Timestamp),
}

impl ChangeBegun {
    /// The first instant that the change holds for.
    pub fn from(&self) -> Timestamp {
        match self {
            Self::Now(changing) => changing.from(),
            Self::At(from) => *from,
        }
    }
}

impl<S: RunStore, Q, H> Deployment<S, Q, H> {
    /// Begins a change: from now on where one process executes everything, and elsewhere [`Run::change_at`].
    pub fn begin_change(&self) -> ChangeBegun {
        if self.runs.is_alone() {
            ChangeBegun::Now(self.runs.begin_change())
        } else {
            ChangeBegun::At(Run::change_at(&self.clock))
        }
    }

    /// Writes the newest run with a change, unless there is no run or `change` returns false.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when others keep changing the run, or when it cannot be read or written.
    pub async fn update(
        &self,
        change: impl Fn(&mut Run, Timestamp) -> bool,
    ) -> Result<Option<Run>, RunError> {
        let change = |run: &mut Run| change(run, self.clock.now());
        let written = self.rewrite(None, change).await?;
        if let Some((run, true)) = &written {
            self.runs.put(run.clone()).await?;
        }
        Ok(written.map(|(run, _)| run))
    }

    /// Writes the run `id`, or else the newest one, with a change. The run, and false if `change` returned false
    /// and nothing was written.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when others keep changing the run, or when it cannot be read or written.
    pub async fn rewrite(
        &self,
        id: Option<&RunId>,
        change: impl Fn(&mut Run) -> bool,
    ) -> Result<Option<(Run, bool)>, RunError> {
        for _ in 0..ATTEMPTS {
            let stored = match id {
                Some(id) => self.store.run(id).await?,
                None => self.store.latest_run().await?,
            };
            let Some(mut run) = stored else {
                return Ok(None);
            };
            if !change(&mut run) {
                return Ok(Some((run, false)));
            }
            run.revision += 1;
            match self.store.put_run(&run).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(Some((run, true))),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Ends the newest run at once if it is on and a swarm could not ask for it now: for its number of users, its
    /// spawn rate, a host that is not allowed, or a password that this process lacks. True if the run was ended.
    pub async fn end_what_does_not_fit(&self, rules: &RunRules) -> Result<bool, RunError> {
        let Some(run) = self.runs.latest().await? else {
            return Ok(false);
        };
        if run.plan.run().is_over(self.clock.now()) {
            return Ok(false);
        }
        let Err(InvalidField { field, problem }) = rules.check(&run, self.clock.now()) else {
            return Ok(false);
        };
        let id = &run.plan.run().id;
        let change = self.begin_change();
        let ended = self.update(|run, now| {
            let is_on = run.id == *id && !run.is_over(now);
            if is_on {
                run.stopped_at = Some(change.from().max(run.starts()));
            }
            is_on
        });
        ended.await?;
        drop(change);
        tracing::error!(
            run = %id,
            reason = format!("{field} {problem}"),
            "the run that was on does not go on: it does not obey the limits of now"
        );
        Ok(true)
    }
}
