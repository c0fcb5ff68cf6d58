//! Users' schedules on EventBridge Scheduler: of each, one that starts runs, `<name>-start`, and one
//! that stops them, `<name>-stop`.
//!
//! Each step of putting and deleting can be repeated, so what was left half done by a failure is
//! mended by asking again. The stack's own schedules have the same form and are listed too.

use std::collections::BTreeMap;

use aws_sdk_scheduler::error::ProvideErrorMetadata as _;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::{
    FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Target,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use traffic::ports::{HeartbeatError, Schedule};
use traffic::schedule::Cron;

use super::event::{Event, Typed};
use super::{CONFLICT, SchedulerHeartbeat, call, failed};
use crate::environment::ScheduleTarget;
use crate::failure::Failure;

/// The remedy when the group is not there.
const NO_GROUP: &str = "deploy the stack, or set CICADA_SCHEDULE_GROUP to its group";

/// The code of AWS's error about a schedule that is not there.
const NOT_FOUND: &str = "ResourceNotFoundException";

/// A start or stop that does not get through within this is not made up for later.
const MAX_AGE_SECONDS: i32 = 60;

/// Schedules that are read at once.
const CONCURRENT_READS: usize = 8;

/// The two halves of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Start,
    Stop,
}

const HALVES: [Half; 2] = [Half::Start, Half::Stop];

/// Nobody is named whom schedules could call.
#[derive(Debug, thiserror::Error)]
#[error(
    "this deployment cannot make schedules: set CICADA_AGGREGATOR_ARN and CICADA_SCHEDULER_ROLE_ARN to \
     the function and the role that the stack makes for them"
)]
struct NoTarget;

impl Half {
    fn suffix(self) -> &'static str {
        match self {
            Self::Start => "-start",
            Self::Stop => "-stop",
        }
    }

    fn of(self, name: &str) -> String {
        format!("{name}{}", self.suffix())
    }

    fn cron(self, schedule: &Schedule) -> Option<&str> {
        match self {
            Self::Start => schedule.start.as_deref(),
            Self::Stop => schedule.stop.as_deref(),
        }
    }

    fn cron_mut(self, schedule: &mut Schedule) -> &mut Option<String> {
        match self {
            Self::Start => &mut schedule.start,
            Self::Stop => &mut schedule.stop,
        }
    }

    fn event(self, name: &str, cron: &str, swarm: &str) -> String {
        let typed = Typed {
            cron: cron.to_owned(),
            swarm: swarm.to_owned(),
        };
        match self {
            Self::Start => Event::post(name, "/swarm", swarm, &typed),
            Self::Stop => Event::post(name, "/stop", "", &typed),
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Start => "Starts a run of Cicada; see /schedules.",
            Self::Stop => "Stops the run of Cicada that is on; see /schedules.",
        }
    }

    /// The half that a name stands for, and the schedule's own name.
    fn split(name: &str) -> Option<(&str, Self)> {
        let split = |half: Self| Some((name.strip_suffix(half.suffix())?, half));
        HALVES
            .into_iter()
            .find_map(split)
            .filter(|(own, _)| !own.is_empty())
    }
}

impl SchedulerHeartbeat {
    pub(super) async fn list(&self) -> Result<Vec<Schedule>, HeartbeatError> {
        let mut names = self.names().await?;
        names.retain(|name| *name != self.settings.heartbeat && Half::split(name).is_some());
        let reads = stream::iter(names).map(async |name: String| {
            let found = self.get(&name).await?;
            Ok::<_, HeartbeatError>(found.map(|found| (name, found)))
        });
        let found = reads.buffered(CONCURRENT_READS);
        let found: Vec<_> = found.try_collect().await?;
        let mut schedules = BTreeMap::new();
        for (name, found) in found.into_iter().flatten() {
            add(&mut schedules, &name, &found);
        }
        Ok(schedules.into_values().collect())
    }

    pub(super) async fn put(&self, schedule: &Schedule) -> Result<(), HeartbeatError> {
        let target = self
            .settings
            .target
            .as_ref()
            .ok_or_else(|| failed(NoTarget))?;
        // nothing is written unless both can be
        let mut expressions = Vec::with_capacity(HALVES.len());
        for half in HALVES {
            let cron = half
                .cron(schedule)
                .map(|text| Cron::parse(text, &schedule.time_zone));
            expressions.push((half, cron.transpose().map_err(failed)?));
        }
        for (half, cron) in expressions {
            match cron {
                Some(cron) => self.put_half(schedule, half, &cron, target).await?,
                None => drop(self.delete_half(&schedule.name, half).await?),
            }
        }
        Ok(())
    }

    pub(super) async fn delete(&self, name: &str) -> Result<bool, HeartbeatError> {
        let mut was_there = false;
        for half in HALVES {
            was_there |= self.delete_half(name, half).await?;
        }
        Ok(was_there)
    }

    /// The names of all schedules of the group.
    async fn names(&self) -> Result<Vec<String>, HeartbeatError> {
        let list = self
            .client
            .list_schedules()
            .group_name(&self.settings.group);
        let mut pages = list.into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                let resource = format!("group {}", self.settings.group);
                let action = "scheduler:ListSchedules";
                failed(Failure::new(
                    &call("list schedules", &resource, action, NO_GROUP),
                    error,
                ))
            })?;
            names.extend(page.schedules.into_iter().filter_map(|found| found.name));
        }
        Ok(names)
    }

    /// A schedule, unless somebody has just taken it away.
    async fn get(&self, name: &str) -> Result<Option<GetScheduleOutput>, HeartbeatError> {
        let get = self
            .client
            .get_schedule()
            .group_name(&self.settings.group)
            .name(name);
        match get.send().await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.code() == Some(NOT_FOUND) => Ok(None),
            Err(error) => {
                let (resource, action) = (self.resource(name), "scheduler:GetSchedule");
                let call = call("read a schedule", &resource, action, NO_GROUP);
                Err(failed(Failure::new(&call, error)))
            }
        }
    }

    async fn put_half(
        &self,
        schedule: &Schedule,
        half: Half,
        cron: &Cron,
        target: &ScheduleTarget,
    ) -> Result<(), HeartbeatError> {
        let name = half.of(&schedule.name);
        let resource = self.resource(&name);
        let call = |action| call("put a schedule", &resource, action, NO_GROUP);
        let target = half_target(
            target,
            half.event(&schedule.name, cron.text(), &schedule.swarm),
        );
        let create = self
            .client
            .create_schedule()
            .group_name(&self.settings.group)
            .name(&name)
            .schedule_expression(cron.to_eventbridge())
            .schedule_expression_timezone(cron.time_zone())
            .flexible_time_window(on_time())
            .target(target.clone())
            .description(half.description())
            .state(ScheduleState::Enabled);
        match create.send().await {
            Ok(_) => return Ok(()),
            Err(error) if error.code() == Some(CONFLICT) => {}
            Err(error) => {
                return Err(failed(Failure::new(
                    &call("scheduler:CreateSchedule"),
                    error,
                )));
            }
        }
        let update = self
            .client
            .update_schedule()
            .group_name(&self.settings.group)
            .name(&name)
            .schedule_expression(cron.to_eventbridge())
            .schedule_expression_timezone(cron.time_zone())
            .flexible_time_window(on_time())
            .target(target)
            .description(half.description())
            .state(ScheduleState::Enabled);
        let updated = update.send().await;
        updated.map_err(|error| failed(Failure::new(&call("scheduler:UpdateSchedule"), error)))?;
        Ok(())
    }

    /// Takes a half away; false if there was none.
    async fn delete_half(&self, name: &str, half: Half) -> Result<bool, HeartbeatError> {
        let name = half.of(name);
        let delete = self
            .client
            .delete_schedule()
            .group_name(&self.settings.group)
            .name(&name);
        match delete.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(NOT_FOUND) => Ok(false),
            Err(error) => {
                let (resource, action) = (self.resource(&name), "scheduler:DeleteSchedule");
                let call = call("take a schedule away", &resource, action, NO_GROUP);
                Err(failed(Failure::new(&call, error)))
            }
        }
    }
}

/// Adds what was found to the schedule that it is a half of.
fn add(schedules: &mut BTreeMap<String, Schedule>, name: &str, found: &GetScheduleOutput) {
    let Some((name, half)) = Half::split(name) else {
        return;
    };
    let input = found.target().and_then(Target::input).unwrap_or_default();
    let Some(event) = Event::of(input) else {
        tracing::warn!(
            name,
            ?half,
            "a schedule of somebody else in our group is not listed"
        );
        return;
    };
    let expression = found.schedule_expression().unwrap_or_default();
    let time_zone = found.schedule_expression_timezone().unwrap_or("UTC");
    let cron = cron_text(expression, time_zone, event.cicada.as_ref());
    let body = Some(event.body).filter(|body| !body.is_empty());
    let swarm = match half {
        Half::Start => body,
        Half::Stop => event.cicada.map(|typed| typed.swarm),
    };
    let schedule = schedules
        .entry(name.to_owned())
        .or_insert_with(|| Schedule {
            name: name.to_owned(),
            start: None,
            stop: None,
            time_zone: time_zone.to_owned(),
            swarm: "{}".to_owned(),
        });
    *half.cron_mut(schedule) = Some(cron);
    match (half, swarm) {
        // what starts the run knows best, in which order ever they come
        (Half::Start, swarm) => {
            time_zone.clone_into(&mut schedule.time_zone);
            schedule.swarm = swarm.unwrap_or_else(|| "{}".to_owned());
        }
        (Half::Stop, Some(swarm)) if schedule.start.is_none() => schedule.swarm = swarm,
        (Half::Stop, _) => {}
    }
}

/// The five fields as they were typed, if the expression still says the same; else what it says, in
/// five fields or, where those cannot say it, as it is.
fn cron_text(expression: &str, time_zone: &str, typed: Option<&Typed>) -> String {
    let as_typed = typed.and_then(|typed| Cron::parse(&typed.cron, time_zone).ok());
    if let Some(cron) = as_typed.filter(|cron| cron.to_eventbridge() == expression) {
        return cron.text().to_owned();
    }
    let cron = Cron::from_eventbridge(expression, time_zone);
    cron.map_or_else(|_| expression.to_owned(), |cron| cron.text().to_owned())
}

fn half_target(target: &ScheduleTarget, event: String) -> Target {
    let once = RetryPolicy::builder()
        .maximum_retry_attempts(0)
        .maximum_event_age_in_seconds(MAX_AGE_SECONDS)
        .build();
    Target::builder()
        .arn(&target.function_arn)
        .role_arn(&target.role_arn)
        .input(event)
        .retry_policy(once)
        .build()
        .expect("it has an ARN and a role")
}

fn on_time() -> FlexibleTimeWindow {
    FlexibleTimeWindow::builder()
        .mode(FlexibleTimeWindowMode::Off)
        .build()
        .expect("it has a mode")
}
