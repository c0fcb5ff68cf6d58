//! The client at listeners that see every connection and every byte, and answer as each test says.

use parking_lot::Mutex;

use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

mod connections;
mod decoded;
mod heads;
mod hops;
mod proxied;
mod streamed;
mod warm;
mod words;

pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A request as it came: on which connection, which of that connection's, and its bytes.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) connection: usize,
    pub(super) number: usize,
    pub(super) head: String,
    pub(super) body: String,
}

impl Got {
    /// Method and target.
    pub(super) fn line(&self) -> &str {
        let line = self.head.lines().next().unwrap();
        line.strip_suffix(" HTTP/1.1").unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            (known == name).then_some(value)
        })
    }
}

/// What a listener does with a request.
pub(super) enum Does {
    /// Answers, and waits for another one.
    Answers(String),
    /// Answers and closes.
    Closes(String),
    /// Ends the connection by a reset.
    Resets,
    /// Says nothing any more.
    Hangs,
}

pub(super) use Does::{Answers, Closes, Hangs, Resets};

pub(super) fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(super) fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\nelse")
}

/// A target of HTTP/1.1.
pub(super) struct Target {
    pub(super) port: u16,
    got: Arc<Mutex<Vec<Got>>>,
    /// How many connections were accepted, and how many of them have ended.
    counts: tokio::sync::watch::Receiver<(usize, usize)>,
}

impl Target {
    pub(super) async fn new(does: impl Fn(&Got) -> Does + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", does).await
    }

    pub(super) async fn at(
        address: &str,
        does: impl Fn(&Got) -> Does + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let (count, counts) = tokio::sync::watch::channel((0, 0));
        let (noted, does) = (Arc::clone(&got), Arc::new(does));
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                count.send_modify(|(accepted, _)| *accepted += 1);
                let (noted, does, count) = (Arc::clone(&noted), Arc::clone(&does), count.clone());
                tokio::spawn(async move {
                    converse(stream, connection, &noted, &*does).await;
                    count.send_modify(|(_, ended)| *ended += 1);
                });
            }
        });
        Self { port, got, counts }
    }

    pub(super) async fn ok() -> Self {
        Self::new(|_| Answers(ok("here"))).await
    }

    pub(super) fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.port)
            .parse()
            .unwrap()
    }

    pub(super) fn got(&self) -> Vec<Got> {
        self.got.lock().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.counts.borrow().0
    }

    /// Waits until so many connections have ended.
    pub(super) async fn ended(&self, number: usize) {
        let mut counts = self.counts.clone();
        let ended = counts.wait_for(|(_, ended)| *ended >= number);
        tokio::time::timeout(PATIENCE, ended)
            .await
            .unwrap()
            .unwrap();
    }
}

async fn converse(
    mut stream: tokio::net::TcpStream,
    connection: usize,
    noted: &Mutex<Vec<Got>>,
    does: &(dyn Fn(&Got) -> Does + Send + Sync),
) {
    for number in 0.. {
        let Some((head, body)) = request_of(&mut stream).await else {
            return;
        };
        let got = Got {
            connection,
            number,
            head,
            body,
        };
        let does = does(&got);
        noted.lock().push(got);
        match does {
            Answers(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            Closes(answer) => {
                let _ = stream.write_all(answer.as_bytes()).await;
                return;
            }
            Resets => {
                socket2::SockRef::from(&stream)
                    .set_linger(Some(Duration::ZERO))
                    .unwrap();
                return;
            }
            Hangs => std::future::pending().await,
        }
    }
}

/// Head and body of the next request.
pub(super) async fn request_of(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

pub(super) fn http() -> Http {
    with(HttpSettings::default())
}

pub(super) fn with(settings: HttpSettings) -> Http {
    Http::new(Clock::system(), settings).unwrap()
}

pub(super) fn request(method: Method, url: Url) -> Request {
    let mut request = Request::new(method, url);
    *request.timeout_mut() = Some(PATIENCE);
    request
}

/// What a request with a body and headers is sent as.
pub(super) fn full(
    method: &str,
    url: Url,
    headers: &[(&'static str, &str)],
    body: Option<&str>,
) -> Request {
    let mut request = request(method.parse().unwrap(), url);
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().append(*name, value);
    }
    *request.body_mut() = body.map(|body| body.to_owned().into());
    request
}

pub(super) fn of_user(user: u32) -> RequestContext {
    RequestContext {
        user: (1, user),
        keep_body: true,
        ..RequestContext::default()
    }
}

pub(super) async fn get(http: &Http, url: Url, context: &RequestContext) -> Result<Reply, String> {
    http.send(request(Method::GET, url), context).await
}
