//! A connection to an origin: the bytes of it, when it was opened, and whether the target has touched it.
//!
//! An idle connection is this and nothing else: no task, no timer, no buffers. What HTTP needs besides is
//! made for each request by [`exchange`](super::exchange).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use reqwest::Url;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::places::Place;
use crate::clock::{Clock, Timestamp};

/// Where a connection leads, and how its target is known to be the right one.
#[derive(Debug)]
pub(super) struct Origin {
    is_tls: bool,
    host: Box<str>,
    port: u16,
    /// The TLS settings of its own that it was opened with.
    tls: Option<Arc<ClientConfig>>,
}

impl Origin {
    /// The origin of an `http` or `https` URL.
    pub(super) fn new(url: &Url, tls: Option<&Arc<ClientConfig>>) -> Self {
        Self {
            is_tls: is_tls(url),
            host: url.host_str().unwrap_or_default().into(),
            port: port(url),
            tls: tls.cloned(),
        }
    }

    /// True if a connection to it may be used for a request to a URL.
    pub(super) fn serves(&self, url: &Url, tls: Option<&Arc<ClientConfig>>) -> bool {
        let same_settings = match (&self.tls, tls) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        self.port == port(url)
            && self.is_tls == is_tls(url)
            && url.host_str() == Some(&*self.host)
            && same_settings
    }

    /// True if the two are one.
    pub(super) fn is(&self, other: &Self) -> bool {
        let settings = |origin: &Self| origin.tls.as_ref().map(Arc::as_ptr);
        self.port == other.port
            && self.is_tls == other.is_tls
            && self.host == other.host
            && settings(self) == settings(other)
    }

    /// True if it is spoken to by TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Its name or address; an IPv6 address is in brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
    }
}

fn is_tls(url: &Url) -> bool {
    url.scheme() == "https"
}

fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

/// The bytes of a connection, encrypted or not. The stream within one that is encrypted may be encrypted
/// itself: that is a proxy which is spoken to by TLS.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<Stream>>),
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    origin: Arc<Origin>,
    opened: Moment,
    /// The number of bytes that were read from the target.
    bytes_read: u64,
    /// Given back when it is closed.
    _place: Place,
}

/// An instant by the monotonic and by the wall clock: either may stand still while a function's
/// environment is frozen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) monotonic: Instant,
    pub(super) wall: Timestamp,
}

impl Moment {
    pub(super) fn now(clock: &Clock) -> Self {
        Self {
            monotonic: Instant::now(),
            wall: clock.now(),
        }
    }

    /// The longer of the times that the two clocks say have passed until `now`.
    pub(super) fn until(self, now: Self) -> Duration {
        let monotonic = now.monotonic.saturating_duration_since(self.monotonic);
        monotonic.max(now.wall.since(self.wall))
    }
}

impl Connection {
    pub(super) fn new(stream: Stream, origin: Arc<Origin>, opened: Moment) -> Self {
        Self {
            stream,
            origin,
            opened,
            bytes_read: 0,
            _place: None,
        }
    }

    /// The same in a place of its own.
    pub(super) fn at(self, place: Place) -> Self {
        Self {
            _place: place,
            ..self
        }
    }

    pub(super) fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    pub(super) fn opened(&self) -> Moment {
        self.opened
    }

    #[cfg(test)]
    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// True while the target has neither closed an idle connection nor said anything on it. This is a
    /// look at what the runtime knows of the socket, without a system call where nothing happened.
    pub(super) fn is_untouched(&mut self) -> bool {
        let mut byte = [0];
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream)
            .poll_read(&mut context, &mut ReadBuf::new(&mut byte))
            .is_pending()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.bytes_read += (buffer.filled().len() - before) as u64;
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
