//! The parts that one execution of a tick is put together from; its iterations share them.

use std::sync::Arc;

use super::context::TickContext;
use super::markers::Markers;
use super::sending::Sending;
use crate::in_flight::UsersOfRun;

/// See the [module](self).
pub(super) struct Parts<S, T> {
    pub(super) tick: Arc<TickContext<S>>,
    /// The users that are busy in other processes.
    pub(super) markers: Markers<S>,
    /// The users that are busy in this one.
    pub(super) users: UsersOfRun,
    pub(super) sending: Sending<S, T>,
}
