//! What a failure is called in `error.type`: one of few words that figures can be grouped by. The whole
//! text is the span's status.

use std::borrow::Cow;

use traffic::telemetry::RequestEnd;
use traffic::transport::TIMED_OUT;

/// A complete response with a good status was not what the workload expects.
const CHECK_FAILED: &str = "check_failed";

/// No complete response in time.
const TIMEOUT: &str = "timeout";

/// The failure's type, if the request is one: the status, or what is said before a colon, which has no
/// particulars.
pub(crate) fn error_type(request: &RequestEnd<'_>) -> Option<Cow<'static, str>> {
    let error = request.error?;
    Some(match request.status {
        Some(status) if status.is_client_error() || status.is_server_error() => {
            status.as_u16().to_string().into()
        }
        Some(_) => CHECK_FAILED.into(),
        None if error.starts_with(TIMED_OUT) => TIMEOUT.into(),
        None => {
            let (kind, _) = error.split_once(':').unwrap_or((error, ""));
            kind.to_owned().into()
        }
    })
}
