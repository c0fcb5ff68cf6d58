//! The failures of calls about the heartbeat.

use traffic::ports::HeartbeatError;

use crate::failure::Call;

pub(super) fn call<'a>(
    doing: &'a str,
    resource: &'a str,
    action: &'a str,
    missing: &'a str,
) -> Call<'a> {
    Call {
        doing,
        resource,
        action,
        missing,
    }
}

pub(super) fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> HeartbeatError {
    HeartbeatError(error.into())
}
