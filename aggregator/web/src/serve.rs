//! The web server: accepts connections, serves a router on each, and answers others whatever some do.
//!
//! Each connection notes who waits for whom. One that has waited for its client too long is closed, and so
//! is the one that has waited longest when a newcomer finds no room. What the server itself is busy
//! with is never in the way, and never closed. What requests mean is the router's.
//!
//! It stands on hyper: `axum::serve` has no limits at all, and axum-server 0.9 limits the TLS handshake, a head and
//! the first request only. It has no limit of connections, none for bodies, idle connections and answers
//! that nobody takes, and its loop accepts whoever comes, so that nobody can make room for a newcomer. On top of it
//! `activity`, `io_activity`, `connections` and `limits` would all be needed still, for a loop of 50 lines less.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

mod activity;
mod connection;
mod connections;
mod io_activity;
mod limits;
mod tls;
mod validity;
mod web_host;

pub use limits::Limits;
pub use tls::{Tls, TlsError, TlsFiles};
pub use web_host::{InvalidWebHost, WebHost};

use activity::Activity;
use connection::Host;
use connections::Connections;
use traffic::log_throttle::LogThrottle;

/// Nothing is accepted for this long after an error in accepting, most often for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(20);

/// Nothing is accepted for this long after a connection had to go that was put off for its guess at the
/// password: whoever guesses would come again at once, and be faster so than by waiting.
const PAUSE_OF_GUESSES: Duration = Duration::from_millis(100);

/// Requests that are being answered when the server ends may take this long.
pub const GRACE: Duration = Duration::from_secs(1);

/// A router, and how it is served.
pub struct Serving {
    /// The routes.
    pub router: Router,
    /// The certificate and its key; without them it is plain HTTP.
    pub tls: Option<Tls>,
    /// Limits of connections and their times.
    pub limits: Limits,
}

impl Serving {
    /// Plain HTTP within the usual limits.
    pub fn plain(router: Router) -> Self {
        Self {
            router,
            tls: None,
            limits: Limits::default(),
        }
    }
}

/// Serves until `end`; what is being answered then is answered, within a second.
///
/// No error ends it: one that keeps it from accepting is logged, and tried to be overcome.
pub async fn serve(listener: TcpListener, serving: Serving, end: impl Future<Output = ()>) {
    let (stop, stopped) = watch::channel(false);
    let host = Host::new(serving.router, serving.tls, stopped);
    let mut guests = Connections::new(serving.limits);
    let trouble = LogThrottle::default();
    let mut open_from = Instant::now();
    tokio::pin!(end);
    loop {
        tokio::select! {
            accepted = accept(&listener, open_from), if guests.has_room() => match accepted {
                Ok((stream, address)) => {
                    let activity = Activity::begun(host.first_step());
                    // a socket of both kinds writes an IPv4 address as one of IPv6
                    let address = address.ip().to_canonical();
                    let connection = host.clone().receive(stream, address, activity.clone());
                    if guests.seat(connection, activity) {
                        open_from = Instant::now() + PAUSE_OF_GUESSES;
                    }
                }
                // it was its client's, who has gone
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    if let Some(times) = trouble.happened() {
                        tracing::warn!(%error, times, "connections cannot be accepted");
                    }
                    guests.show_out_the_slowest();
                    open_from = Instant::now() + PAUSE;
                }
            },
            () = guests.changed() => {}
            () = &mut end => break,
        }
    }
    drop(listener);
    stop.send_replace(true);
    guests.leave(GRACE).await;
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};

    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn accept(listener: &TcpListener, open_from: Instant) -> io::Result<(TcpStream, SocketAddr)> {
    if open_from > Instant::now() {
        tokio::time::sleep_until(open_from).await;
    }
    listener.accept().await
}
