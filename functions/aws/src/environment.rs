//! Settings from environment variables: parsed once where a process starts, every mistake one line.
//!
//! [`Variables`] reads them through a function that is passed in; what each process needs is a type
//! with `read`. What only the aggregator needs, it reads itself, with the same words. An empty
//! variable is one that is not set.

use std::process::ExitCode;
use std::time::Duration;

use aws_config::SdkConfig;
use traffic::error_chain::one_line;
use traffic::host_allowlist::{ALLOWED_HOSTS, AllowedHosts, InvalidAllowedHosts};
use traffic::run_rules::{InvalidField, Limits, RunRules};
use traffic::workload::base_url;

mod logging;
mod variables;

pub use logging::{JsonLines, LOG, LogFilter, start_logging};
use variables::unusable;
pub use variables::{Secret, SettingError, Variables};

/// The table that everything is kept in.
pub const TABLE: &str = "CICADA_TABLE";

/// The number of days that runs and their records are kept.
pub const RETENTION_DAYS: &str = "CICADA_RETENTION_DAYS";

/// The queue that wake-ups wait in.
pub const QUEUE_URL: &str = "CICADA_QUEUE_URL";

/// The function that ticks are executed by, for who may call it without the queue.
pub const TICK_FUNCTION: &str = "CICADA_TICK_FUNCTION";

/// The most ticks in one message.
pub const TICKS_PER_MESSAGE: &str = "CICADA_TICKS_PER_MESSAGE";

/// The group of the stage's schedules.
pub const SCHEDULE_GROUP: &str = "CICADA_SCHEDULE_GROUP";

/// The name of the schedule that calls the fan-out.
pub const HEARTBEAT: &str = "CICADA_HEARTBEAT";

/// The function that schedules of users call.
pub const AGGREGATOR_ARN: &str = "CICADA_AGGREGATOR_ARN";

/// The role in whose name they do.
pub const SCHEDULER_ROLE_ARN: &str = "CICADA_SCHEDULER_ROLE_ARN";

/// The executor of ticks: functions or processes.
pub const TRAFFIC: &str = "CICADA_TRAFFIC";

/// Where everything is.
pub const REGION: &str = "AWS_REGION";

const DEFAULT_RETENTION_DAYS: u32 = 30;
const DEFAULT_TICKS_PER_MESSAGE: usize = 10;
const DEFAULT_HEARTBEAT: &str = "heartbeat";

/// The remedy for a variable that the deployment sets.
const DEPLOY: &str = "deploy with infra/deploy, or set it to";

/// The most users of a run.
const MAX_USERS: &str = "CICADA_MAX_USERS";

/// The most users that are started or stopped in a second.
const MAX_SPAWN_RATE: &str = "CICADA_MAX_SPAWN_RATE";

/// The exit code of a process that cannot start as it is set up.
const EXIT_MISUSE: u8 = 2;

/// The settings of a process that reads and writes the store: the tick needs no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The table's name.
    pub table: String,
    /// The time for which records are kept.
    pub retention: Duration,
}

/// The settings of a process that sends wake-ups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// The queue's URL.
    pub url: String,
    /// The most ticks in a message: 1 to 100.
    pub ticks_per_message: usize,
    /// The name of the tick function, for who may call it without the queue.
    pub tick_function: Option<String>,
}

/// The settings of a process that switches the heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleSettings {
    /// The group of the stage's schedules.
    pub group: String,
    /// The name of the heartbeat's.
    pub heartbeat: String,
    /// Whom schedules of users call, where they may be made.
    pub target: Option<ScheduleTarget>,
}

/// Whom schedules of users call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleTarget {
    /// The aggregator's function.
    pub function_arn: String,
    /// The role in whose name it is called.
    pub role_arn: String,
}

/// The executor of a stage's ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Executor {
    /// Functions, woken up by a queue.
    #[default]
    Functions,
    /// Processes that find the ticks by themselves: see [`crate::processes`].
    Processes,
}

/// The settings of the fan-out, and of the aggregator too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FanOutSettings {
    /// The store.
    pub store: StoreSettings,
    /// The queue.
    pub queue: QueueSettings,
    /// The heartbeat.
    pub schedules: ScheduleSettings,
}

impl StoreSettings {
    /// Reads them.
    pub fn read(variables: &Variables) -> Result<Self, SettingError> {
        let table = variables.required(TABLE, is_table, &format!("{DEPLOY} the table's name"))?;
        let days = variables.parsed(
            RETENTION_DAYS,
            |days| (1..=3650).contains(days),
            "write a number of days from 1 to 3650, or leave it out for 30",
        )?;
        let days = u64::from(days.unwrap_or(DEFAULT_RETENTION_DAYS));
        Ok(Self {
            table,
            retention: Duration::from_secs(days * 24 * 60 * 60),
        })
    }
}

impl QueueSettings {
    /// Reads them.
    pub fn read(variables: &Variables) -> Result<Self, SettingError> {
        let instead =
            format!("{DEPLOY} the queue's URL, such as https://sqs.REGION.amazonaws.com/...");
        let url = variables.required(QUEUE_URL, |url| base_url(url).is_ok(), &instead)?;
        let ticks_per_message = variables.parsed(
            TICKS_PER_MESSAGE,
            |ticks| (1..=100).contains(ticks),
            "write a number from 1 to 100, or leave it out for 10",
        )?;
        Ok(Self {
            url,
            ticks_per_message: ticks_per_message.unwrap_or(DEFAULT_TICKS_PER_MESSAGE),
            tick_function: variables.parsed(
                TICK_FUNCTION,
                |name: &String| is_function_name(name),
                "write the name of the function tick, or leave it out where nothing calls it",
            )?,
        })
    }
}

impl ScheduleSettings {
    /// Reads them.
    pub fn read(variables: &Variables) -> Result<Self, SettingError> {
        let instead = format!("{DEPLOY} the name of the group of schedules");
        let group = variables.required(SCHEDULE_GROUP, is_schedule_name, &instead)?;
        let heartbeat = variables.parsed(
            HEARTBEAT,
            |name: &String| is_schedule_name(name),
            "write the name of a schedule, or leave it out for heartbeat",
        )?;
        Ok(Self {
            group,
            heartbeat: heartbeat.unwrap_or_else(|| DEFAULT_HEARTBEAT.to_owned()),
            target: ScheduleTarget::read(variables)?,
        })
    }
}

impl ScheduleTarget {
    /// Both, or neither.
    fn read(variables: &Variables) -> Result<Option<Self>, SettingError> {
        let is_set = |variable| variables.text(variable).is_some();
        if !is_set(AGGREGATOR_ARN) && !is_set(SCHEDULER_ROLE_ARN) {
            return Ok(None);
        }
        let function = format!("{DEPLOY} the ARN of the function aggregator, arn:aws:lambda:...");
        let role = format!("{DEPLOY} the ARN of the schedules' role, arn:aws:iam:...");
        Ok(Some(Self {
            function_arn: variables.required(AGGREGATOR_ARN, is_arn_of("lambda"), &function)?,
            role_arn: variables.required(SCHEDULER_ROLE_ARN, is_arn_of("iam"), &role)?,
        }))
    }
}

impl Executor {
    /// Reads it.
    pub fn read(variables: &Variables) -> Result<Self, SettingError> {
        match variables.text(TRAFFIC).as_deref() {
            None | Some("functions") => Ok(Self::Functions),
            Some("processes") => Ok(Self::Processes),
            Some(other) => Err(unusable(
                TRAFFIC,
                other,
                "write functions, or processes where tick-server runs",
            )),
        }
    }
}

impl FanOutSettings {
    /// Reads them.
    pub fn read(variables: &Variables) -> Result<Self, SettingError> {
        Ok(Self {
            store: StoreSettings::read(variables)?,
            queue: QueueSettings::read(variables)?,
            schedules: ScheduleSettings::read(variables)?,
        })
    }
}

/// The rules of the stage's runs; without variables, those of [`RunRules::default`].
pub fn run_rules(variables: &Variables) -> Result<RunRules, SettingError> {
    let mut limits = Limits::default();
    let max_users = variables.parsed(
        MAX_USERS,
        |users| (1..=limits.max_users).contains(users),
        "write a number from 1 to 1000000, or leave it out for no limit",
    )?;
    let max_spawn_rate = variables.parsed(
        MAX_SPAWN_RATE,
        |rate: &f64| *rate > 0.0 && *rate <= limits.max_spawn_rate,
        "write how many users a second at most, such as 10, or leave it out for no limit",
    )?;
    limits.max_users = max_users.unwrap_or(limits.max_users);
    limits.max_spawn_rate = max_spawn_rate.unwrap_or(limits.max_spawn_rate);
    Ok(RunRules {
        limits,
        allowed_hosts: allowed_hosts(variables)?,
        keyring: None,
    })
}

/// The hosts that traffic may be sent to.
pub fn allowed_hosts(variables: &Variables) -> Result<AllowedHosts, SettingError> {
    let list = variables.text(ALLOWED_HOSTS).unwrap_or_default();
    list.parse().map_err(|invalid: InvalidAllowedHosts| {
        InvalidField::new(ALLOWED_HOSTS, invalid.to_string()).into()
    })
}

/// Makes sure that AWS knows where to look.
///
/// # Errors
/// When no region is configured: no call would leave the process.
pub fn check_region(config: &SdkConfig) -> Result<(), SettingError> {
    match config.region() {
        Some(_) => Ok(()),
        None => Err(SettingError::Missing {
            variable: REGION,
            instead: "set it to the region of the deployment, such as eu-central-1".to_owned(),
        }),
    }
}

/// The process's exit code: a mistake in its settings, or whatever else it could not start with, is
/// one line in the log and exit code 2.
pub fn exit_code<E>(result: Result<(), E>) -> ExitCode
where
    E: AsRef<dyn std::error::Error + Send + Sync>,
{
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = one_line(error.as_ref()), "cannot start");
            ExitCode::from(EXIT_MISUSE)
        }
    }
}

/// DynamoDB's rule for a table's name.
fn is_table(name: &str) -> bool {
    (3..=255).contains(&name.len()) && name.chars().all(is_name_character)
}

/// EventBridge Scheduler's rule for a name of a schedule or a group.
fn is_schedule_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(is_name_character)
}

/// Lambda's rule for a function's name.
fn is_function_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=64).contains(&name.len()) && name.chars().all(is_allowed)
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// True if it is an ARN of a service: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
fn is_arn_of(service: &'static str) -> impl Fn(&str) -> bool {
    move |arn| {
        let mut parts = arn.splitn(6, ':');
        parts.next() == Some("arn")
            && parts.next().is_some_and(|partition| !partition.is_empty())
            && parts.next() == Some(service)
            && parts.nth(2).is_some_and(|resource| !resource.is_empty())
    }
}

#[cfg(test)]
mod tests;
