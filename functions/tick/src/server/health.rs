//! Whether a process that looks for ticks is well, and the port of this machine on which it says so.
//!
//! Whoever connects is told in one line and let go: `ok`, or what is wrong.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use traffic::clock::{Clock, Timestamp};

/// A process that has not looked for ticks for this long is not well.
const LOOKS_WITHIN: Duration = Duration::from_secs(10);

/// A failure counts for this long: the next one may take as long as a call to the store.
const COUNTS_FOR: Duration = Duration::from_secs(6);

/// Nobody is accepted for this long after an error in accepting.
const PAUSE: Duration = Duration::from_millis(100);

/// A process that has not answered by then is not well.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 4_096;

const WELL: &str = "ok";

/// What a process has noted of itself.
#[derive(Debug)]
pub(super) struct Noted {
    /// The latest instant at which the runs could be read.
    began: Mutex<Timestamp>,
    failure: Mutex<Option<(Timestamp, String)>>,
}

impl Noted {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            began: Mutex::new(now),
            failure: Mutex::default(),
        }
    }

    pub(super) fn began(&self, now: Timestamp) {
        *self.began.lock() = now;
    }

    pub(super) fn failed(&self, now: Timestamp, said: String) {
        *self.failure.lock() = Some((now, said));
    }
}

/// Whether a process that looks for ticks is well.
pub struct Health {
    noted: Arc<Noted>,
    clock: Clock,
    /// Why results cannot be written, if they cannot.
    writes: Box<dyn Fn() -> Option<String> + Send + Sync>,
}

impl Health {
    pub(super) fn new(
        noted: Arc<Noted>,
        clock: Clock,
        writes: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            noted,
            clock,
            writes: Box::new(writes),
        }
    }

    /// What is wrong, if anything is: the runs cannot be read, ticks are not executed, or results not written.
    pub fn trouble(&self) -> Option<String> {
        let now = self.clock.now();
        let failure = self.noted.failure.lock().clone();
        let failure = failure.filter(|(at, _)| now.since(*at) < COUNTS_FOR);
        if let Some((_, said)) = failure {
            return Some(said);
        }
        let silent = now.since(*self.noted.began.lock());
        if silent > LOOKS_WITHIN {
            let seconds = silent.as_secs();
            return Some(format!("the runs were not read for {seconds} s"));
        }
        (self.writes)().map(|reason| format!("results cannot be written: {reason}"))
    }
}

/// Tells whoever connects whether the process is well, for as long as it is polled.
pub async fn answer(listener: TcpListener, health: Health) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let said = health.trouble().unwrap_or_else(|| WELL.to_owned());
        // whoever has asked may have gone
        let _ = stream.write_all(format!("{said}\n").as_bytes()).await;
    }
}

/// Asks the process that answers on a port of this machine.
///
/// # Errors
/// When it is not well, or does not answer within three seconds.
pub async fn ask(port: u16) -> anyhow::Result<()> {
    let said = async {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let mut said = String::new();
        stream.take(LONGEST).read_to_string(&mut said).await?;
        std::io::Result::Ok(said)
    };
    let said = tokio::time::timeout(ANSWERS_WITHIN, said).await;
    let said = said.with_context(|| format!("nobody answers on port {port}"))?;
    let said = said.with_context(|| format!("port {port} cannot be asked"))?;
    match said.trim() {
        WELL => Ok(()),
        wrong => Err(anyhow::anyhow!("{wrong}")),
    }
}
