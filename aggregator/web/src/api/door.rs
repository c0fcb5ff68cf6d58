//! Access: a password for everything but `/health`, and nothing for other sites' pages.
//!
//! Both are about browsers and the open internet. Scripts say nothing of the site they come from and
//! pass; what an entry point has marked as [`Trusted`] needs neither. A door without a password knows
//! its own names, for pages can give a name of their own this machine's address.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use control::InvalidField;
use subtle::ConstantTimeEq as _;
use tokio::time::{sleep_until, timeout};
use traffic::log_throttle::LogThrottle;

mod guesses;
mod late;
mod names;
mod site;

pub use names::{BASIC_AUTH, Names};
pub(super) use site::called;

use super::answers::Refused;
use super::origins::Origins;
use guesses::{Busy, Caller, Guesses};
use late::Late;

/// The header that makes a browser ask for a password.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"cicada\", charset=\"UTF-8\"");

/// The longest wait of a guess to be compared: a little longer than all that may wait at once take.
const WAITS: Duration = Duration::from_secs(12);

/// The longest credentials that are looked at, in bytes.
const LONGEST: usize = 4 * 1024;

/// Paths of which a `GET`, too, changes something.
const CHANGED_BY_GET: [&str; 2] = ["/stop", "/stats/reset"];

/// Marks a request, as an extension, as one that needs no password: whoever accepts connections knows
/// where it is from. Nothing that is sent can set it.
#[derive(Clone, Copy, Debug)]
pub struct Trusted;

/// The client of a connection, as a request's extension that the server sets.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    /// Its address, which may be a proxy's.
    pub address: IpAddr,
    /// True if the connection is TLS.
    pub over_tls: bool,
}

/// What a connection has shown of the password, as an extension that whoever accepts it sets on each
/// of its requests; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Acquaintance(Arc<Shown>);

#[derive(Debug, Default)]
struct Shown {
    guesses: AtomicU32,
    knows_password: AtomicBool,
    is_put_off: AtomicBool,
}

/// A connection whose guess is not answered yet.
struct PutOff<'c>(&'c Shown);

impl Acquaintance {
    /// Whether what it asks for waits on purpose, for its guess at the password: no work is lost when it
    /// is closed.
    pub fn is_put_off(&self) -> bool {
        self.0.is_put_off.load(Ordering::Relaxed)
    }

    /// True once it has shown the password.
    pub fn knows_password(&self) -> bool {
        self.0.knows_password.load(Ordering::Relaxed)
    }
}

impl<'c> PutOff<'c> {
    fn begin(connection: &'c Shown) -> Self {
        connection.is_put_off.store(true, Ordering::Relaxed);
        Self(connection)
    }
}

impl Drop for PutOff<'_> {
    fn drop(&mut self) {
        self.0.is_put_off.store(false, Ordering::Relaxed);
    }
}

/// The check of every request; without a password all may come in.
#[derive(Clone)]
pub struct Door {
    /// The `Authorization` header's text after `Basic`.
    credentials: Option<String>,
    names: Names,
    origins: Origins,
    guesses: Guesses,
    late: Late,
    turned_away: Arc<LogThrottle>,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            credentials: None,
            names: Names::default(),
            origins: Origins::default(),
            guesses: Guesses::new(guesses::WAITING),
            late: Late::default(),
            turned_away: Arc::default(),
        }
    }
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

    /// The same door, also open to pages of these origins.
    pub fn with_origins(self, origins: Origins) -> Self {
        Self { origins, ..self }
    }

    /// Origins of other pages that it is open to.
    pub(super) fn origins(&self) -> &Origins {
        &self.origins
    }

    /// The same door, of a server that has this many places for connections: at most half of them wait
    /// to have their password compared.
    pub fn with_places(self, connections: usize) -> Self {
        let waiting = (connections / 2).clamp(1, guesses::WAITING);
        Self {
            guesses: Guesses::new(waiting),
            ..self
        }
    }

    /// True if it asks for a password.
    pub fn asks_for_password(&self) -> bool {
        self.credentials.is_some()
    }

    /// Looks at the password, as soon as it may be compared.
    async fn judge(&self, headers: &HeaderMap, known: &Extensions) -> Password {
        let Some(expected) = &self.credentials else {
            return Password::Right;
        };
        let Some(guess) = credentials(headers) else {
            return Password::Missing;
        };
        let is_right = || bool::from(guess.ct_eq(expected.as_bytes()));
        let connection = known.get::<Acquaintance>();
        let shown = connection.map(|connection| &*connection.0);
        if shown.is_some_and(|shown| shown.knows_password.load(Ordering::Relaxed)) && is_right() {
            return Password::Right;
        }
        let network = known.get::<Visitor>();
        let network = network.map(|visitor| guesses::network(visitor.address));
        let user_agent = headers.get(USER_AGENT);
        let caller = Caller {
            network,
            user_agent: user_agent.map_or(&[], HeaderValue::as_bytes),
            guesses_before: shown.map_or(0, |shown| shown.guesses.fetch_add(1, Ordering::Relaxed)),
        };
        // where nobody's connection is held there is nothing to hold an answer on
        let answer_at = network.map(|network| self.late.answer_at(network));
        let _put_off = shown.map(PutOff::begin);
        let turn = self.guesses.turn(&caller, guess);
        let turn = timeout(WAITS, turn).await;
        let judged = match turn.unwrap_or_else(|_| Err(self.guesses.busy())) {
            Err(busy) => Password::Unjudged(busy),
            Ok(()) if is_right() => Password::Right,
            Ok(()) => Password::Wrong,
        };
        match judged {
            Password::Right => {
                if let Some(shown) = shown {
                    shown.knows_password.store(true, Ordering::Relaxed);
                }
                self.guesses.was_right();
                return judged;
            }
            Password::Wrong => {
                if let Some(shown) = shown {
                    shown.knows_password.store(false, Ordering::Relaxed);
                }
                self.guesses.was_wrong(&caller, guess);
            }
            Password::Missing | Password::Unjudged(_) => {}
        }
        if let Some(answer_at) = answer_at {
            sleep_until(answer_at).await;
        }
        judged
    }

    fn turn_away(&self, status: StatusCode, message: &str, visitor: Option<Visitor>) -> Response {
        if let Some(times) = self.turned_away.happened() {
            let from = visitor.map(|visitor| visitor.address.to_string());
            let status = status.as_u16();
            tracing::warn!(status, times, from, "requests were turned away");
        }
        Refused::new(status, message).into_response()
    }
}

/// The verdict on a request's password.
enum Password {
    Right,
    Wrong,
    Missing,
    /// Too many are being tried.
    Unjudged(Busy),
}

/// The text after `Basic`, if it could be a password's.
fn credentials(headers: &HeaderMap) -> Option<&[u8]> {
    let given = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = given.split_at_checked("Basic ".len())?;
    let token = token.trim_ascii();
    let could_be = scheme.eq_ignore_ascii_case(b"Basic ") && (1..=LONGEST).contains(&token.len());
    could_be.then_some(token)
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
    match door.judge(request.headers(), request.extensions()).await {
        Password::Right => {}
        Password::Wrong | Password::Missing => return without_password(&door, visitor),
        Password::Unjudged(busy) => return too_many(&door, busy, visitor),
    }
    if let Err(reason) = may_pass(&door, &request) {
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

/// Why a request may change or read nothing, if it may not.
fn may_pass(door: &Door, request: &Request) -> Result<(), String> {
    let changes = changes(request.method(), request.uri());
    if door.origins.include_that_of(request.headers()) {
        // somebody has named this page's site
    } else if changes {
        site::may_change(request)?;
    } else {
        site::may_read(request)?;
    }
    if door.asks_for_password() {
        // a page elsewhere that gave this machine a name would have to know it
        return Ok(());
    }
    door.names.include_that_of(request, changes)
}

fn without_password(door: &Door, visitor: Option<Visitor>) -> Response {
    let message = format!("a user name and a password are needed: {BASIC_AUTH} holds them");
    let mut response = door.turn_away(StatusCode::UNAUTHORIZED, &message, visitor);
    response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    response
}

fn too_many(door: &Door, busy: Busy, visitor: Option<Visitor>) -> Response {
    let seconds = busy.retry_after.as_secs();
    let message = format!("too many passwords are being tried: try again in {seconds} s");
    let mut response = door.turn_away(StatusCode::TOO_MANY_REQUESTS, &message, visitor);
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}
