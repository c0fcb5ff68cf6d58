//! Starting a run, so that one run is on at a time, whoever else starts one at the same moment.

use std::time::Duration;

use traffic::clock::Timestamp;
use traffic::ports::{Heartbeat, Queue, Store, StoreError};
use traffic::run::{Run, RunId};

use super::desired_run::{Context, Target};
use super::{ATTEMPTS, Control, Refusal, SwarmRequest, said_host};

/// Newest runs that are looked at for others that were started at the same moment.
const RIVALS: usize = 16;

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// Starts a run, where several processes share a store once the one before, if it was just stopped, is over.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else started one that is newer: that one stays.
    pub(super) async fn start(
        &self,
        request: &SwarmRequest,
        before: Option<&Run>,
    ) -> Result<Target, Refusal> {
        let deployment = &*self.deployment;
        if let Some(not_before) = self.first_free_instant(before) {
            deployment.clock.follow_wall_clock(not_before);
        }
        let workload = self.read_workload().await?.workload;
        let context = Context {
            settings: &self.settings,
            workload: &workload,
            running: None,
            host: self.host(),
        };
        let target = Target::resolve(request, &context)?;
        self.keep_secret(&target);
        deployment
            .store
            .put_workload(workload.version(), workload.source())
            .await?;
        let mut run = self.new_run(&target, workload.version(), before);
        said_host::note(self.settings.keyring.as_ref(), &mut run.segments, &workload);
        deployment.store.put_run(&run).await?;
        if !self.is_newest(&run.id, before.map(|run| &run.id)).await? {
            // it must not be planned for ever
            let ended = Run {
                revision: run.revision + 1,
                stopped_at: Some(run.starts()),
                ..run
            };
            deployment.store.put_run(&ended).await?;
            return Err(StoreError::Conflict.into());
        }
        let segment = run.segments[0].clone();
        tracing::info!(
            run = %run.id,
            user_count = segment.user_count,
            spawn_rate = segment.spawn_rate,
            shape = target.shape,
            "starting users"
        );
        deployment.runs.put(run).await?;
        deployment.heartbeat.turn_on().await?;
        deployment.plan_ahead().await?;
        if !deployment.heartbeat.is_on().await? {
            // a fan-out that still saw the old run had the last word
            deployment.heartbeat.turn_on().await?;
        }
        Ok(target)
    }

    /// The first instant at which nothing of the run before is on; `None` while it is.
    fn first_free_instant(&self, before: Option<&Run>) -> Option<Timestamp> {
        let Some(before) = before else {
            return Some(Timestamp::default());
        };
        let ended = before.ends().filter(|_| before.is_over(self.now()))?;
        Some(ended.max(before.created_at))
    }

    fn new_run(&self, target: &Target, workload: &str, before: Option<&Run>) -> Run {
        let now = self.now();
        let fan_out_is_alone = self.deployment.runs.is_alone();
        // runs are told apart by their time, also where clocks differ
        let after = before.map(|run| run.created_at + Duration::from_micros(1));
        let created_at = after.map_or(now, |after| after.max(now));
        let from = match fan_out_is_alone {
            true => created_at,
            false => Run::change_at(&self.deployment.clock),
        };
        let from = (before.and_then(Run::ends)).map_or(from, |end| from.max(end));
        Run {
            block_size: self.settings.block_size,
            ..Run::new(
                RunId::new(created_at, rand::random()),
                self.settings.seed.unwrap_or_else(rand::random),
                workload,
                created_at,
                target.segments(from),
            )
        }
    }

    /// Whether a run just written is the newest one; of those started beside it all but the newest
    /// are ended before they begin.
    async fn is_newest(&self, run: &RunId, before: Option<&RunId>) -> Result<bool, StoreError> {
        let ids = self.deployment.store.run_ids(None, RIVALS).await?;
        let newest = ids.first() == Some(run);
        if !newest {
            self.end(run).await?;
        }
        let rivals = ids.iter().skip(1).take_while(|&id| Some(id) != before);
        for rival in rivals.filter(|&id| newest && id != run) {
            self.end(rival).await?;
        }
        Ok(newest)
    }

    /// Ends a run that is not the newest.
    async fn end(&self, id: &RunId) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(mut run) = self.deployment.store.run(id).await? else {
                return Ok(());
            };
            if run.stopped_at.is_some() || run.is_over(self.now()) {
                return Ok(());
            }
            run.stopped_at = Some(self.begin_change().from());
            run.revision += 1;
            match self.deployment.store.put_run(&run).await {
                Err(StoreError::Conflict) => {}
                result => return result,
            }
        }
        Err(StoreError::Conflict)
    }
}
