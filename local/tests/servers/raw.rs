//! A server on a bare socket that keeps the head and body of each request byte for byte, and says which connection
//! they came on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const BODY: &str = r#"{"success": true}"#;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is answered, and the connection is kept.
    Kept,
    /// It is answered, and the connection is closed without a word about it.
    Closed,
    /// The connection is closed in place of an answer.
    Nothing,
    /// The connection is closed in the middle of the answer's head.
    Half,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// The connection's number, from 0 on.
    pub(crate) connection: usize,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A recorder that listens until it is dropped.
pub(crate) struct Raw {
    url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    connections: AtomicUsize,
    seen: Mutex<Vec<Recorded>>,
    answer: Box<dyn Fn(usize) -> Answer + Send + Sync>,
}

impl Raw {
    /// One that answers everything on connections that it keeps.
    pub(crate) async fn start() -> Self {
        Self::answering("127.0.0.1:0", |_| Answer::Kept).await
    }

    /// One that asks what becomes of the nth request of a connection, from 0 on.
    pub(crate) async fn answering(
        address: &str,
        answer: impl Fn(usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            connections: AtomicUsize::new(0),
            seen: Mutex::default(),
            answer: Box::new(answer),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move { converse(stream, &state).await });
            }
        });
        Self { url, state, task }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Everything that came so far.
    pub(crate) fn seen(&self) -> Vec<Recorded> {
        self.state.seen.lock().clone()
    }

    /// How many requests came so far.
    pub(crate) fn count(&self) -> usize {
        self.state.seen.lock().len()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Recorded {
    /// Method and path.
    pub(crate) fn line(&self) -> &str {
        let line = self.head.lines().next().unwrap_or_default();
        line.rsplit_once(' ').map_or(line, |(line, _)| line)
    }

    /// A header's value, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (this, value) = line.split_once(':')?;
            this.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The whole request, for people.
    pub(crate) fn text(&self) -> String {
        format!("{}\n\n{}", self.head, String::from_utf8_lossy(&self.body))
    }
}

async fn converse(mut stream: TcpStream, state: &State) {
    let connection = state.connections.fetch_add(1, Ordering::SeqCst);
    let mut read = Vec::new();
    for number in 0.. {
        let Some(request) = next(&mut stream, &mut read, connection).await else {
            return;
        };
        let has_body = !request.head.starts_with("HEAD ");
        state.seen.lock().push(request);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            BODY.len()
        );
        let answer = (state.answer)(number);
        let text = match answer {
            Answer::Nothing => return,
            Answer::Half => head[..20].to_owned(),
            _ if has_body => head + BODY,
            _ => head,
        };
        if stream.write_all(text.as_bytes()).await.is_err() || answer != Answer::Kept {
            return;
        }
    }
}

/// The next request of a connection; nothing when it ends.
async fn next(stream: &mut TcpStream, read: &mut Vec<u8>, connection: usize) -> Option<Recorded> {
    let end = loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        more(stream, read).await?;
    };
    let head = String::from_utf8_lossy(&read[..end]).replace("\r\n", "\n");
    read.drain(..end + 4);
    let mut request = Recorded {
        connection,
        head,
        body: Vec::new(),
    };
    let length = request.header("content-length");
    let length = length.map_or(0, |length| length.parse().unwrap());
    while read.len() < length {
        more(stream, read).await?;
    }
    request.body = read.drain(..length).collect();
    Some(request)
}

async fn more(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<()> {
    let count = stream.read_buf(read).await.ok()?;
    (count > 0).then_some(())
}
