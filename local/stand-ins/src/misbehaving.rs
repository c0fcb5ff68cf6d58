//! A server that breaks HTTP on purpose, in one way at a time, for tests of clients.
//!
//! Raw TCP: it reads a request's head and then does what its mode says, at little cost however long a
//! client bears it. The modes are data.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::data::{End, Mode};
use crate::server::{Running, TargetsError, listen};

/// A reset overtakes the bytes that the client has not read yet: the pause before one.
const PAUSE_BEFORE_RESET: Duration = Duration::from_millis(50);

/// A misbehaving server, running until it is shut down or dropped.
#[derive(Debug)]
pub struct Misbehaving {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
    running: Running,
}

impl Misbehaving {
    /// Starts one on a free port of this machine.
    pub async fn start(mode: &'static Mode) -> Result<Self, TargetsError> {
        Self::start_on(mode, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts one on `address`; it accepts connections when this returns.
    pub async fn start_on(mode: &'static Mode, address: SocketAddr) -> Result<Self, TargetsError> {
        let (listener, address) = listen("misbehaving", address)?;
        let requests = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&requests);
        let running = Running::start_raw(listener, move |stream| {
            let count = Arc::clone(&count);
            async move {
                // a client that leaves is the rule here
                let _ = misbehave(stream, mode, &count).await;
            }
        });
        Ok(Self {
            address,
            requests,
            running,
        })
    }

    /// Its URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of heads of requests that it has read.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Closes every connection and stops.
    pub async fn shutdown(self) {
        self.running.shutdown().await;
    }
}

async fn misbehave(mut stream: TcpStream, mode: &Mode, count: &AtomicU64) -> std::io::Result<()> {
    let path = read_head(&mut stream).await?;
    count.fetch_add(1, Ordering::Relaxed);
    let next = match path.as_str() {
        "/circle/1" => "/circle/2",
        "/circle/2" => "/circle/3",
        _ => "/circle/1",
    };
    let answer = repeated(&mode.send).replace("{next}", next);
    stream.write_all(answer.as_bytes()).await?;
    let again = repeated(&mode.again);
    while !again.is_empty() {
        stream.write_all(again.as_bytes()).await?;
        tokio::time::sleep(Duration::from_millis(mode.pause_ms)).await;
    }
    match mode.end {
        End::Hang => {}
        End::Close => stream.shutdown().await?,
        End::Reset if answer.is_empty() => return stream.set_zero_linger(),
        End::Reset => {
            tokio::time::sleep(PAUSE_BEFORE_RESET).await;
            return stream.set_zero_linger();
        }
    }
    // closing with the request's body unread would reset the connection
    let mut nowhere = [0; 4_096];
    while stream.read(&mut nowhere).await? > 0 {}
    Ok(())
}

fn repeated(texts: &[(String, usize)]) -> String {
    texts
        .iter()
        .map(|(text, times)| text.repeat(*times))
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_found_by_its_name() {
        for mode in Mode::all() {
            assert_eq!(Mode::find(mode.name()).unwrap().name(), mode.name());
        }
        assert!(Mode::find("sulk").is_none());
        assert!(Mode::names().starts_with("hang, reset"));
    }

    #[test]
    fn sizes_are_as_they_are_described() {
        let size = |name: &str| repeated(&Mode::find(name).unwrap().again).len();
        assert_eq!(size("endless-body"), 6 + 0x4000 + 2);
        assert_eq!(size("endless-headers"), 64 * (8 + 50 + 2));
    }
}
