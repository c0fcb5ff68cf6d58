//! The heartbeat on EventBridge Scheduler: one schedule, `rate(1 minute)`, that the stack makes and
//! this switches by its state; and beside it the schedules of users.
//!
//! All of a stage's schedules are in one group. What is not switched stays as it is found, so a
//! change by the stack or by hand is kept.

mod event;
mod schedules;

use aws_config::SdkConfig;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::ProvideErrorMetadata as _;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::ScheduleState;
use traffic::ports::{Heartbeat, HeartbeatError, Schedule};

pub use event::API_ID;

use crate::environment::ScheduleSettings;
use crate::failure::{Call, Failure};

/// The remedy when the heartbeat's schedule is not there.
const NO_HEARTBEAT: &str = "deploy the stack, or set CICADA_SCHEDULE_GROUP and CICADA_HEARTBEAT to its \
                            group and schedule";

/// The code of AWS's error about a change at the same time, or a name that is taken.
const CONFLICT: &str = "ConflictException";

/// Tries of a switch while somebody else switches.
const TRIES: u32 = 3;

/// The heartbeat's schedule and those of users.
#[derive(Clone, Debug)]
pub struct SchedulerHeartbeat {
    client: Client,
    settings: ScheduleSettings,
}

impl SchedulerHeartbeat {
    /// The schedules of a group; users' can be made where the settings name their target.
    pub fn new(config: &SdkConfig, settings: ScheduleSettings) -> Self {
        Self {
            client: Client::new(config),
            settings,
        }
    }

    async fn switch(&self, wanted: ScheduleState) -> Result<(), HeartbeatError> {
        for attempt in 1.. {
            let found = self.beat().await?;
            if found.state.as_ref() == Some(&wanted) {
                return Ok(());
            }
            let update = self
                .client
                .update_schedule()
                .group_name(&self.settings.group)
                .name(&self.settings.heartbeat)
                .state(wanted.clone())
                .set_schedule_expression(found.schedule_expression)
                .set_schedule_expression_timezone(found.schedule_expression_timezone)
                .set_start_date(found.start_date)
                .set_end_date(found.end_date)
                .set_description(found.description)
                .set_kms_key_arn(found.kms_key_arn)
                .set_target(found.target)
                .set_flexible_time_window(found.flexible_time_window)
                .set_action_after_completion(found.action_after_completion);
            match update.send().await {
                Ok(_) => break,
                Err(error) if attempt < TRIES && error.code() == Some(CONFLICT) => {}
                Err(error) => {
                    let action = "scheduler:UpdateSchedule";
                    let resource = self.resource(&self.settings.heartbeat);
                    let call = call("switch the heartbeat", &resource, action, NO_HEARTBEAT);
                    return Err(failed(Failure::new(&call, error)));
                }
            }
        }
        Ok(())
    }

    /// The heartbeat's schedule.
    async fn beat(&self) -> Result<GetScheduleOutput, HeartbeatError> {
        let get = self
            .client
            .get_schedule()
            .group_name(&self.settings.group)
            .name(&self.settings.heartbeat);
        get.send().await.map_err(|error| {
            let resource = self.resource(&self.settings.heartbeat);
            let action = "scheduler:GetSchedule";
            let call = call("look at the heartbeat", &resource, action, NO_HEARTBEAT);
            failed(Failure::new(&call, error))
        })
    }

    /// A schedule's name in errors.
    fn resource(&self, name: &str) -> String {
        format!("schedule {}/{name}", self.settings.group)
    }
}

impl Heartbeat for SchedulerHeartbeat {
    async fn turn_on(&self) -> Result<(), HeartbeatError> {
        self.switch(ScheduleState::Enabled).await
    }

    async fn turn_off(&self) -> Result<(), HeartbeatError> {
        self.switch(ScheduleState::Disabled).await
    }

    async fn is_on(&self) -> Result<bool, HeartbeatError> {
        Ok(self.beat().await?.state == Some(ScheduleState::Enabled))
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, HeartbeatError> {
        self.list().await
    }

    async fn put_schedule(&self, schedule: &Schedule) -> Result<(), HeartbeatError> {
        self.put(schedule).await
    }

    async fn delete_schedule(&self, name: &str) -> Result<bool, HeartbeatError> {
        self.delete(name).await
    }
}

fn call<'a>(doing: &'a str, resource: &'a str, action: &'a str, missing: &'a str) -> Call<'a> {
    Call {
        doing,
        resource,
        action,
        missing,
    }
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> HeartbeatError {
    HeartbeatError(error.into())
}
