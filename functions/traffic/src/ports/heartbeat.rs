//! The heartbeat: once a minute, while it is on, it calls the fan-out.

use std::future::Future;

/// The once-a-minute schedule that drives the fan-out.
pub trait Heartbeat: Send + Sync + 'static {
    /// Switches it on; doing so twice changes nothing.
    fn turn_on(&self) -> impl Future<Output = Result<(), HeartbeatError>> + Send;

    /// Switches it off; doing so twice changes nothing.
    fn turn_off(&self) -> impl Future<Output = Result<(), HeartbeatError>> + Send;

    /// Whether it is on.
    fn is_on(&self) -> impl Future<Output = Result<bool, HeartbeatError>> + Send;
}

/// The heartbeat could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the heartbeat cannot be switched")]
pub struct HeartbeatError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
