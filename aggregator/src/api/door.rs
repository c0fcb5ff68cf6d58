//! Who may come in: a password for everything but `/health`, and no changes from other sites' pages.
//!
//! Both are about browsers and the open internet. Scripts say nothing of the site they come from and
//! pass; what an entry point has marked as [`Trusted`] needs neither. A door without a password knows
//! its own names, for pages can give a name of their own this machine's address.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use subtle::ConstantTimeEq as _;

mod guesses;
mod names;
mod site;

pub use names::Names;
pub(super) use site::called;

use crate::control::InvalidField;
use crate::seldom::Seldom;
use guesses::Guesses;

/// The environment variable that holds the user's name and password.
pub const BASIC_AUTH: &str = "LOCUST_BASIC_AUTH";

/// What asks a browser for a password.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"cicada\", charset=\"UTF-8\"");

/// Paths of which a `GET`, too, changes something.
const CHANGED_BY_GET: [&str; 2] = ["/stop", "/stats/reset"];

/// Marks a request, as an extension, as one that needs no password: whoever accepts connections knows
/// where it is from. Nothing that is sent can set it.
#[derive(Clone, Copy, Debug)]
pub struct Trusted;

/// Who is at the other end of a connection, as an extension that whoever accepts it sets.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    /// Its address, which may be a proxy's.
    pub address: IpAddr,
    /// Whether it speaks TLS with us.
    pub over_tls: bool,
}

/// What the door asks for; without a password all may come in.
#[derive(Clone, Default)]
pub struct Door {
    /// What the `Authorization` header has after `Basic`.
    credentials: Option<String>,
    names: Names,
    guesses: Guesses,
    turned_away: Arc<Seldom>,
}

impl Door {
    /// A door that asks for HTTP Basic's `user:password`, as `LOCUST_BASIC_AUTH` holds it.
    ///
    /// # Errors
    /// When either is missing; the message shows neither.
    pub fn with_basic_auth(user_and_password: &str) -> Result<Self, InvalidField> {
        match user_and_password.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => Ok(Self {
                credentials: Some(BASE64_STANDARD.encode(user_and_password)),
                ..Self::default()
            }),
            _ => Err(InvalidField::new(
                BASIC_AUTH,
                "is not of the form user:password: give both, separated by a colon",
            )),
        }
    }

    /// The same door, of a server that has these names, too.
    pub fn with_names(self, names: Names) -> Self {
        Self { names, ..self }
    }

    /// Whether it asks for a password.
    pub fn asks_for_password(&self) -> bool {
        self.credentials.is_some()
    }

    fn judge(&self, headers: &HeaderMap) -> Password {
        let Some(expected) = &self.credentials else {
            return Password::Right;
        };
        let Some(given) = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes) else {
            return Password::Missing;
        };
        let token = given
            .split_at_checked("Basic ".len())
            .and_then(|(scheme, token)| scheme.eq_ignore_ascii_case(b"Basic ").then_some(token));
        match token {
            Some(token) if token.trim_ascii().ct_eq(expected.as_bytes()).into() => Password::Right,
            _ => Password::Wrong,
        }
    }

    fn turn_away(&self, status: StatusCode, message: &str, visitor: Option<Visitor>) -> Response {
        if let Some(times) = self.turned_away.happened() {
            let from = visitor.map(|visitor| visitor.address.to_string());
            let status = status.as_u16();
            tracing::warn!(status, times, from, "requests were turned away");
        }
        (status, Json(json!({"success": false, "message": message}))).into_response()
    }
}

/// What a request says of the password.
enum Password {
    Right,
    Wrong,
    Missing,
}

/// Shows whether there is a password, and never which.
impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("asks_for_password", &self.asks_for_password())
            .finish()
    }
}

/// Lets a request in, or turns it away.
pub(super) async fn guard(State(door): State<Door>, request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<Visitor>().copied();
    if is_ambiguous(&request, visitor.is_some()) {
        let message = "a request has one Host header: send the name that the server is called by";
        return door.turn_away(StatusCode::BAD_REQUEST, message, visitor);
    }
    let is_open = request.uri().path() == "/health";
    if is_open || request.extensions().get::<Trusted>().is_some() {
        return next.run(request).await;
    }
    match door.judge(request.headers()) {
        Password::Right => {}
        Password::Wrong => {
            if visitor.is_some() {
                door.guesses.slow_down().await;
            }
            return without_password(&door, visitor);
        }
        Password::Missing => return without_password(&door, visitor),
    }
    if changes(request.method(), request.uri())
        && let Err(reason) = may_change(&door, &request)
    {
        return door.turn_away(StatusCode::FORBIDDEN, &reason, visitor);
    }
    next.run(request).await
}

/// Whether it is not plain whom the request is meant for. `is_heard` says that it came over a
/// connection of our own, and so as the client sent it.
fn is_ambiguous(request: &Request, is_heard: bool) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    hosts > 1 || is_heard && hosts == 0 && request.version() == Version::HTTP_11
}

fn changes(method: &Method, uri: &Uri) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        || CHANGED_BY_GET.contains(&uri.path())
}

/// Why a request may change nothing, if it may not.
fn may_change(door: &Door, request: &Request) -> Result<(), String> {
    site::is_ours(request)?;
    if door.asks_for_password() {
        // a page elsewhere that gave this machine a name would have to know it
        return Ok(());
    }
    door.names.include_that_of(request)
}

fn without_password(door: &Door, visitor: Option<Visitor>) -> Response {
    let message = format!("a user name and a password are needed: {BASIC_AUTH} holds them");
    let mut response = door.turn_away(StatusCode::UNAUTHORIZED, &message, visitor);
    response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    response
}
