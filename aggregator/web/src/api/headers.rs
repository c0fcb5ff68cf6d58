//! Headers that every answer has, and the answer when something breaks while one is made.
//!
//! A header that a handler has set is left as it is: a page that holds its scripts sets
//! [`SELF_CONTAINED`], a file that may be kept its own `Cache-Control`.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;

use super::answers::Refused;
use super::door::{Visitor, called};

/// The policy of a page whose scripts are files of their own; its styles are made by scripts.
const PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; \
     form-action 'self'; frame-ancestors 'none'",
);

/// The policy of a page that holds all it needs, scripts too, and asks nobody but this server.
pub(super) const SELF_CONTAINED: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
     font-src data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// The policy of the page that asks for a password: a form, a style, and no script at all.
pub(super) const FORM_ALONE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

/// The policy of anything else that a browser shows.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Headers without a choice.
const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    // unlike in Locust: no page of another site may read, or include it as a script or a picture
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // the own page says where it is, others learn nothing
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Browsers come back by TLS for a month, to this name only.
const BY_TLS: HeaderValue = HeaderValue::from_static("max-age=2592000");

/// Adds them to what a router answers.
pub(super) async fn secure(request: Request, next: Next) -> Response {
    let over_tls = stays_with_tls(&request);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = answer.unwrap_or_else(|panic| broken(&*panic));
    added(response, over_tls)
}

/// The answer with them.
pub(super) fn added(mut response: Response, over_tls: bool) -> Response {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(value);
    }
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let policy = if is_page(headers) { PAGE } else { NO_PAGE };
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if over_tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, BY_TLS);
    }
    response
}

fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// True if browsers are told to use nothing but TLS with this name. That holds for all its ports, so
/// it is never said of `localhost`, where others serve without.
pub(super) fn stays_with_tls(request: &Request) -> bool {
    let visitor = request.extensions().get::<Visitor>();
    if !visitor.is_some_and(|visitor| visitor.over_tls) {
        return false;
    }
    let name = called(request).and_then(|name| name.parse::<Authority>().ok());
    name.is_some_and(|name| {
        let host = name.host().trim_end_matches('.').to_ascii_lowercase();
        host != "localhost" && !host.ends_with(".localhost")
    })
}

/// The panic's text goes to the log; the caller gets one line.
fn broken(panic: &(dyn std::any::Any + Send)) -> Response {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = said, "an answer broke off");
    let message = "something broke inside: the log of the server says what";
    Refused::new(StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
}
