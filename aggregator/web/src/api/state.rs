//! The state of all handlers. They know the control and the statistics as [`Controls`] and [`Figures`], which say
//! nothing of the store, the queue and the heartbeat behind them, so that no handler is generic.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Bytes;
use control::{
    Control, ControlSettings, Refusal, RunLabels, ScheduleRefusal, Stop, SwarmForm, SwarmRequest,
    Swarmed, UserSettings, WorkloadRefusal,
};
use statistics::reader::{Aggregation, AggregatorError, RunsPage, Snapshot};
use statistics::state::State;
use traffic::clock::Timestamp;
use traffic::ports::{Heartbeat, Queue, ReaderStore, Schedule, Store};
use traffic::run::{Run, RunId};
use traffic::runs::LoadedRun;
use traffic::workload::Workload;

use super::door::Door;
use super::forecast::Forecast;
use super::trouble::Trouble;
use crate::logs::LogBuffer;

/// All that the API is made of.
pub struct Api<S, Q, H> {
    /// Starts, changes and stops runs.
    pub control: Arc<Control<S, Q, H>>,
    /// Their statistics and ledgers.
    pub aggregation: Arc<Aggregation<S>>,
    /// The newest log lines.
    pub logs: LogBuffer,
    /// Anything in the way of recording.
    pub trouble: Trouble,
    /// The check of every request.
    pub door: Door,
}

impl<S, Q, H> Clone for Api<S, Q, H> {
    fn clone(&self) -> Self {
        Self {
            control: Arc::clone(&self.control),
            aggregation: Arc::clone(&self.aggregation),
            logs: self.logs.clone(),
            trouble: self.trouble.clone(),
            door: self.door.clone(),
        }
    }
}

/// The same for handlers.
#[derive(Clone)]
pub(super) struct ApiState {
    pub(super) control: Arc<dyn Controls>,
    pub(super) figures: Arc<dyn Figures>,
    pub(super) logs: LogBuffer,
    pub(super) trouble: Trouble,
    pub(super) door: Door,
    pub(super) forecast: Forecast,
    /// The text of `/openapi.json`.
    pub(super) document: Bytes,
}

impl ApiState {
    pub(super) fn new<S: Store, Q: Queue, H: Heartbeat>(
        api: Api<S, Q, H>,
        document: Bytes,
    ) -> Self {
        Self {
            door: api.door.with_clock(api.control.clock().clone()),
            control: Arc::new(api.control),
            figures: api.aggregation,
            logs: api.logs,
            trouble: api.trouble,
            forecast: Forecast::default(),
            document,
        }
    }

    /// How late a run will be that is on; `None` if its functions suffice, or where their number has no limit.
    pub(super) async fn lateness_of(&self, run: Option<&Arc<LoadedRun>>) -> Option<Arc<str>> {
        let functions = self.control.settings().tick_functions?;
        let run = run.filter(|run| !run.plan.run().is_over(self.control.now()))?;
        self.forecast.lateness_of(run, functions).await
    }
}

/// The part of [`Control`] that handlers call. A change that was begun is finished, also when the client has gone away
/// meanwhile.
#[async_trait]
pub(super) trait Controls: Send + Sync {
    fn settings(&self) -> &ControlSettings;
    fn now(&self) -> Timestamp;
    fn host(&self) -> Option<String>;
    fn unwritten_stop(&self) -> Option<String>;
    fn state(&self, run: Option<&LoadedRun>) -> State;
    fn is_settled(&self, run: &Run) -> bool;
    async fn run(&self) -> Result<Option<Arc<LoadedRun>>, Refusal>;
    async fn swarm_form(&self) -> Result<SwarmForm, Refusal>;
    async fn workload(&self) -> Result<Arc<Workload>, Refusal>;
    async fn check_workload(&self, source: &str) -> Result<Arc<Workload>, WorkloadRefusal>;
    async fn schedules(&self) -> Result<Vec<Schedule>, Refusal>;

    async fn swarm(&self, asked: SwarmRequest) -> Result<Swarmed, Refusal>;
    async fn stop(&self) -> Result<Stop, Refusal>;
    async fn reset(&self) -> Result<(), Refusal>;
    async fn note(&self, text: String) -> Result<Timestamp, Refusal>;
    async fn label_run(&self, id: RunId, labels: RunLabels) -> Result<bool, Refusal>;
    async fn delete_run(&self, id: RunId) -> Result<bool, Refusal>;
    async fn swarm_by_schedule(
        &self,
        schedule: String,
        asked: SwarmRequest,
    ) -> Result<Swarmed, Refusal>;
    async fn stop_by_schedule(&self, schedule: String) -> Result<Stop, Refusal>;
    async fn set_user_class(&self, asked: UserSettings) -> Result<(), WorkloadRefusal>;
    async fn choose_workload(
        &self,
        source: String,
        expected: Option<String>,
    ) -> Result<Arc<Workload>, WorkloadRefusal>;
    async fn put_schedule(
        &self,
        schedule: Schedule,
        swarm: SwarmRequest,
    ) -> Result<Schedule, ScheduleRefusal>;
    async fn delete_schedule(&self, name: String) -> Result<bool, Refusal>;
}

#[async_trait]
impl<S: Store, Q: Queue, H: Heartbeat> Controls for Arc<Control<S, Q, H>> {
    fn settings(&self) -> &ControlSettings {
        (**self).settings()
    }

    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn host(&self) -> Option<String> {
        (**self).host()
    }

    fn unwritten_stop(&self) -> Option<String> {
        (**self).unwritten_stop()
    }

    fn state(&self, run: Option<&LoadedRun>) -> State {
        (**self).state(run)
    }

    fn is_settled(&self, run: &Run) -> bool {
        (**self).is_settled(run)
    }

    async fn run(&self) -> Result<Option<Arc<LoadedRun>>, Refusal> {
        (**self).run().await
    }

    async fn swarm_form(&self) -> Result<SwarmForm, Refusal> {
        (**self).swarm_form().await
    }

    async fn workload(&self) -> Result<Arc<Workload>, Refusal> {
        (**self).workload().await
    }

    async fn check_workload(&self, source: &str) -> Result<Arc<Workload>, WorkloadRefusal> {
        (**self).check_workload(source).await
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, Refusal> {
        (**self).schedules().await
    }

    async fn swarm(&self, asked: SwarmRequest) -> Result<Swarmed, Refusal> {
        to_the_end(self, |control| async move { (*control).swarm(asked).await }).await
    }

    async fn stop(&self) -> Result<Stop, Refusal> {
        to_the_end(self, |control| async move { (*control).stop().await }).await
    }

    async fn reset(&self) -> Result<(), Refusal> {
        to_the_end(self, |control| async move { (*control).reset().await }).await
    }

    async fn note(&self, text: String) -> Result<Timestamp, Refusal> {
        to_the_end(self, |control| async move { (*control).note(&text).await }).await
    }

    async fn label_run(&self, id: RunId, labels: RunLabels) -> Result<bool, Refusal> {
        to_the_end(self, |control| async move {
            (*control).label_run(&id, &labels).await
        })
        .await
    }

    async fn delete_run(&self, id: RunId) -> Result<bool, Refusal> {
        to_the_end(
            self,
            |control| async move { (*control).delete_run(&id).await },
        )
        .await
    }

    async fn swarm_by_schedule(
        &self,
        schedule: String,
        asked: SwarmRequest,
    ) -> Result<Swarmed, Refusal> {
        to_the_end(self, |control| async move {
            (*control).swarm_by_schedule(&schedule, asked).await
        })
        .await
    }

    async fn stop_by_schedule(&self, schedule: String) -> Result<Stop, Refusal> {
        to_the_end(self, |control| async move {
            (*control).stop_by_schedule(&schedule).await
        })
        .await
    }

    async fn set_user_class(&self, asked: UserSettings) -> Result<(), WorkloadRefusal> {
        to_the_end(self, |control| async move {
            (*control).set_user_class(asked).await
        })
        .await
    }

    async fn choose_workload(
        &self,
        source: String,
        expected: Option<String>,
    ) -> Result<Arc<Workload>, WorkloadRefusal> {
        let choose = |control: Self| async move {
            (*control)
                .choose_workload(&source, expected.as_deref())
                .await
        };
        to_the_end(self, choose).await
    }

    async fn put_schedule(
        &self,
        schedule: Schedule,
        swarm: SwarmRequest,
    ) -> Result<Schedule, ScheduleRefusal> {
        to_the_end(self, |control| async move {
            (*control).put_schedule(schedule, &swarm).await
        })
        .await
    }

    async fn delete_schedule(&self, name: String) -> Result<bool, Refusal> {
        to_the_end(self, |control| async move {
            (*control).delete_schedule(&name).await
        })
        .await
    }
}

/// A change in a task of its own.
async fn to_the_end<C: Clone, T: Send + 'static, F>(control: &C, change: impl FnOnce(C) -> F) -> T
where
    F: Future<Output = T> + Send + 'static,
{
    match tokio::spawn(change(control.clone())).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The part of [`Aggregation`] that handlers call.
#[async_trait]
pub(super) trait Figures: Send + Sync {
    async fn snapshot(&self) -> Result<Snapshot, AggregatorError>;
    async fn snapshot_of(&self, id: &RunId) -> Result<Snapshot, AggregatorError>;
    async fn snapshot_of_part(
        &self,
        id: &RunId,
        number: u32,
    ) -> Result<Option<Snapshot>, AggregatorError>;
    fn forget(&self, id: &RunId);
    async fn runs(&self, before: Option<&RunId>, limit: usize)
    -> Result<RunsPage, AggregatorError>;
}

#[async_trait]
impl<S: ReaderStore> Figures for Aggregation<S> {
    async fn snapshot(&self) -> Result<Snapshot, AggregatorError> {
        self.snapshot().await
    }

    async fn snapshot_of(&self, id: &RunId) -> Result<Snapshot, AggregatorError> {
        self.snapshot_of(id).await
    }

    async fn snapshot_of_part(
        &self,
        id: &RunId,
        number: u32,
    ) -> Result<Option<Snapshot>, AggregatorError> {
        self.snapshot_of_part(id, number).await
    }

    fn forget(&self, id: &RunId) {
        self.forget(id);
    }

    async fn runs(
        &self,
        before: Option<&RunId>,
        limit: usize,
    ) -> Result<RunsPage, AggregatorError> {
        self.runs(before, limit).await
    }
}
