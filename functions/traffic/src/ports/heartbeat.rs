//! The heartbeat: once a minute, while it is on, it calls the fan-out; and by schedules it starts and
//! stops runs.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The once-a-minute schedule that drives the fan-out, and with it the delivery of what the queue holds.
pub trait Heartbeat: Send + Sync + 'static {
    /// Switches both on; doing so twice changes nothing. Whether wake-ups are delivered by now.
    fn turn_on(&self) -> impl Future<Output = Result<Delivery, HeartbeatError>> + Send;

    /// Switches both off; doing so twice changes nothing. Where the delivery cannot be switched for now, the
    /// schedule stays on, so that the next beat does it.
    fn turn_off(&self) -> impl Future<Output = Result<(), HeartbeatError>> + Send;

    /// Calls the fan-out at once, which hands over what is due until the queue's wake-ups are delivered. It need
    /// not have begun when this returns.
    fn beat_now(&self) -> impl Future<Output = Result<(), HeartbeatError>> + Send;

    /// The least time that a fan-out plans ahead, so that nothing is missing should the next beats be late.
    fn reach(&self) -> Duration;

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

/// Whether wake-ups that the queue holds are delivered when they are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// They are.
    On,
    /// They will be, in a minute or so.
    Starting,
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
