//! Connections made ahead, at listeners that see every connection and every byte of it.

use std::time::Duration;

use reqwest::Request;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::clock::Clock;
use crate::transport::{HttpSettings, Reply, RequestContext};
use crate::workload::Connections;

const PATIENCE: Duration = Duration::from_secs(10);

/// What a listener saw.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// A connection was accepted; they are numbered from 0, in the order they come.
    Connected(usize),
    /// A request's first line came on a connection.
    Request(usize, String),
    /// A connection was closed.
    Closed(usize),
}

/// A target of HTTP/1.1 that answers every request with its own name, or elsewhere.
struct Listener {
    url: Url,
    seen: mpsc::UnboundedReceiver<Seen>,
}

impl Listener {
    /// Answers with `answer`, complete with status and headers; over TLS if it has a certificate.
    async fn new(answer: String, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = listener.local_addr().unwrap();
        let (notes, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 0.. {
                let (connection, _) = listener.accept().await.unwrap();
                let (notes, answer, tls) = (notes.clone(), answer.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            let connection = tls.accept(connection).await.unwrap();
                            converse(connection, number, &answer, &notes).await;
                        }
                        None => converse(connection, number, &answer, &notes).await,
                    }
                });
            }
        });
        Self {
            url: format!("{scheme}://localhost:{}/", address.port())
                .parse()
                .unwrap(),
            seen,
        }
    }

    /// A target that answers with its name.
    async fn named(name: &str) -> Self {
        Self::new(ok(name), None).await
    }

    async fn next(&mut self) -> Seen {
        let seen = tokio::time::timeout(PATIENCE, self.seen.recv()).await;
        seen.unwrap().unwrap()
    }

    fn nothing_more(&mut self) -> bool {
        self.seen.is_empty()
    }
}

async fn converse(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    number: usize,
    answer: &str,
    notes: &mpsc::UnboundedSender<Seen>,
) {
    let _ = notes.send(Seen::Connected(number));
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = connection.read(&mut buffer).await {
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let line = text.lines().next().unwrap_or_default().to_owned();
        let _ = notes.send(Seen::Request(number, line));
        connection.write_all(answer.as_bytes()).await.unwrap();
        connection.flush().await.unwrap();
    }
    let _ = notes.send(Seen::Closed(number));
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
}

async fn get(http: &Http, url: &Url) -> Reply {
    let request = Request::new(reqwest::Method::GET, url.clone());
    let context = RequestContext {
        keep_body: true,
        ..RequestContext::default()
    };
    let reply = tokio::time::timeout(PATIENCE, http.send(request, &context)).await;
    reply.unwrap().unwrap()
}

fn client() -> Http {
    client_with(crate::transport::tls().unwrap())
}

/// A client as functions have it.
fn client_with(tls: ClientConfig) -> Http {
    let settings = HttpSettings {
        connections: Connections::Shared,
        ..HttpSettings::default()
    };
    Http::with_tls(tls, Clock::system(), settings)
}

/// Waits for longer than a connection may.
async fn outwait() {
    // nothing else may wait while time stands still: it would move on by itself
    tokio::time::pause();
    tokio::time::advance(MAX_CONNECTION_AGE + Duration::from_secs(10)).await;
    tokio::time::resume();
}

fn request(number: usize) -> Seen {
    Seen::Request(number, "GET / HTTP/1.1".into())
}

#[tokio::test]
async fn a_connection_is_made_ahead_without_a_byte_and_the_first_request_takes_it() {
    let mut target = Listener::named("here").await;
    let http = client();
    http.connect(&target.url, None).await.unwrap();
    assert_eq!(target.next().await, Seen::Connected(0));
    assert_eq!(get(&http, &target.url).await.body, "here");
    assert_eq!(target.next().await, request(0), "its first bytes");
    get(&http, &target.url).await;
    assert_eq!(target.next().await, request(0), "kept alive as any other");
    assert!(target.nothing_more());
}

#[tokio::test]
async fn a_tls_connection_is_made_ahead_and_the_first_request_takes_it() {
    let (client, server) = certificate();
    let mut target = Listener::new(ok("safe"), Some(server)).await;
    let http = client_with(client);
    http.connect(&target.url, None).await.unwrap();
    assert_eq!(target.next().await, Seen::Connected(0), "after a handshake");
    assert_eq!(get(&http, &target.url).await.body, "safe");
    assert_eq!(target.next().await, request(0));
    assert!(target.nothing_more());
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_makes_no_connection() {
    let (_, server) = certificate();
    let (client, _) = certificate();
    let target = Listener::new(ok("other"), Some(server)).await;
    let http = client_with(client);
    let error = http.connect(&target.url, None).await.unwrap_err();
    assert!(error.starts_with("cannot connect: "), "{error}");
    assert_eq!(http.0.pool.sweep(), 0);
}

#[tokio::test]
async fn a_request_never_takes_the_connection_to_another_origin() {
    let mut one = Listener::named("one").await;
    let mut other = Listener::named("other").await;
    let http = client();
    http.connect(&one.url, None).await.unwrap();
    http.connect(&other.url, None).await.unwrap();
    assert_eq!(one.next().await, Seen::Connected(0));
    assert_eq!(other.next().await, Seen::Connected(0));
    assert_eq!(get(&http, &other.url).await.body, "other");
    assert_eq!(get(&http, &one.url).await.body, "one");
    assert_eq!(
        (one.next().await, other.next().await),
        (request(0), request(0))
    );
    // the same port by another name is another origin: its host may be another server
    let mut renamed = one.url.clone();
    renamed.set_host(Some("127.0.0.1")).unwrap();
    http.connect(&renamed, None).await.unwrap();
    assert_eq!(one.next().await, Seen::Connected(1));
    get(&http, &one.url).await;
    assert_eq!(one.next().await, request(0));
    get(&http, &renamed).await;
    assert_eq!(one.next().await, request(1));
    assert!(one.nothing_more() && other.nothing_more());
}

#[tokio::test]
async fn a_redirect_takes_the_connection_of_where_it_leads() {
    let mut goal = Listener::named("goal").await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        goal.url
    );
    let mut start = Listener::new(redirect, None).await;
    let http = client();
    http.connect(&goal.url, None).await.unwrap();
    http.connect(&start.url, None).await.unwrap();
    assert_eq!(goal.next().await, Seen::Connected(0));
    assert_eq!(start.next().await, Seen::Connected(0));
    assert_eq!(get(&http, &start.url).await.body, "goal");
    assert_eq!(
        (start.next().await, goal.next().await),
        (request(0), request(0))
    );
    assert!(start.nothing_more() && goal.nothing_more());
}

#[tokio::test]
async fn a_redirect_is_not_followed_ahead() {
    let mut goal = Listener::named("goal").await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\n\r\n", goal.url);
    let mut start = Listener::new(redirect, None).await;
    let http = client();
    http.connect(&start.url, None).await.unwrap();
    assert_eq!(start.next().await, Seen::Connected(0));
    outwait().await;
    assert_eq!(start.next().await, Seen::Closed(0), "without a request");
    assert!(goal.nothing_more());
}

#[tokio::test]
async fn a_connection_that_the_target_closed_is_not_taken() {
    let closing = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/", closing.local_addr().unwrap())
        .parse()
        .unwrap();
    let http = client();
    http.connect(&url, None).await.unwrap();
    // closed without a word, and the next one answers
    drop(closing.accept().await.unwrap());
    let (notes, _seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (connection, _) = closing.accept().await.unwrap();
        converse(connection, 1, &ok("still here"), &notes).await;
    });
    // the end of a connection is seen once the runtime has looked at its sockets
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(get(&http, &url).await.body, "still here");
}

#[tokio::test]
async fn a_connection_that_waited_too_long_is_closed_and_not_taken() {
    let mut target = Listener::named("here").await;
    let http = client();
    http.connect(&target.url, None).await.unwrap();
    assert_eq!(target.next().await, Seen::Connected(0));
    outwait().await;
    assert_eq!(target.next().await, Seen::Closed(0));
    get(&http, &target.url).await;
    assert_eq!(target.next().await, Seen::Connected(1));
}

/// A client that trusts a server, and the server.
pub(in crate::transport) fn certificate() -> (ClientConfig, TlsAcceptor) {
    // whoever comes first installs it
    let _ = rustls::crypto::ring::default_provider().install_default();
    let names = vec!["localhost".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate = certified.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    (client, TlsAcceptor::from(Arc::new(server)))
}
