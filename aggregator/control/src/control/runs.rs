//! What is done with runs beside starting and stopping them: they get a name and a note, and are deleted.

use std::time::Duration;

use traffic::ports::{Heartbeat, Queue, Store};
use traffic::record::Bucket;
use traffic::run::{Run, RunId};

use statistics::run_part::places;

use super::{Control, Refusal, Stop};
use crate::request::{SwarmRequest, Swarmed};
use crate::run_labels::RunLabels;

/// No record of a run is in a bucket that begins this long after its end.
const LAST_RECORDS: Duration = Duration::from_secs(15 * 60);

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// Gives a run a name or a note; false if there is no such run.
    pub async fn label_run(&self, id: &RunId, labels: &RunLabels) -> Result<bool, Refusal> {
        labels.checked()?;
        let _turn = self.turn.lock().await;
        self.write_held().await?;
        let label = |run: &mut Run| {
            let texts = [("name", &labels.name), ("note", &labels.note)];
            for (key, text) in texts {
                if let Some(text) = text {
                    run.set_label(key, text.trim());
                }
            }
            true
        };
        let Some((run, _)) = self.deployment.rewrite(Some(id), label).await? else {
            return Ok(false);
        };
        self.deployment.runs.put_older(run).await?;
        Ok(true)
    }

    /// Deletes a run with all that belongs to it; false if there is no such run. One that is on is refused.
    pub async fn delete_run(&self, id: &RunId) -> Result<bool, Refusal> {
        let _turn = self.turn.lock().await;
        self.write_held().await?;
        let deployment = &self.deployment;
        let Some(run) = deployment.store.run(id).await? else {
            return Ok(false);
        };
        let Some(end) = run.ends().filter(|_| run.is_over(self.now())) else {
            return Err(Refusal::IsOn);
        };
        if !self.is_settled(&run) {
            return Err(Refusal::IsOn);
        }
        // of a run whose workload cannot be read any more the records of the first shard are found; the others expire
        let loaded = deployment.runs.get(id).await;
        let shards = loaded.map_or(1, |loaded| loaded.plan.shards());
        let first = Bucket::of(run.created_at.min(run.starts()));
        let buckets = first..Bucket::of(end + LAST_RECORDS).next();
        let store = &deployment.store;
        store.delete_run(id, &places(id), shards, buckets).await?;
        deployment.runs.forget(id).await;
        tracing::info!(run = %id, "a run was deleted");
        Ok(true)
    }

    /// Does what a schedule has a run started or changed for, and leaves a marker with its name.
    pub async fn swarm_by_schedule(
        &self,
        schedule: &str,
        request: SwarmRequest,
    ) -> Result<Swarmed, Refusal> {
        let swarmed = self.swarm(request).await?;
        self.mark_schedule(schedule, "start").await;
        Ok(swarmed)
    }

    /// Stops the run that is on for a schedule, and leaves a marker with its name.
    pub async fn stop_by_schedule(&self, schedule: &str) -> Result<Stop, Refusal> {
        let run = self.run().await?;
        let is_on = run.is_some_and(|run| {
            let run = run.plan.run();
            run.stopped_at.is_none() && !run.is_over(self.now())
        });
        let stopped = self.stop().await?;
        if is_on {
            self.mark_schedule(schedule, "stop").await;
        }
        Ok(stopped)
    }

    /// The run goes on, or not, whether or not the marker can be written.
    async fn mark_schedule(&self, schedule: &str, what: &str) {
        if let Err(refusal) = self.mark(&format!("schedule {schedule}: {what}")).await {
            let error: &dyn std::error::Error = &refusal;
            tracing::warn!(
                error,
                schedule,
                "the marker of a schedule cannot be written"
            );
        }
    }
}
