//! Starts and stops runs by the schedules.

use std::sync::Arc;

use control::Control;
use traffic::ports::{Heartbeat, Queue, Store};
use web::api::swarm_from_json;

use crate::heartbeat::{Action, Alarm, Alarms};

#[cfg(test)]
mod tests;

/// Starts or stops a run at each alarm.
pub(super) async fn follow<S, Q, H>(mut alarms: Alarms, control: Arc<Control<S, Q, H>>)
where
    S: Store,
    Q: Queue,
    H: Heartbeat,
{
    while let Some(alarm) = alarms.next().await {
        let schedule = alarm.schedule.as_str();
        match obey(&alarm, &control).await {
            Ok(done) => tracing::info!(schedule, done, "a schedule was due"),
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = error.as_ref();
                tracing::error!(schedule, error, "a schedule could not start or stop a run");
            }
        }
    }
}

async fn obey<S: Store, Q: Queue, H: Heartbeat>(
    alarm: &Alarm,
    control: &Control<S, Q, H>,
) -> anyhow::Result<&'static str> {
    match &alarm.action {
        Action::Start(swarm) => {
            let swarm = swarm_from_json(swarm)?;
            control.swarm_by_schedule(&alarm.schedule, swarm).await?;
            Ok("start")
        }
        Action::Stop => {
            control.stop_by_schedule(&alarm.schedule).await?;
            Ok("stop")
        }
    }
}
