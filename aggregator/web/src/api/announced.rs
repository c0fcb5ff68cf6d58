//! Bodies that are announced to be too long: refused before any of it is read, whatever the route.
//!
//! A client that asks first (`Expect: 100-continue`) so sends none of it. The connection ends with the
//! answer, for what still comes on it is no request. A body without a length is limited where it is read.

use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_LENGTH};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::fields::{MAX_BODY, MAX_MCP_BODY};
use super::{upload, workload};

/// Answers a request whose body is too long; others go on.
pub(super) async fn refuse_too_long(request: Request, next: Next) -> Response {
    let is_workload = request.uri().path() == "/workload" && request.method() == Method::PUT;
    let most = match request.uri().path() {
        mcp::PATH => MAX_MCP_BODY,
        _ if is_workload => upload::longest(request.headers()),
        _ => MAX_BODY,
    };
    if !is_longer(&request, most) {
        return next.run(request).await;
    }
    let mut response = if is_workload {
        workload::refused_for_length(most)
    } else {
        let text = format!("the body is longer than {} KB\n", most / 1024);
        (StatusCode::PAYLOAD_TOO_LARGE, text).into_response()
    };
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

/// A length that is no number is refused by hyper.
fn is_longer(request: &Request, most: usize) -> bool {
    let announced = request.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok());
    let length = announced.and_then(|length| length.trim().parse::<u64>().ok());
    length.is_some_and(|length| length > most as u64)
}
