//! One connection from its first byte to its last.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::Router;
use axum::http::header::{CONNECTION, TRANSFER_ENCODING};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::activity::{Activity, Step};
use super::io_activity::{Answered, Watched, received};
use super::tls::Tls;
use crate::api::Visitor;

/// The longest line and headers of a request together, in bytes: browsers send all cookies of
/// `localhost`, whichever port set them.
const MAX_HEAD: usize = 32 * 1024;

/// The router, TLS and HTTP settings of all connections.
#[derive(Clone)]
pub(super) struct Host {
    router: TowerToHyperService<Router>,
    tls: Option<Tls>,
    http: http1::Builder,
    stopped: watch::Receiver<bool>,
}

impl Host {
    pub(super) fn new(router: Router, tls: Option<Tls>, stopped: watch::Receiver<bool>) -> Self {
        let mut http = http1::Builder::new();
        // how long a head may take is the guests' matter
        http.header_read_timeout(None).max_header_size(MAX_HEAD);
        Self {
            router: TowerToHyperService::new(router),
            tls,
            http,
            stopped,
        }
    }

    /// The first step of a connection.
    pub(super) fn first_step(&self) -> Step {
        match self.tls {
            Some(_) => Step::Handshake,
            None => Step::Idle,
        }
    }

    /// Serves a connection until either side has had enough.
    pub(super) async fn receive(self, stream: TcpStream, address: IpAddr, activity: Activity) {
        // an option that cannot be set makes the connection slower, not wrong
        let _ = stream.set_nodelay(true);
        let visitor = Visitor {
            address,
            over_tls: self.tls.is_some(),
        };
        match &self.tls {
            None => self.serve(stream, visitor, activity).await,
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => {
                    activity.enter(Step::Idle);
                    self.serve(stream, visitor, activity).await;
                }
                Err(error) => tracing::debug!(%error, "a client did not agree on TLS"),
            },
        }
    }

    async fn serve<S>(&self, stream: S, visitor: Visitor, activity: Activity)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = TokioIo::new(Watched::new(stream, activity.clone()));
        let acquaintance = activity.acquaintance().clone();
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(acquaintance.clone());
            self.answer(request, visitor, activity.clone())
        });
        let connection = self.http.serve_connection(stream, service);
        tokio::pin!(connection);
        let mut stopped = self.stopped.clone();
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = told_to_stop(&mut stopped) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended in the middle");
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        visitor: Visitor,
        activity: Activity,
    ) -> Result<Response<Answered>, Infallible> {
        activity.enter(Step::Work);
        // whoever else reads this connection may have seen its end elsewhere: nothing comes after it
        let is_last = request.headers().contains_key(TRANSFER_ENCODING);
        let mut request = request.map(|body| received(body, activity.clone()));
        request.extensions_mut().insert(visitor);
        let mut response = self.router.call(request).await?;
        if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
            activity.leave_unread();
        }
        if is_last {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        Ok(response.map(|body| Answered::new(body, activity)))
    }
}

async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    // a server that is dropped has stopped, too
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
