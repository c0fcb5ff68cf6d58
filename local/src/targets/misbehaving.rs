//! A server that breaks HTTP on purpose, in one way at a time, for tests of clients.
//!
//! Raw TCP: it reads a request's head and then does what its mode says. Nothing it does costs it
//! much, however long a client bears it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::{TargetsError, listen};

/// How a server misbehaves, once it has read the head of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Never answers, and keeps the connection open.
    Hang,
    /// Resets the connection.
    Reset,
    /// Closes the connection without a word.
    Close,
    /// Answers with bytes that are not HTTP.
    Garbage,
    /// Redirects from page to page in a circle.
    RedirectCircle,
    /// Sends a body that never ends, 1.6 MB a second.
    EndlessBody,
    /// Sends headers that never end.
    EndlessHeaders,
    /// Sends a byte of its body every half second, and never all.
    Drip,
    /// Announces 1,000 bytes, sends 100 and closes.
    Truncated,
    /// Sends a part of its body and resets the connection.
    ResetInBody,
    /// Announces 5 bytes and sends 500.
    TooLong,
    /// Announces a length that is not a number.
    BadLength,
    /// Sends a chunk whose size is not a number.
    BadChunk,
    /// Says that plain text is gzip.
    BadGzip,
    /// Says that half an object is JSON.
    BadJson,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 15] = [
        Self::Hang,
        Self::Reset,
        Self::Close,
        Self::Garbage,
        Self::RedirectCircle,
        Self::EndlessBody,
        Self::EndlessHeaders,
        Self::Drip,
        Self::Truncated,
        Self::ResetInBody,
        Self::TooLong,
        Self::BadLength,
        Self::BadChunk,
        Self::BadGzip,
        Self::BadJson,
    ];

    /// The mode's name on a command line: `redirect-circle`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hang => "hang",
            Self::Reset => "reset",
            Self::Close => "close",
            Self::Garbage => "garbage",
            Self::RedirectCircle => "redirect-circle",
            Self::EndlessBody => "endless-body",
            Self::EndlessHeaders => "endless-headers",
            Self::Drip => "drip",
            Self::Truncated => "truncated",
            Self::ResetInBody => "reset-in-body",
            Self::TooLong => "too-long",
            Self::BadLength => "bad-length",
            Self::BadChunk => "bad-chunk",
            Self::BadGzip => "bad-gzip",
            Self::BadJson => "bad-json",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// A text names no mode.
#[derive(Debug, thiserror::Error)]
#[error("no such mode; there are {}", Mode::ALL.map(Mode::name).join(", "))]
pub struct NoSuchMode;

impl FromStr for Mode {
    type Err = NoSuchMode;

    fn from_str(text: &str) -> Result<Self, NoSuchMode> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name() == text)
            .ok_or(NoSuchMode)
    }
}

/// A misbehaving server, running until it is shut down or dropped.
#[derive(Debug)]
pub struct Misbehaving {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Misbehaving {
    /// Starts one on a free port of this machine.
    pub async fn start(mode: Mode) -> Result<Self, TargetsError> {
        Self::start_on(mode, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts one on `address`; it accepts connections when this returns.
    pub async fn start_on(mode: Mode, address: SocketAddr) -> Result<Self, TargetsError> {
        let (listener, address) = listen("misbehaving", address)?;
        let requests = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(accept(listener, mode, Arc::clone(&requests)));
        Ok(Self {
            address,
            requests,
            task,
        })
    }

    /// Its URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many heads of requests it has read.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Closes every connection and stops.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // the only way it ends is the one just asked for
        let _ = (&mut self.task).await;
    }
}

impl Drop for Misbehaving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, mode: Mode, requests: Arc<AtomicU64>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let requests = Arc::clone(&requests);
                    connections.spawn(async move {
                        // a client that leaves is the rule here
                        let _ = misbehave(stream, mode, &requests).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

const TEXT: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";
const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

async fn misbehave(mut stream: TcpStream, mode: Mode, requests: &AtomicU64) -> std::io::Result<()> {
    let path = read_head(&mut stream).await?;
    requests.fetch_add(1, Ordering::Relaxed);
    let answer = match mode {
        Mode::Hang => return drain(&mut stream).await,
        Mode::Reset => return stream.set_zero_linger(),
        Mode::EndlessBody => {
            let head = format!("{TEXT}transfer-encoding: chunked\r\n\r\n");
            let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
            return endlessly(&mut stream, &head, &chunk, Duration::from_millis(10)).await;
        }
        Mode::EndlessHeaders => {
            let lines = format!("x-more: {}\r\n", "x".repeat(50)).repeat(64);
            return endlessly(&mut stream, TEXT, &lines, Duration::from_millis(1)).await;
        }
        Mode::Drip => {
            let head = format!("{TEXT}content-length: 1000000\r\n\r\n");
            return endlessly(&mut stream, &head, "x", Duration::from_millis(500)).await;
        }
        Mode::ResetInBody => {
            let part = format!("{TEXT}content-length: 1000\r\n\r\n{}", "x".repeat(100));
            stream.write_all(part.as_bytes()).await?;
            // a reset overtakes what the client has not read yet
            tokio::time::sleep(Duration::from_millis(50)).await;
            return stream.set_zero_linger();
        }
        Mode::Close => String::new(),
        Mode::Garbage => "\u{1}\u{2}garbage, not HTTP\r\n\r\n\u{7f}".repeat(20),
        Mode::RedirectCircle => redirect(&path),
        Mode::Truncated => format!("{TEXT}content-length: 1000\r\n\r\n{}", "x".repeat(100)),
        Mode::TooLong => format!("{TEXT}content-length: 5\r\n\r\n{}", "x".repeat(500)),
        Mode::BadLength => format!("{TEXT}content-length: many\r\n\r\nhello"),
        Mode::BadChunk => format!("{TEXT}transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n"),
        Mode::BadGzip => format!(
            "{TEXT}content-encoding: gzip\r\ncontent-length: 22\r\n\r\nthis is plain text, no"
        ),
        Mode::BadJson => format!("{JSON}content-length: 15\r\n\r\n{{\"success\": tru"),
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // closing with the request's body unread would reset the connection
    drain(&mut stream).await
}

/// Reads up to the empty line after the headers; the path of the request.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::with_capacity(1_024);
    while !head.windows(4).any(|window| window == b"\r\n\r\n") && head.len() < 65_536 {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or("/");
    Ok(path.to_owned())
}

/// Reads until the client closes the connection.
async fn drain(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut nowhere = [0; 4_096];
    while stream.read(&mut nowhere).await? > 0 {}
    Ok(())
}

/// Sends `head`, and then `part` again and again until the client leaves.
async fn endlessly(
    stream: &mut TcpStream,
    head: &str,
    part: &str,
    pause: Duration,
) -> std::io::Result<()> {
    stream.write_all(head.as_bytes()).await?;
    loop {
        stream.write_all(part.as_bytes()).await?;
        tokio::time::sleep(pause).await;
    }
}

/// A redirect to the next of three pages.
fn redirect(path: &str) -> String {
    let next = match path {
        "/circle/1" => "/circle/2",
        "/circle/2" => "/circle/3",
        _ => "/circle/1",
    };
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {next}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_reads_back_from_its_name() {
        for mode in Mode::ALL {
            assert_eq!(mode.to_string().parse::<Mode>().unwrap(), mode);
        }
        let error = "sulk".parse::<Mode>().unwrap_err().to_string();
        assert!(error.contains("hang, reset"), "{error}");
    }
}
