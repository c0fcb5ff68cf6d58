//! A Cicada behind its real server, in real time, and clients that send what they like.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use traffic::ports::Store;
use web::serve::{Limits, Serving, serve};

use crate::cicada::Cicada;

/// However slow the machine is.
pub(crate) const LONG_ENOUGH: Duration = Duration::from_secs(120);

/// A server on a port of its own; ends when it is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    /// Serves a router within the usual limits.
    pub(crate) async fn plain(router: Router) -> Self {
        Self::start(Serving::plain(router)).await
    }

    /// The same within others.
    pub(crate) async fn within(limits: Limits, router: Router) -> Self {
        Self::start(Serving {
            limits,
            ..Serving::plain(router)
        })
        .await
    }

    pub(crate) async fn start(serving: Serving) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("some port is free");
        let address = listener.local_addr().expect("it is bound");
        let (end, ended) = oneshot::channel::<()>();
        let task = tokio::spawn(serve(listener, serving, async {
            let _ = ended.await;
        }));
        Self { address, end, task }
    }

    /// What is answered to a request, to which the end of its headers is added.
    pub(crate) async fn ask(&self, request: &str) -> Answer {
        let mut wire = Wire::to(self.address).await;
        wire.send(format!("{request}\r\nconnection: close\r\n\r\n"))
            .await;
        wire.answer().await.expect("there is an answer")
    }

    /// What is answered to a good request, which never has to wait long.
    pub(crate) async fn serves_well(&self, request: &str, usual: Duration) {
        for _ in 0..20 {
            let began = Instant::now();
            assert_eq!(self.ask(request).await.status, 200);
            let took = began.elapsed();
            // shorter than the server waits for any of those who keep it waiting
            let bound = 20 * usual + Duration::from_secs(9);
            assert!(took < bound, "{took:?}, where {usual:?} was usual");
        }
    }

    /// How long the slowest of some good requests takes while nobody else is there.
    pub(crate) async fn usual(&self, request: &str) -> Duration {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let began = Instant::now();
            assert_eq!(self.ask(request).await.status, 200);
            slowest = slowest.max(began.elapsed());
        }
        slowest
    }

    /// Ends it, and waits until it has ended.
    pub(crate) async fn end(self) {
        let _ = self.end.send(());
        let ended = timeout(LONG_ENOUGH, self.task).await;
        ended.expect("it ends").expect("it ends well");
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// A connection of somebody who does as he likes.
pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = timeout(LONG_ENOUGH, TcpStream::connect(address)).await;
        Self(stream.expect("there is room").expect("somebody listens"))
    }

    /// Sends bytes, as far as anybody takes them.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// The next answer, unless the connection is closed before.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        self.answer_within(LONG_ENOUGH).await
    }

    /// The same, of an answer that is late on purpose.
    pub(crate) async fn answer_within(&mut self, limit: Duration) -> Option<Answer> {
        timeout(limit, self.read_answer())
            .await
            .expect("it is answered, or closed")
    }

    async fn read_answer(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head)
            .expect("heads are text")
            .to_lowercase();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().expect("it is a number"));
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.ok()?;
        let body = String::from_utf8_lossy(&body).into_owned();
        Some(Answer { status, body })
    }

    /// Some bytes of what comes; none if nothing comes any more.
    pub(crate) async fn sip(&mut self, bytes: usize) -> usize {
        let mut buffer = vec![0; bytes];
        let read = timeout(LONG_ENOUGH, self.0.read(&mut buffer)).await;
        read.expect("something comes, or it is closed").unwrap_or(0)
    }

    /// How many bytes come until the connection is closed, which it is within some time.
    pub(crate) async fn rest(&mut self) -> usize {
        let mut total = 0;
        loop {
            match self.sip(64 * 1024).await {
                0 => return total,
                some => total += some,
            }
        }
    }

    /// Whether it has been closed already.
    pub(crate) fn is_closed(&self) -> bool {
        let mut byte = [0];
        match self.0.try_read(&mut byte) {
            Ok(read) => read == 0,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

/// Everything that an intruder could want to change.
pub(crate) async fn possessions<S: Store>(cicada: &Cicada<S>) -> impl Debug + PartialEq + use<S> {
    let run = cicada.store.latest_run().await.expect("the store answers");
    let workload = cicada.store.chosen_workload().await;
    let schedules = cicada.control.schedules().await;
    let schedules = schedules.expect("they can be read");
    (run, workload.expect("the store answers"), schedules)
}
