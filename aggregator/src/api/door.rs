//! Who may come in: a password for everything but `/health`, and no changes from other sites' pages.
//!
//! Both are about browsers and the open internet. Scripts say nothing of the site they come from and
//! pass; what an entry point has marked as [`Trusted`] needs neither.

use std::fmt;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, REFERER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use crate::control::InvalidField;

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

/// What the door asks for; without a password all may come in.
#[derive(Clone, Default)]
pub struct Door {
    /// What the `Authorization` header has after `Basic`.
    credentials: Option<String>,
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
            }),
            _ => Err(InvalidField::new(
                BASIC_AUTH,
                "is not of the form user:password: give both, parted by a colon",
            )),
        }
    }

    /// Whether it asks for a password.
    pub fn asks_for_password(&self) -> bool {
        self.credentials.is_some()
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(expected) = &self.credentials else {
            return true;
        };
        let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let token = given.and_then(|given| {
            let (scheme, token) = given.split_at_checked("Basic ".len())?;
            scheme.eq_ignore_ascii_case(b"Basic ").then_some(token)
        });
        token.is_some_and(|token| token.trim_ascii().ct_eq(expected.as_bytes()).into())
    }
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
    let is_open = request.uri().path() == "/health";
    if is_open || request.extensions().get::<Trusted>().is_some() {
        return next.run(request).await;
    }
    if !door.admits(request.headers()) {
        return without_password();
    }
    if changes(request.method(), request.uri()) && is_from_elsewhere(&request) {
        return from_elsewhere();
    }
    next.run(request).await
}

fn changes(method: &Method, uri: &Uri) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        || CHANGED_BY_GET.contains(&uri.path())
}

/// Whether another site's page sent it, as far as the browser says: `Sec-Fetch-Site` where it does,
/// else the site of `Origin` or `Referer`.
fn is_from_elsewhere(request: &Request) -> bool {
    let headers = request.headers();
    if let Some(site) = headers.get("sec-fetch-site") {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(page) = headers.get(ORIGIN).or_else(|| headers.get(REFERER)) else {
        return false;
    };
    let page = page.to_str().ok().and_then(|page| page.parse::<Uri>().ok());
    let page = page.as_ref().and_then(|page| page.authority());
    let here = headers.get(HOST).and_then(|host| host.to_str().ok());
    let here = here.or_else(|| request.uri().authority().map(|here| here.as_str()));
    match (page, here) {
        (Some(page), Some(here)) => !page.as_str().eq_ignore_ascii_case(here),
        // `Origin: null`, or a page that cannot be told
        _ => true,
    }
}

fn without_password() -> Response {
    let message = format!("a user name and a password are needed: {BASIC_AUTH} holds them");
    let mut response = turned_away(StatusCode::UNAUTHORIZED, &message);
    response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    response
}

fn from_elsewhere() -> Response {
    let message = "pages of other sites may read, but change nothing: use this one's, or a script";
    turned_away(StatusCode::FORBIDDEN, message)
}

fn turned_away(status: StatusCode, message: &str) -> Response {
    tracing::warn!(status = status.as_u16(), "a request was turned away");
    (status, Json(json!({"success": false, "message": message}))).into_response()
}
