//! The times that a tick keeps to.

use std::time::Duration;

use crate::workload::{SessionRules, UserClass};

/// A request that was not sent this long after its slot's beginning is not sent any more.
pub const TOO_LATE: Duration = Duration::from_secs(30);

/// The time that a tick may take on top of its requests' timeouts.
const SLACK: Duration = Duration::from_secs(5);

/// A tick computes its iterations so long before its slot; see [`crate::run::CHANGE_LEAD`].
pub const PLAN_AHEAD: Duration = Duration::from_millis(500);

/// A tick stops sending so long before its deadline: the rest is for writing its results.
pub const WRITES_NEED: Duration = Duration::from_secs(3);

/// The time after the end of its slot for which something may still be heard of a class's iterations.
pub fn reach(class: &UserClass) -> Duration {
    let leave = class.session().map(SessionRules::longest_stop);
    TOO_LATE + class.longest_iteration() + leave.unwrap_or_default() + SLACK
}
