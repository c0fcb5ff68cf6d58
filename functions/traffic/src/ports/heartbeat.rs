//! The heartbeat: once a minute, while it is on, it calls the fan-out; and by schedules it starts and
//! stops runs.

use std::future::Future;

use serde::{Deserialize, Serialize};

/// The once-a-minute schedule that drives the fan-out.
pub trait Heartbeat: Send + Sync + 'static {
    /// Switches it on; doing so twice changes nothing.
    fn turn_on(&self) -> impl Future<Output = Result<(), HeartbeatError>> + Send;

    /// Switches it off; doing so twice changes nothing.
    fn turn_off(&self) -> impl Future<Output = Result<(), HeartbeatError>> + Send;

    /// True if the heartbeat is on.
    fn is_on(&self) -> impl Future<Output = Result<bool, HeartbeatError>> + Send;

    /// All schedules, by name.
    fn schedules(&self) -> impl Future<Output = Result<Vec<Schedule>, HeartbeatError>> + Send;

    /// Adds a schedule, or replaces the one of its name.
    fn put_schedule(
        &self,
        schedule: &Schedule,
    ) -> impl Future<Output = Result<(), HeartbeatError>> + Send;

    /// Takes a schedule away; false if there is none of this name.
    fn delete_schedule(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<bool, HeartbeatError>> + Send;
}

/// Starts and stops runs by cron.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The schedule's name: letters, digits, `-` and `_`.
    pub name: String,
    /// When a run is started: five fields of cron.
    pub start: Option<String>,
    /// When the run that is on is stopped: five fields of cron.
    pub stop: Option<String>,
    /// The time zone of both, such as `Europe/Berlin`.
    pub time_zone: String,
    /// The body of the `POST /swarm` that starts the run, as JSON.
    pub swarm: String,
}

/// The heartbeat could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the heartbeat cannot be switched")]
pub struct HeartbeatError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// There is nothing here that starts and stops runs by schedules: what is behind a
/// [`HeartbeatError`] of a heartbeat that never will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing here starts and stops runs by schedules")]
pub struct NoSchedules;
