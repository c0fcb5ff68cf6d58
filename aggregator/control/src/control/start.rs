//! Starting a run, so that one run is on at a time, also if other processes start one at the same moment.

use std::time::Duration;

use traffic::clock::Timestamp;
use traffic::ports::{Delivery, Heartbeat, Queue, Store, StoreError};
use traffic::run::{Run, RunId};
use traffic::workload::Workload;

use super::{Control, Refusal};
use crate::desired_run::{Context, Target};
use crate::iterations;
use crate::request::SwarmRequest;
use crate::said_host;

/// The newest runs among which those are found that were started at the same moment.
const RIVALS: usize = 16;

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// Starts a run. Where several processes share a store, it begins after the end of the run before.
    ///
    /// [`StoreError::Conflict`] when another process started a newer run: that one stays.
    pub(super) async fn start(
        &self,
        request: &SwarmRequest,
        before: Option<&Run>,
    ) -> Result<Target, Refusal> {
        let deployment = &*self.deployment;
        if let Some(not_before) = self.first_free_instant(before) {
            deployment.clock.follow_wall_clock(not_before);
        }
        let workload = self.read_workload().await?;
        let context = Context::of(&self.settings, &workload, self.host());
        let target = Target::resolve(request, &context)?;
        let limit = iterations::limit(request.iterations, None)?;
        self.keep_secret(&target);
        deployment
            .store
            .put_workload(workload.version(), workload.source())
            .await?;
        let run = self.new_run(&target, &workload, before);
        let limited = Run {
            iterations: limit,
            ..run
        };
        let mut run = iterations::within(limited, &workload)?;
        said_host::note(
            self.settings.rules.keyring.as_ref(),
            &mut run.segments,
            &workload,
        );
        deployment.store.put_run(&run).await?;
        if !self.is_newest(&run.id, before.map(|run| &run.id)).await? {
            // an older run must not be planned for ever
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
            shape = target.shape,
            "Ramping to {} users at a rate of {:.2} per second",
            segment.user_count,
            segment.spawn_rate,
        );
        deployment.runs.put(run).await?;
        self.begin().await?;
        Ok(target)
    }

    /// Switches on what drives the run that was just written, and plans it.
    async fn begin(&self) -> Result<(), Refusal> {
        let (heartbeat, mut is_called) = (&self.deployment.heartbeat, Ok(()));
        let delivers = heartbeat.turn_on().await? == Delivery::On;
        if !delivers {
            is_called = heartbeat.beat_now().await;
        }
        self.deployment.plan_ahead().await?;
        // a fan-out that still saw the run before may have turned it off
        if heartbeat.turn_on().await? == Delivery::Starting && delivers {
            is_called = heartbeat.beat_now().await;
        }
        Ok(is_called?)
    }

    /// The first instant after the run before; `None` while that is on.
    fn first_free_instant(&self, before: Option<&Run>) -> Option<Timestamp> {
        let Some(before) = before else {
            return Some(Timestamp::default());
        };
        let ended = before.ends().filter(|_| before.is_over(self.now()))?;
        Some(ended.max(before.created_at))
    }

    fn new_run(&self, target: &Target, workload: &Workload, before: Option<&Run>) -> Run {
        let now = self.now();
        let fan_out_is_alone = self.deployment.runs.is_alone();
        // a run sorts by its time, also where clocks differ
        let after = before.map(|run| run.created_at + Duration::from_micros(1));
        let created_at = after.map_or(now, |after| after.max(now));
        let from = match fan_out_is_alone {
            true => created_at,
            false => Run::change_at(&self.deployment.clock),
        };
        let from = (before.and_then(Run::ends)).map_or(from, |end| from.max(end));
        let name = self.settings.run_name.iter();
        Run {
            labels: name
                .map(|name| ("name".to_owned(), name.trim().to_owned()))
                .collect(),
            block_size: self.settings.block_size,
            thresholds: self.settings.thresholds.clone(),
            equal_weights: workload.has_equal_weights(),
            ..Run::new(
                RunId::new(created_at, rand::random()),
                self.settings.seed.unwrap_or_else(rand::random),
                workload.version(),
                created_at,
                target.segments(from),
            )
        }
    }

    /// True if the run just written is the newest. Of the runs that were started at the same moment, all but the
    /// newest are ended before they begin.
    async fn is_newest(&self, run: &RunId, before: Option<&RunId>) -> Result<bool, Refusal> {
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
    async fn end(&self, id: &RunId) -> Result<(), Refusal> {
        let stop = |run: &mut Run| {
            let goes_on = run.stopped_at.is_none() && !run.is_over(self.now());
            if goes_on {
                run.stopped_at = Some(self.deployment.begin_change().from());
            }
            goes_on
        };
        self.deployment.rewrite(Some(id), stop).await?;
        Ok(())
    }
}
