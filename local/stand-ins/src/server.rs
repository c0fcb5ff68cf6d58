//! One server: accepts connections, serves a router on each, and stops in an orderly way.
//!
//! Written on hyper and not on `axum::serve`, because a stop has to end requests that take minutes:
//! connections that outlast the grace period are cut off.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::settings::BadSetting;

/// The connections that may wait to be accepted: thousands of clients connect within a millisecond.
const BACKLOG: u32 = 4_096;
/// The pause after an error in accepting, most often for want of file descriptors.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(20);

/// An error that keeps the stand-ins from starting, or from being set as asked.
#[derive(Debug, thiserror::Error)]
pub enum TargetsError {
    #[error(
        "{server} cannot listen on {address}: {source}; stop what runs there, or choose another address"
    )]
    Listen {
        /// `target-app`, `ai-agent` or `misbehaving`.
        server: &'static str,
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error(transparent)]
    Setting(#[from] BadSetting),
}

/// A socket of `server` that listens on `address`, and its own address.
pub(crate) fn listen(
    server: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), TargetsError> {
    let open = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // a port whose last connections have just closed can be had again at once
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    open().map_err(|source| TargetsError::Listen {
        server,
        address,
        source,
    })
}

/// A server that runs until it is shut down, or dropped.
#[derive(Debug)]
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Serves `router` on every connection to `listener`.
    pub(crate) fn start(listener: TcpListener, router: Router, grace: Duration) -> Self {
        let (stop, stopped) = watch::channel(false);
        let at_stop = stopped.clone();
        let serve = move |stream| serve(stream, router.clone(), at_stop.clone());
        let task = tokio::spawn(accept(listener, serve, stopped, grace));
        Self { stop, task }
    }

    /// Runs `serve` on every connection to `listener`, until it is cut off at the stop.
    pub(crate) fn start_raw<F: Future<Output = ()> + Send + 'static>(
        listener: TcpListener,
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, serve, stopped, Duration::ZERO));
        Self { stop, task }
    }

    /// Accepts nothing more, and waits until the last connection is closed.
    pub(crate) async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "a stand-in server has failed");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> F,
    mut stop: watch::Receiver<bool>,
    grace: Duration,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = told_to_stop(&mut stop) => break,
        }
    }
    drop(listener);
    let all_closed = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, all_closed).await.is_err() {
        connections.shutdown().await;
    }
}

async fn serve(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    // an option that cannot be set makes the connection slower, not wrong
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told_to_stop(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a client left in the middle");
    }
}

async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    // a server that is dropped has stopped, too
    let _ = stop.wait_for(|stop| *stop).await;
}
