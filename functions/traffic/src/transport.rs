//! The way out for requests: a small HTTP/1.1 client of our own, and the seam that tests put something else into.
//!
//! A request is sent by the future that waits for it; no task belongs to a connection. Whatever a target
//! does, a request ends within its timeout as a reply or as a readable text of few variants, so that
//! dashboards can group by it. Where it may go is judged here, for each hop of a redirect.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::http::response::Parts;
use reqwest::header::{COOKIE, HeaderMap};
use reqwest::{Request, StatusCode, Url};
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::clock::Clock;
pub use crate::content_coding::MAX_BODY;
use crate::host_allowlist::AllowedHosts;
use crate::random::UserKey;
use crate::stream::{StreamRules, Streamed};
use crate::tls::{self, HostTls};
use crate::workload::{Connections, MAX_CONNECTION_AGE, MAX_REDIRECTS};

mod bodies;
mod connection;
mod cookies;
mod dial;
mod error;
mod exchange;
mod link_local;
mod outgoing;
mod places;
mod pool;
mod proxies;
mod reading;
mod redirects;
mod resolver;
mod runtime_api;
mod texts;

use bodies::Bodies;
use connection::{Connection, Origin};
pub use cookies::Jar;
use dial::Dialer;
pub use error::HttpError;
use exchange::{Broken, Exchange};
use outgoing::Outgoing;
use places::Places;
pub use places::RequestPlace;
use pool::Pool;
pub use proxies::Proxies;
use proxies::Proxy;
use reading::{Body, Reading};
pub use runtime_api::{NoAddress, RUNTIME_API, RuntimeApi};
pub(crate) use texts::is_shortage;
pub use texts::{TIMED_OUT, explain};

/// So many idle connections are closed when the system has no file left for a new one.
const EVICTED: usize = 64;

/// Sends requests.
pub trait Transport: Send + Sync + 'static {
    /// Waits until one more request may be under way. Who waits for it, waits for us and not for the target: it is
    /// taken before a request is sent, and held until it has ended.
    fn place(&self) -> impl Future<Output = RequestPlace<'_>> + Send {
        std::future::ready(None)
    }

    /// Sends a request and reads the response to its end, redirects included.
    ///
    /// # Errors
    /// A short text for the statistics when there is no complete response.
    fn send(
        &self,
        request: Request,
        context: &RequestContext,
    ) -> impl Future<Output = Result<Reply, String>> + Send;
}

/// The settings that a request is sent with besides its own.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Whose request it is: a user's key is that of its class and its index.
    pub user: UserKey,
    /// Whose connections it goes by, if its class says so.
    pub connections: Option<Connections>,
    /// A connection that was opened longer ago is not used for it.
    pub max_connection_age: Duration,
    /// So many redirects are followed; if none is, the redirect is the response.
    pub redirects: u32,
    /// The TLS settings of the host, if it has its own; they hold for its origin only.
    pub tls: Option<Arc<ClientConfig>>,
    /// True if the response's body is kept; of a stream the data of its last event.
    pub keep_body: bool,
    /// The rules of the stream that a good response is, if it is one.
    pub stream: Option<Arc<StreamRules>>,
    /// The cookies of the user, if it keeps any.
    pub cookies: Option<Arc<Jar>>,
}

impl Default for RequestContext {
    fn default() -> Self {
        Self {
            user: UserKey::default(),
            connections: None,
            max_connection_age: MAX_CONNECTION_AGE,
            redirects: MAX_REDIRECTS,
            tls: None,
            keep_body: false,
            stream: None,
            cookies: None,
        }
    }
}

/// A complete response.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body decoded, if it was asked for; of a stream the data of its last event.
    pub body: Bytes,
    /// The decoded body's length in bytes.
    pub content_length: u64,
    /// From sending, redirects included, until the response had begun: until its head was there.
    pub first_byte: Duration,
    /// The figures of a stream.
    pub streamed: Option<Streamed>,
}

/// The settings of all requests of a process.
#[derive(Debug, Default)]
pub struct HttpSettings {
    /// Whose connections requests go by whose class does not say it.
    pub connections: Connections,
    /// Where requests may go, redirects included.
    pub allowed_hosts: AllowedHosts,
    /// The proxies that they go by.
    pub proxies: Proxies,
    /// True if the addresses of the link are refused, as they must be on AWS.
    pub refuses_link_local: bool,
    /// Where this function takes its messages from, which is refused as well.
    pub runtime_api: Option<RuntimeApi>,
    /// The most connections that are open at once, those that wait for another request included, and so the most
    /// requests under way; as many as the system gives if it is not said. Beyond that, users take over idle ones
    /// from one another, and requests wait for their [`Transport::place`].
    pub max_connections: Option<usize>,
}

/// The HTTP client of a process.
#[derive(Clone)]
pub struct Http(Arc<Client>);

struct Client {
    pool: Arc<Pool>,
    places: Places,
    bodies: Bodies,
    dialer: Dialer,
    settings: HttpSettings,
}

/// An answer whose body is still to be read.
struct Answer {
    parts: Parts,
    body: Incoming,
    exchange: Exchange,
}

/// Why a connection brought no answer.
struct NoAnswer {
    text: String,
    /// True if the connection ended before the first byte of an answer.
    ended_before: bool,
}

impl Http {
    /// A client with connections of its own.
    ///
    /// # Errors
    /// When the system's root certificates cannot be read.
    pub fn new(clock: Clock, settings: HttpSettings) -> Result<Self, HttpError> {
        Ok(Self::with_tls(tls::for_targets()?, clock, settings))
    }

    fn with_tls(tls: ClientConfig, clock: Clock, settings: HttpSettings) -> Self {
        Self(Arc::new(Client {
            dialer: Dialer::new(
                tls,
                settings.refuses_link_local,
                settings.runtime_api.clone(),
                clock.clone(),
            ),
            pool: Pool::new(clock),
            places: Places::new(settings.max_connections),
            bodies: Bodies::within(crate::machine::memory()),
            settings,
        }))
    }

    /// Connects to a URL's origin, with TLS if it is https, ahead of the first request by shared connections;
    /// nothing is sent. `tls` are the settings of the URL's host.
    ///
    /// # Errors
    /// Why there is no connection, in the words that a request to the URL would end with.
    pub async fn connect(&self, url: &Url, tls: Option<&HostTls>) -> Result<(), String> {
        let client = &*self.0;
        let allowed = client.settings.allowed_hosts.check(url);
        allowed.map_err(|refused| refused.to_string())?;
        let proxy = client.settings.proxies.of(url);
        let origin = Arc::new(Origin::new(url, tls.map(HostTls::config)));
        let place = client.places.take(|| client.pool.evict(1) > 0)?;
        let connection = client.dialer.dial(origin, proxy.as_ref()).await?;
        client
            .pool
            .put(None, connection.at(place), MAX_CONNECTION_AGE);
        Ok(())
    }
}

/// TLS for AWS's services and for collectors.
///
/// # Errors
/// When there are no root certificates.
pub fn tls() -> Result<ClientConfig, HttpError> {
    Ok(tls::for_services()?)
}

impl Transport for Http {
    async fn place(&self) -> RequestPlace<'_> {
        self.0.places.of_request().await
    }

    async fn send(&self, request: Request, context: &RequestContext) -> Result<Reply, String> {
        let timeout = request.timeout().copied();
        let mut outgoing = Outgoing::new(request);
        if context.stream.is_some() {
            outgoing.ask_for_stream();
        }
        // where it stays: a future that is handed on by value has its room in each that it is handed to
        let mut sending = pin!(self.0.follow(outgoing, context));
        match timeout {
            None => sending.await,
            Some(timeout) => match tokio::time::timeout(timeout, sending.as_mut()).await {
                Ok(answer) => answer,
                Err(_) => Err(texts::timed_out(timeout)),
            },
        }
    }
}

impl Client {
    /// Sends a request, and those that redirects make of it.
    async fn follow(
        &self,
        mut request: Outgoing,
        context: &RequestContext,
    ) -> Result<Reply, String> {
        let sent_at = Instant::now();
        // TLS settings and headers of the workload are for the origin that they were given for
        let mut is_there = true;
        let has_own_cookie = request.headers.contains_key(COOKIE);
        for followed in 0.. {
            // a cookie that the workload itself writes goes before those that were kept, as in requests
            if let Some(jar) = &context.cookies
                && !(has_own_cookie && is_there)
            {
                request.headers.remove(COOKIE);
                let cookies = jar.header(&request.url);
                (request.headers).extend(cookies.map(|cookies| (COOKIE, cookies)));
            }
            let allowed = self.settings.allowed_hosts.check(&request.url);
            allowed.map_err(|refused| refused.to_string())?;
            let tls = context.tls.as_ref().filter(|_| is_there);
            let answer = self.answer(&request, context, tls).await?;
            if let Some(jar) = &context.cookies {
                jar.keep(&request.url, &answer.parts.headers);
            }
            let location = match context.redirects {
                0 => None,
                _ => redirects::location(answer.parts.status, &answer.parts.headers),
            };
            let share = self.bodies.share();
            let reading = match location {
                None => {
                    let stream = context.stream.as_ref();
                    Reading::new(&answer.parts, context.keep_body, stream, share, sent_at)
                }
                Some(_) => Reading::of_redirect(share, sent_at),
            };
            let closes = request.closes();
            let reply = self.read(answer, reading, context, closes).await?;
            let Some(location) = location else {
                return Ok(reply);
            };
            if followed == context.redirects {
                break;
            }
            is_there &= redirects::follow(&mut request, reply.status, &location)?;
        }
        Err(format!("more than {} redirects", context.redirects))
    }

    /// Sends a request; once more if a connection that had been used before ends without an answer, which
    /// is what happens when the target closes an idle connection at the very moment.
    async fn answer(
        &self,
        request: &Outgoing,
        context: &RequestContext,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Answer, String> {
        let proxy = self.settings.proxies.of(&request.url);
        let owner = self.owner(context);
        let max_age = context.max_connection_age;
        let mut idle = self.pool.take(owner, &request.url, tls, max_age);
        if idle.is_none() && self.places.are_taken() {
            idle = self.pool.take_over(&request.url, tls, max_age);
            if idle.is_some() {
                self.places.say_shared();
            }
        }
        if let Some(connection) = idle {
            match attempt(connection, request.head(proxy.as_ref())?).await {
                Err(failed) if failed.ended_before => {}
                answer => return answer.map_err(|failed| failed.text),
            }
        }
        let origin = Arc::new(Origin::new(&request.url, tls));
        let connection = self.connect(origin, proxy.as_ref()).await?;
        let answer = attempt(connection, request.head(proxy.as_ref())?).await;
        answer.map_err(|failed| failed.text)
    }

    /// Opens a connection; where no file is left for it, in the place of idle ones.
    async fn connect(
        &self,
        origin: Arc<Origin>,
        proxy: Option<&Proxy>,
    ) -> Result<Connection, String> {
        let place = self.places.take(|| self.pool.evict(1) > 0)?;
        let connected = self.dialer.dial(Arc::clone(&origin), proxy).await;
        let connected = match connected {
            Err(text) if text.contains(texts::NO_FILES) && self.pool.evict(EVICTED) > 0 => {
                self.dialer.dial(origin, proxy).await
            }
            connected => connected,
        };
        connected.map(|connection| connection.at(place))
    }

    /// Reads an answer to its end, and keeps its connection for the next request.
    async fn read(
        &self,
        answer: Answer,
        mut reading: Reading,
        context: &RequestContext,
        closes: bool,
    ) -> Result<Reply, String> {
        let Answer {
            parts,
            mut body,
            mut exchange,
        } = answer;
        while let Some(chunk) = (exchange.chunk(&mut body).await).map_err(|error| text(&error))? {
            reading.push(chunk).await?;
        }
        if !closes && let Some(connection) = exchange.finish().await {
            let owner = self.owner(context);
            (self.pool).put(owner, connection, context.max_connection_age);
        }
        let Body {
            content,
            length,
            first_byte,
            streamed,
        } = reading.finish()?;
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body: content,
            content_length: length,
            first_byte,
            streamed,
        })
    }

    /// The user whose connections a request goes by, unless all users share them.
    fn owner(&self, context: &RequestContext) -> Option<UserKey> {
        let connections = context.connections.unwrap_or(self.settings.connections);
        (connections == Connections::Own).then_some(context.user)
    }
}

async fn attempt(
    connection: Connection,
    head: hyper::Request<http_body_util::Full<Bytes>>,
) -> Result<Answer, NoAnswer> {
    let read_before = connection.bytes_read();
    let begun = Exchange::begin(connection).await;
    let mut exchange = begun.map_err(|error| NoAnswer {
        text: text(&error),
        ended_before: false,
    })?;
    match exchange.send(head).await {
        Ok(response) => {
            let (parts, body) = response.into_parts();
            Ok(Answer {
                parts,
                body,
                exchange,
            })
        }
        Err(error) => {
            let never_left = matches!(&error, Broken::Http(error) if error.is_canceled());
            let is_silent = exchange.into_connection().bytes_read() == read_before;
            Err(NoAnswer {
                text: text(&error),
                ended_before: never_left || is_silent && texts::is_end(&error),
            })
        }
    }
}

fn text(error: &Broken) -> String {
    match error {
        Broken::Http(error) => texts::failed(error),
        Broken::Ended => texts::failed(error),
    }
}

#[cfg(test)]
mod tests;
