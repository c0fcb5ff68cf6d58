//! The heartbeat on EventBridge Scheduler: one schedule, `rate(1 minute)`, that the stack makes and
//! this switches by its state; and beside it the schedules of users.
//!
//! Its input names the event source mapping of the queue, which is switched with it: `{"mapping":"UUID"}`. The
//! schedule goes on first and off last, so the next beat mends what was left half done.
//!
//! All of a stage's schedules are in one group. What is not switched stays as it is found, so a
//! change by the stack or by hand is kept.

mod event;
mod failures;
mod mapping;
mod schedules;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::ProvideErrorMetadata as _;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::{ScheduleState, Target};
use serde::Deserialize;
use traffic::ports::{Delivery, Heartbeat, HeartbeatError, Schedule};

pub use event::{API_ID, SCHEDULE_HEADER};
use failures::{call, failed};
use mapping::Mapping;

use crate::config::CONNECT_TIMEOUT;
use crate::environment::ScheduleSettings;
use crate::failure::Failure;
use crate::http::OneClient;
use crate::lambda_api::LambdaApi;

/// The remedy when the heartbeat's schedule is not there.
const NO_HEARTBEAT: &str = "deploy the stack, or set CICADA_SCHEDULE_GROUP and CICADA_HEARTBEAT to its \
                            group and schedule";

/// EventBridge Scheduler fires at any second of a minute, so two beats are at most 119 s apart. A lost one makes that
/// 179 s, and the minute that is left is for the fan-out to start and to send.
pub const REACH: Duration = Duration::from_secs(119 + 120);
/// The code of AWS's error about a change at the same time, or a name that is taken.
const CONFLICT: &str = "ConflictException";

/// Tries of a switch while somebody else switches.
const TRIES: u32 = 3;

/// The heartbeat's schedule and those of users.
#[derive(Clone, Debug)]
pub struct SchedulerHeartbeat {
    client: Client,
    lambda: LambdaApi,
    settings: ScheduleSettings,
}

/// The input of the heartbeat's schedule.
#[derive(Default, Deserialize)]
struct Input {
    /// The UUID of the mapping; a schedule that others made has none, and they switch it.
    #[serde(default)]
    mapping: Option<String>,
}

impl SchedulerHeartbeat {
    /// The schedules of a group; users' can be made where the settings name their target.
    pub fn new(config: &SdkConfig, settings: ScheduleSettings) -> Self {
        let client = OneClient::new(CONNECT_TIMEOUT);
        Self::over(LambdaApi::new(config, client), config, settings)
    }

    /// The same, with what calls Lambda.
    pub(crate) fn over(lambda: LambdaApi, config: &SdkConfig, settings: ScheduleSettings) -> Self {
        Self {
            client: Client::new(config),
            lambda,
            settings,
        }
    }

    async fn switch(
        &self,
        mut found: GetScheduleOutput,
        wanted: ScheduleState,
    ) -> Result<(), HeartbeatError> {
        for attempt in 1.. {
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
                Err(error) if attempt < TRIES && error.code() == Some(CONFLICT) => {
                    found = self.beat().await?;
                }
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

    /// The mapping that a schedule's input names.
    fn mapping<'a>(&'a self, id: Option<&'a String>) -> Option<Mapping<'a>> {
        id.map(|id| Mapping {
            lambda: &self.lambda,
            id,
        })
    }

    /// A schedule's name in errors.
    fn resource(&self, name: &str) -> String {
        format!("schedule {}/{name}", self.settings.group)
    }
}

impl Heartbeat for SchedulerHeartbeat {
    fn reach(&self) -> Duration {
        REACH
    }

    async fn turn_on(&self) -> Result<Delivery, HeartbeatError> {
        let found = self.beat().await?;
        let id = mapping_of(&found);
        self.switch(found, ScheduleState::Enabled).await?;
        match self.mapping(id.as_ref()) {
            Some(mapping) => mapping.turn_on().await,
            None => Ok(Delivery::On),
        }
    }

    async fn turn_off(&self) -> Result<(), HeartbeatError> {
        let found = self.beat().await?;
        let id = mapping_of(&found);
        if let Some(mapping) = self.mapping(id.as_ref())
            && !mapping.turn_off().await?
        {
            tracing::info!("the mapping of the queue is being changed: the next beat switches off");
            return Ok(());
        }
        self.switch(found, ScheduleState::Disabled).await
    }

    async fn beat_now(&self) -> Result<(), HeartbeatError> {
        let found = self.beat().await?;
        let target = found.target().ok_or_else(|| failed(NO_HEARTBEAT))?;
        let event = target.input().unwrap_or("{}").to_owned();
        let invoked = self.lambda.invoke(target.arn(), event).await;
        invoked.map_err(|error| {
            let action = "lambda:InvokeFunction";
            let call = call("call the fan-out", target.arn(), action, NO_HEARTBEAT);
            failed(Failure::new(&call, error))
        })
    }

    async fn is_on(&self) -> Result<bool, HeartbeatError> {
        let found = self.beat().await?;
        let is_on = found.state == Some(ScheduleState::Enabled);
        match self.mapping(mapping_of(&found).as_ref()) {
            Some(mapping) if is_on => mapping.is_on().await,
            _ => Ok(is_on),
        }
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

/// The mapping that the input of a schedule names.
fn mapping_of(found: &GetScheduleOutput) -> Option<String> {
    let input = found.target().and_then(Target::input)?;
    let input: Input = serde_json::from_str(input).unwrap_or_default();
    input.mapping
}
