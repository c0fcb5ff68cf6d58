//! Schedules: checked when they are put, and not when they are due; kept with the heartbeat.

use traffic::ports::{Heartbeat, HeartbeatError, NoSchedules, Queue, Schedule, Store};
use traffic::schedule::InvalidSchedule;

use super::{Control, Refusal};
use crate::desired_run::{Context, Target};
use traffic::run_rules::InvalidField;

use crate::request::SwarmRequest;
use crate::said_host::SaidHost;

/// The reason why a schedule was refused; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleRefusal {
    /// Its name, its times or its zone cannot be used.
    #[error(transparent)]
    Schedule(#[from] InvalidSchedule),
    /// `POST /swarm` would refuse its swarm.
    #[error(transparent)]
    Swarm(#[from] InvalidField),
    /// The schedules or the workload could not be read or written.
    #[error(transparent)]
    Unavailable(#[from] Refusal),
}

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// All schedules, by name.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, Refusal> {
        let schedules = self.deployment.heartbeat.schedules().await;
        schedules.map_err(Refusal::Schedules)
    }

    /// Keeps a schedule, in place of the one of its name, if `swarm` could be started now.
    pub async fn put_schedule(
        &self,
        schedule: Schedule,
        swarm: &SwarmRequest,
    ) -> Result<Schedule, ScheduleRefusal> {
        let schedule = schedule.checked()?;
        if schedule.start.is_some() {
            let chosen = self.read_workload().await?;
            // the swarm's fields are kept and shown as they were sent
            let host = swarm.host.as_deref().map(SaidHost::read).transpose()?;
            host.map(|host| host.for_keyring(None)).transpose()?;
            let context = Context::of(&self.settings, &chosen, self.host());
            Target::resolve(swarm, &context)?;
        } else if *swarm != SwarmRequest::default() {
            let problem = "is missing, and there are users to start: say when, such as 0 9 * * 1-5";
            return Err(InvalidField::new("start", problem).into());
        }
        let put = self.deployment.heartbeat.put_schedule(&schedule).await;
        put.map_err(unkept)?;
        tracing::info!(schedule = schedule.name, "a schedule was put");
        Ok(schedule)
    }

    /// Deletes a schedule; false if there is none of this name.
    pub async fn delete_schedule(&self, name: &str) -> Result<bool, Refusal> {
        let deleted = self.deployment.heartbeat.delete_schedule(name).await;
        let deleted = deleted.map_err(Refusal::Schedules)?;
        if deleted {
            tracing::info!(schedule = name, "a schedule was deleted");
        }
        Ok(deleted)
    }
}

/// The refusal of a schedule that could not be kept: for good, or for now.
fn unkept(error: HeartbeatError) -> ScheduleRefusal {
    if error.0.is::<NoSchedules>() {
        let problem = "cannot be had here, where nothing starts runs by schedules: call /swarm and \
                       /stop by a cron of your own";
        return InvalidField::new("schedules", problem).into();
    }
    Refusal::Schedules(error).into()
}
