//! The rules of users' sessions: how one begins and ends, and what of it stays with its user.
//!
//! A session is a cache of the process that executes its user, never a part of the plan: it may be lost at any time, and
//! whoever executes the user without one begins one first.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;

use super::class::Task;
use super::expect::StatusRule;
use super::scope::NamedValue;

/// The rules of the sessions of a class's users.
#[derive(Debug)]
pub struct SessionRules {
    pub(super) start: Option<Task>,
    pub(super) stop: Option<Task>,
    pub(super) cookies: bool,
    pub(super) lasts: Option<Duration>,
    pub(super) restarts_on: Option<StatusRule>,
    /// The names of the values that `start` draws and captures.
    pub(super) kept: Vec<Arc<str>>,
}

impl SessionRules {
    /// The requests that a user sends before its first iteration, and whenever it has no session.
    pub fn start(&self) -> Option<&Task> {
        self.start.as_ref()
    }

    /// The requests that a user sends after its last iteration, where one process does all.
    pub fn stop(&self) -> Option<&Task> {
        self.stop.as_ref()
    }

    /// True if users keep cookies.
    pub fn cookies(&self) -> bool {
        self.cookies
    }

    /// The age at which a session is begun anew.
    pub fn lasts(&self) -> Option<Duration> {
        self.lasts
    }

    /// True if a session is begun anew after a response with this status.
    pub fn restarts_on(&self, status: StatusCode) -> bool {
        let rule = self.restarts_on.as_ref();
        rule.is_some_and(|rule| rule.allows(status))
    }

    /// The names of the values that stay with a user.
    pub fn kept(&self) -> &[Arc<str>] {
        &self.kept
    }

    /// The longest that beginning sessions can take in one iteration: at its beginning, and once more if a status ends
    /// the session in the middle.
    pub fn longest_start(&self) -> Duration {
        let start = self.start.as_ref().map(Task::longest).unwrap_or_default();
        start.saturating_mul(1 + u32::from(self.restarts_on.is_some()))
    }

    /// The longest that ending a session can take.
    pub fn longest_stop(&self) -> Duration {
        self.stop.as_ref().map(Task::longest).unwrap_or_default()
    }
}

/// The values of one user's session.
#[derive(Clone, Debug, Default)]
pub struct SessionValues(pub(super) Vec<NamedValue>);
