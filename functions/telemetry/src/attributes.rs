//! The attributes that spans and metrics both have of a request, by the names of the semantic conventions.
//!
//! All of it is one of few values: figures are kept for each combination.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute as semconv;
use reqwest::Method;
use traffic::telemetry::{Iteration, RequestEnd};
use traffic::transport::TIMED_OUT;

/// The class of the user.
pub(crate) const USER_CLASS: &str = "cicada.user_class";

/// The row of the statistics that a request counts in.
pub(crate) const REQUEST_NAME: &str = "cicada.request.name";

/// A complete response with a good status was not what the workload expects.
const CHECK_FAILED: &str = "check_failed";

/// There was no complete response in time.
const TIMEOUT: &str = "timeout";

/// The attributes of a request.
pub(crate) fn of(iteration: &Iteration<'_>, request: &RequestEnd<'_>) -> Vec<KeyValue> {
    let host = request.url.host_str().map(ToOwned::to_owned);
    let port = request.url.port_or_known_default().map(i64::from);
    let status = request.status.map(|status| i64::from(status.as_u16()));
    let kind = error_type(request);
    let always = [
        KeyValue::new(semconv::HTTP_REQUEST_METHOD, method(request.method)),
        KeyValue::new(REQUEST_NAME, request.name.name.to_string()),
        KeyValue::new(USER_CLASS, iteration.class.to_owned()),
    ];
    let sometimes = [
        host.map(|host| KeyValue::new(semconv::SERVER_ADDRESS, host)),
        port.map(|port| KeyValue::new(semconv::SERVER_PORT, port)),
        status.map(|status| KeyValue::new(semconv::HTTP_RESPONSE_STATUS_CODE, status)),
        kind.map(|kind| KeyValue::new(semconv::ERROR_TYPE, kind)),
    ];
    let sometimes = sometimes.into_iter().flatten();
    always.into_iter().chain(sometimes).collect()
}

/// The failure's type, if the request is one: the status, or what is said before a colon, which has no
/// particulars. The whole text is the span's status.
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

/// The method, if it is one that the conventions know.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "CONNECT" => "CONNECT",
        "DELETE" => "DELETE",
        "GET" => "GET",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        "POST" => "POST",
        "PUT" => "PUT",
        "TRACE" => "TRACE",
        _ => "_OTHER",
    }
}
