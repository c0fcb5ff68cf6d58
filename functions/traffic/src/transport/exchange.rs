//! One request and its answer on one connection, by hyper.
//!
//! The connection is driven by the future of the request itself: no task belongs to it. hyper's parts are
//! made for each request and taken apart after it, so that an idle connection has no buffers.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::poll_fn;
use http_body_util::Full;
use hyper::body::{Body as _, Frame, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::connection::Connection;

/// A connection that a request is under way on.
pub(super) struct Exchange {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: http1::Connection<TokioIo<Connection>, Full<Bytes>>,
    /// True if the driver has nothing left to do: it must not be polled any more.
    has_ended: bool,
}

/// The error of an incomplete answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Http(#[from] hyper::Error),
    /// The connection ended, and hyper has said nothing of it to the request.
    #[error("connection closed before message completed")]
    Ended,
}

impl Exchange {
    /// Makes a connection ready for a request.
    pub(super) async fn begin(connection: Connection) -> Result<Self, Broken> {
        let mut builder = http1::Builder::new();
        builder.title_case_headers(true);
        let (sender, driver) = builder.handshake(TokioIo::new(connection)).await?;
        Ok(Self {
            sender,
            driver,
            has_ended: false,
        })
    }

    /// Sends a request and reads the answer's head.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Broken> {
        let mut answer = pin!(self.sender.send_request(request));
        poll_fn(|context| {
            let driven = poll_driver(&mut self.driver, &mut self.has_ended, context);
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(answer.map_err(Broken::Http));
            }
            match driven {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => Poll::Ready(Err(Broken::Ended)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// The next piece of the answer's body, until there is none.
    pub(super) async fn chunk(&mut self, body: &mut Incoming) -> Result<Option<Bytes>, Broken> {
        loop {
            let Some(frame) = poll_fn(|context| self.poll_frame(body, context)).await? else {
                return Ok(None);
            };
            // trailers say nothing that is looked at
            if let Ok(chunk) = frame.into_data() {
                return Ok(Some(chunk));
            }
        }
    }

    fn poll_frame(
        &mut self,
        body: &mut Incoming,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Frame<Bytes>>, Broken>> {
        if body.is_end_stream() {
            return Poll::Ready(Ok(None));
        }
        // the driver reads no further than somebody asks for
        if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(context) {
            return Poll::Ready(frame.transpose().map_err(Broken::Http));
        }
        let driven = poll_driver(&mut self.driver, &mut self.has_ended, context);
        if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(context) {
            return Poll::Ready(frame.transpose().map_err(Broken::Http));
        }
        match driven {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => Poll::Ready(Err(Broken::Ended)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// The connection after a complete answer, if another request may be sent on it.
    pub(super) async fn finish(mut self) -> Option<Connection> {
        let is_idle = poll_fn(|context| {
            let driven = poll_driver(&mut self.driver, &mut self.has_ended, context);
            Poll::Ready(driven.is_pending() && self.sender.is_ready())
        });
        if !is_idle.await {
            return None;
        }
        let parts = self.driver.into_parts();
        // what came besides the answer belongs to no request
        parts.read_buf.is_empty().then(|| parts.io.into_inner())
    }

    /// The connection as it is, for what is known of it.
    pub(super) fn into_connection(self) -> Connection {
        self.driver.into_parts().io.into_inner()
    }
}

fn poll_driver(
    driver: &mut http1::Connection<TokioIo<Connection>, Full<Bytes>>,
    has_ended: &mut bool,
    context: &mut Context<'_>,
) -> Poll<Result<(), Broken>> {
    if *has_ended {
        return Poll::Ready(Ok(()));
    }
    let polled = Pin::new(driver).poll(context).map_err(Broken::Http);
    *has_ended = polled.is_ready();
    polled
}
