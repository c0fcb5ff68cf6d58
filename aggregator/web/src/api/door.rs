//! Access: a password, or a browser's session, for everything but `/health`, and nothing for other sites' pages.
//!
//! Both are about browsers and the open internet. Scripts say nothing of the site they come from and
//! pass; what an entry point has marked as [`Trusted`] needs neither. A door without a password knows
//! its own names, for pages can give a name of their own this machine's address.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use subtle::ConstantTimeEq as _;
use tokio::time::{sleep_until, timeout};
use traffic::clock::Clock;
use traffic::log_throttle::LogThrottle;
use traffic::run_rules::InvalidField;

mod acquaintance;
mod asker;
mod guesses;
mod late;
mod login_page;
mod names;
mod sessions;
mod site;

pub use acquaintance::{Acquaintance, Visitor};
pub(super) use asker::Asker;
pub(super) use login_page::location;
pub use names::{BASIC_AUTH, Names};
pub(super) use sessions::Place;
pub(super) use site::{called, came_by_plain_http};

use super::answers::Refused;
use super::origins::Origins;
use guesses::{Busy, Caller, Guesses, IN_FUNCTION, ON_SERVER};
use late::Late;
use sessions::Sessions;

/// Said in the form.
const WRONG: &str = "The name or the password is wrong.";

/// The longest wait of a guess to be compared: a little longer than all that may wait at once take.
const WAITS: Duration = Duration::from_secs(12);

/// The longest credentials that are looked at, in bytes.
const LONGEST: usize = 4 * 1024;

/// Marks a request, as an extension, as one that needs no password: whoever accepts connections knows
/// where it is from. Nothing that is sent can set it.
#[derive(Clone, Copy, Debug)]
pub struct Trusted;

/// Marks a request, as an extension, as one of a browser's session: it showed a cookie, and no password.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session;

/// The check of every request; without a password all may come in.
#[derive(Clone)]
pub struct Door {
    lock: Option<Lock>,
    clock: Clock,
    names: Names,
    origins: Origins,
    guesses: Guesses,
    late: Late,
    /// False for a function: it is paid for as long as an answer is held, and answers nobody else meanwhile.
    holds_answers: bool,
    turned_away: Arc<LogThrottle>,
}

#[derive(Clone)]
struct Lock {
    /// The `Authorization` header's text after `Basic`.
    credentials: Arc<str>,
    sessions: Sessions,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            lock: None,
            clock: Clock::system(),
            names: Names::default(),
            origins: Origins::default(),
            guesses: Guesses::new(ON_SERVER, guesses::WAITING),
            late: Late::default(),
            holds_answers: true,
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
            Some((user, password)) if !user.is_empty() && !password.is_empty() => {
                let credentials = BASE64_STANDARD.encode(user_and_password);
                let lock = Lock {
                    sessions: Sessions::new(&credentials),
                    credentials: credentials.into(),
                };
                Ok(Self {
                    lock: Some(lock),
                    ..Self::default()
                })
            }
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
            guesses: Guesses::new(ON_SERVER, waiting),
            ..self
        }
    }

    /// The same door, of a function: many processes, each of which answers one request at a time. None holds the
    /// answer to a wrong guess; it refuses those of a network that has made some of late.
    pub fn in_function(self) -> Self {
        Self {
            guesses: Guesses::new(IN_FUNCTION, 1),
            holds_answers: false,
            ..self
        }
    }

    /// The same door, by this clock.
    pub(super) fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// True if it asks for a password.
    pub fn asks_for_password(&self) -> bool {
        self.lock.is_some()
    }

    /// Does the work of a process's first session beforehand: a tenth of a second of a processor.
    pub async fn prepare(&self) {
        if let Some(lock) = &self.lock {
            lock.sessions.prepare().await;
        }
    }

    /// The `Set-Cookie` of a session that begins now, unless none is needed.
    pub(super) async fn begin_session(&self, place: &Place) -> Option<String> {
        let sessions = &self.lock.as_ref()?.sessions;
        Some(sessions.begin(self.clock.now(), place).await)
    }

    /// The `Set-Cookie` that ends a browser's session, if there are any.
    pub(super) async fn end_session(&self, place: &Place) -> Option<String> {
        Some(self.lock.as_ref()?.sessions.end(place).await)
    }

    /// Looks for a session, which nobody guesses, and then at the password.
    async fn judge(
        &self,
        headers: &HeaderMap,
        known: &Extensions,
    ) -> Result<Option<Session>, TurnedAway> {
        if let Some(lock) = &self.lock
            && lock
                .sessions
                .include_that_of(headers, self.clock.now())
                .await
        {
            if let Some(connection) = known.get::<Acquaintance>() {
                connection.shows_session();
            }
            return Ok(Some(Session));
        }
        match credentials(headers) {
            Some(guess) => self.compare(guess, headers, known).await?,
            None if self.asks_for_password() => return Err(TurnedAway::Unasked),
            None => {}
        }
        Ok(None)
    }

    /// Looks at the password, in base 64 with the name, as soon as it may be compared.
    pub(super) async fn compare(
        &self,
        guess: &[u8],
        headers: &HeaderMap,
        known: &Extensions,
    ) -> Result<(), TurnedAway> {
        let Some(lock) = &self.lock else {
            return Ok(());
        };
        let is_right = || bool::from(guess.ct_eq(lock.credentials.as_bytes()));
        let connection = known.get::<Acquaintance>();
        if connection.is_some_and(Acquaintance::has_shown_password) && is_right() {
            return Ok(());
        }
        let network = known.get::<Visitor>();
        let network = network.map(|visitor| guesses::network(visitor.address));
        let user_agent = headers.get(USER_AGENT);
        let caller = Caller {
            network,
            user_agent: user_agent.map_or(&[], HeaderValue::as_bytes),
            guesses_before: connection.map_or(0, Acquaintance::guesses),
        };
        // where nobody's connection is held there is nothing to hold an answer on
        let held = network.filter(|_| self.holds_answers);
        let answer_at = held.map(|network| self.late.answer_at(network));
        let _put_off = connection.map(Acquaintance::put_off);
        let turn = self.guesses.turn(&caller, guess);
        let turn = timeout(WAITS, turn).await;
        let judged = match turn.unwrap_or_else(|_| Err(self.guesses.busy())) {
            Err(busy) => Err(TurnedAway::Unjudged(busy)),
            Ok(()) if is_right() => Ok(()),
            Ok(()) => Err(TurnedAway::Wrong),
        };
        if let (Some(connection), Ok(()) | Err(TurnedAway::Wrong)) = (connection, &judged) {
            connection.shows_password(judged.is_ok());
        }
        match judged {
            Ok(()) => {
                self.guesses.was_right();
                return judged;
            }
            Err(TurnedAway::Wrong) => self.guesses.was_wrong(&caller, guess),
            Err(_) => {}
        }
        if let Some(answer_at) = answer_at {
            sleep_until(answer_at).await;
        }
        judged
    }

    /// The answer to a request that shows no password, or not the right one.
    pub(super) fn turn_away_asker(&self, verdict: TurnedAway, asker: &Asker) -> Response {
        let (status, message, said) = match verdict {
            TurnedAway::Unasked => (StatusCode::UNAUTHORIZED, nothing_shown(), String::new()),
            TurnedAway::Wrong => (StatusCode::UNAUTHORIZED, nothing_shown(), WRONG.to_owned()),
            TurnedAway::Unjudged(busy) => {
                let seconds = busy.retry_after.as_secs();
                let message =
                    format!("too many passwords are being tried: try again in {seconds} s");
                let said = format!("Too many passwords are being tried. Try again in {seconds} s.");
                (StatusCode::TOO_MANY_REQUESTS, message, said)
            }
        };
        let mut response = match &asker.page {
            Some(page) => {
                // who opens the page is not worth a line yet
                if !said.is_empty() {
                    self.note(status, asker.visitor);
                }
                page.answer(status, &said)
            }
            None => self.turn_away(status, &message, asker.visitor),
        };
        let headers = response.headers_mut();
        if let TurnedAway::Unjudged(busy) = verdict {
            headers.insert(RETRY_AFTER, busy.retry_after.as_secs().into());
        } else {
            headers.insert(WWW_AUTHENTICATE, asker.challenge());
        }
        response
    }

    fn turn_away(&self, status: StatusCode, message: &str, visitor: Option<Visitor>) -> Response {
        self.note(status, visitor);
        Refused::new(status, message).into_response()
    }

    fn note(&self, status: StatusCode, visitor: Option<Visitor>) {
        if let Some(times) = self.turned_away.happened() {
            let from = visitor.map(|visitor| visitor.address.to_string());
            let status = status.as_u16();
            tracing::warn!(status, times, from, "requests were turned away");
        }
    }
}

/// Why a request is not let in.
#[derive(Clone, Copy)]
pub(super) enum TurnedAway {
    /// It shows no password.
    Unasked,
    /// It shows a wrong one.
    Wrong,
    /// Too many are being tried.
    Unjudged(Busy),
}

fn nothing_shown() -> String {
    format!("a user name and a password are needed: {BASIC_AUTH} holds them")
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
pub(super) async fn guard(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<Visitor>().copied();
    if is_ambiguous(&request) {
        let message = "a request has one Host header: send the name that the server is called by";
        return door.turn_away(StatusCode::BAD_REQUEST, message, visitor);
    }
    let is_open = request.uri().path() == "/health";
    if is_open || request.extensions().get::<Trusted>().is_some() {
        return next.run(request).await;
    }
    // the form's handler looks at the password that it brings
    let brings_password = request.uri().path() == "/login" && request.method() == Method::POST;
    if !brings_password {
        match door.judge(request.headers(), request.extensions()).await {
            Ok(None) => {}
            Ok(Some(session)) => {
                request.extensions_mut().insert(session);
            }
            Err(verdict) => return door.turn_away_asker(verdict, &Asker::of(&request)),
        }
    }
    if let Err(reason) = may_pass(&door, &request) {
        return door.turn_away(StatusCode::FORBIDDEN, &reason, visitor);
    }
    next.run(request).await
}

/// Whether it is not plain whom the request is meant for. One that came over a connection of our own is as the
/// client sent it.
fn is_ambiguous(request: &Request) -> bool {
    let is_heard = request.extensions().get::<Acquaintance>().is_some();
    let hosts = request.headers().get_all(HOST).iter().count();
    hosts > 1 || is_heard && hosts == 0 && request.version() == Version::HTTP_11
}

/// Why a request may change or read nothing, if it may not.
fn may_pass(door: &Door, request: &Request) -> Result<(), String> {
    let changes = site::changes(request.method(), request.uri());
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
