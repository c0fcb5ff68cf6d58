//! `/login` and `/logout`: a browser's session, begun with name and password and ended.
//!
//! The page of the form is the door's answer to whoever has no session; see `door/login_page.rs`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::answers::Refused;
use super::base_path::Under;
use super::door::{Asker, Place, came_by_plain_http, location};
use super::fields::{BadBody, Fields};
use super::state::ApiState;

/// The longest form in bytes.
pub(super) const MAX_BODY: usize = 16 * 1024;

/// The form's fields.
#[derive(Default, Deserialize, ToSchema)]
#[allow(dead_code, reason = "it describes what `Fields` reads")]
pub(super) struct LogIn {
    /// The user's name.
    name: String,
    /// The password.
    password: String,
    /// A path of this server to go on to; by default the page.
    #[serde(default)]
    next: Option<String>,
}

/// The page, which asks for name and password unless there is a session already.
#[utoipa::path(get, path = "/login", tag = "cicada", operation_id = "login", responses(
    (status = 303, description = "Whoever sees this is in: the page."),
))]
pub(super) async fn opened() -> Response {
    leads_to("./".to_owned())
}

/// Begins a session, which a cookie keeps for a day. Scripts send HTTP Basic instead.
#[utoipa::path(post, path = "/login", tag = "cicada", operation_id = "log_in",
    request_body(content((LogIn = "application/x-www-form-urlencoded"), (LogIn = "application/json"))),
    responses(
        (status = 303, description = "The session has begun, or none is needed: to `next`."),
        (status = 400, description = "The body cannot be read.", body = Refused),
        (status = 401, description = "Name or password are wrong.",
            content((Refused = "application/json"), (String = "text/html"))),
        (status = 413, description = "The body is too long.", body = String, content_type = "text/plain"),
        (status = 429, description = "Too many passwords are being tried.",
            content((Refused = "application/json"), (String = "text/html"))),
    )
)]
pub(super) async fn log_in(State(api): State<ApiState>, request: Request) -> Response {
    let mut asker = Asker::of(&request);
    let place = place(request.headers(), request.extensions());
    let (headers, known) = (request.headers().clone(), request.extensions().clone());
    let fields = match Fields::read(request).await {
        Ok(fields) => fields,
        Err(BadBody::Invalid(problem)) => return Refused::from(problem).into_response(),
        Err(BadBody::Unread(status, text)) => return (status, text).into_response(),
    };
    let text = |name| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let next = text("next");
    asker.leads_to(next);
    let guess = format!("{}:{}", text("name"), text("password"));
    let guess = BASE64_STANDARD.encode(guess);
    if let Err(verdict) = api.door.compare(guess.as_bytes(), &headers, &known).await {
        return api.door.turn_away_asker(verdict, &asker);
    }
    let began = leads_to(location(next));
    match api.door.begin_session(&place).await {
        Some(cookie) => with_cookie(began, &cookie),
        None => began,
    }
}

/// Ends the session of this browser. A copy of its cookie holds until its day is over, or the password changes.
#[utoipa::path(post, path = "/logout", tag = "cicada", operation_id = "log_out", responses(
    (status = 303, description = "The browser has the cookie no more: the page, which asks for the password."),
))]
pub(super) async fn log_out(State(api): State<ApiState>, request: Request) -> Response {
    let place = place(request.headers(), request.extensions());
    let ended = leads_to("./".to_owned());
    match api.door.end_session(&place).await {
        Some(cookie) => with_cookie(ended, &cookie),
        None => ended,
    }
}

fn leads_to(location: String) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    let cookie = HeaderValue::from_str(cookie);
    let cookie = cookie.expect("a cookie is plain text");
    response.headers_mut().insert(SET_COOKIE, cookie);
    response
}

fn place(headers: &HeaderMap, known: &Extensions) -> Place {
    let under = known.get::<Under>();
    Place {
        path: under.map_or_else(|| Arc::from(""), |under| Arc::clone(&under.0)),
        by_tls_only: !came_by_plain_http(headers),
    }
}
