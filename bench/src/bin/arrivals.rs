//! A server that answers at once and writes down when which user's request arrived.
//!
//! It speaks the HTTP/1.1 that load generators send, on one thread: whoever pins it to a core gives it
//! the whole of one. A request's user is its `X-Cicada-User` header; requests without one are
//! counted, not timed. The questions about what it saw are under `/arrivals/`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use anyhow::Context;
use clap::Parser;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// Records arrivals per user.
#[derive(Parser)]
struct Options {
    /// The port to listen on, on the loopback interface; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many arrivals to keep; what exceeds it is counted only.
    #[arg(long, default_value_t = 5_000_000)]
    capacity: usize,
}

/// What arrived since the last reset.
struct Log {
    started: Instant,
    capacity: usize,
    requests: u64,
    users: HashMap<Box<[u8]>, u32>,
    /// The user's number and the microseconds since `started`, in order of arrival.
    arrivals: Vec<(u32, u64)>,
}

impl Log {
    fn new(capacity: usize) -> Self {
        Self {
            started: Instant::now(),
            capacity,
            requests: 0,
            users: HashMap::new(),
            arrivals: Vec::with_capacity(capacity),
        }
    }

    fn reset(&mut self) {
        self.requests = 0;
        self.users.clear();
        self.arrivals.clear();
    }

    fn note(&mut self, user: Option<&[u8]>, now: Instant) {
        self.requests += 1;
        let Some(user) = user else { return };
        if self.arrivals.len() == self.capacity {
            return;
        }
        let next = self.users.len() as u32;
        let index = match self.users.get(user) {
            Some(&index) => index,
            None => *self.users.entry(user.into()).or_insert(next),
        };
        self.arrivals
            .push((index, (now - self.started).as_micros() as u64));
    }

    /// How far each user's intervals are from the pacing, leaving out each user's first `skip`.
    fn errors_us(&self, pacing_us: u64, skip: usize) -> Vec<u64> {
        let mut last: Vec<Option<(u64, usize)>> = vec![None; self.users.len()];
        let mut errors = Vec::with_capacity(self.arrivals.len());
        for &(user, at) in &self.arrivals {
            let seen = &mut last[user as usize];
            let passed = match *seen {
                Some((before, passed)) => {
                    if passed >= skip {
                        errors.push((at - before).abs_diff(pacing_us));
                    }
                    passed + 1
                }
                None => 0,
            };
            *seen = Some((at, passed));
        }
        errors.sort_unstable();
        errors
    }

    fn report(&self, pacing_us: u64, skip: usize) -> serde_json::Value {
        let errors = self.errors_us(pacing_us, skip);
        json!({
            "requests": self.requests,
            "recorded": self.arrivals.len(),
            "users": self.users.len(),
            "intervals": errors.len(),
            "median_ms": quantile_ms(&errors, 0.5),
            "p99_ms": quantile_ms(&errors, 0.99),
            "max_ms": quantile_ms(&errors, 1.0),
        })
    }
}

/// The nearest-rank quantile of sorted microseconds, in milliseconds; none of nothing.
fn quantile_ms(sorted_us: &[u64], quantile: f64) -> Option<f64> {
    let rank = (quantile * sorted_us.len() as f64).ceil() as usize;
    sorted_us.get(rank.max(1) - 1).map(|&us| us as f64 / 1000.0)
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    tokio::task::LocalSet::new().block_on(&runtime, serve(options))
}

/// Accepts connections until the process is ended.
async fn serve(options: Options) -> anyhow::Result<()> {
    let log = Rc::new(RefCell::new(Log::new(options.capacity)));
    let listener = TcpListener::bind(("127.0.0.1", options.port))
        .await
        .with_context(|| format!("could not listen on 127.0.0.1:{}", options.port))?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener
            .accept()
            .await
            .context("could not accept a connection")?;
        let log = Rc::clone(&log);
        tokio::task::spawn_local(async move {
            if let Err(error) = converse(stream, &log).await {
                eprintln!("{peer}: {error:#}");
            }
        });
    }
}

/// Answers one connection's requests, several at a time when they come so.
async fn converse(mut stream: TcpStream, log: &RefCell<Log>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = Vec::with_capacity(16 * 1024);
    let mut output = Vec::with_capacity(16 * 1024);
    loop {
        let read = match stream.read_buf(&mut input).await {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            // a generator that is ended closes its connections as it likes
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error).context("could not read"),
        };
        debug_assert!(read > 0);
        let now = Instant::now();
        let mut taken = 0;
        while let Some(request) = Request::parse(&input[taken..])? {
            answer(&request, log, now, &mut output);
            taken += request.length;
        }
        input.drain(..taken);
        if stream.write_all(&output).await.is_err() {
            return Ok(());
        }
        output.clear();
    }
}

/// Writes down one request, or answers a question about those written down.
fn answer(request: &Request<'_>, log: &RefCell<Log>, now: Instant, output: &mut Vec<u8>) {
    let target = String::from_utf8_lossy(request.target);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let body = match path {
        "/arrivals/report" => {
            let pacing_ms: f64 = parameter(query, "pacing_ms").unwrap_or(1000.0);
            let skip = parameter(query, "skip").unwrap_or(0);
            log.borrow()
                .report((pacing_ms * 1000.0) as u64, skip)
                .to_string()
        }
        "/arrivals/count" => json!({ "requests": log.borrow().requests }).to_string(),
        "/arrivals/reset" => {
            log.borrow_mut().reset();
            json!({ "requests": 0 }).to_string()
        }
        _ => {
            log.borrow_mut().note(request.user, now);
            output.extend_from_slice(PLAIN);
            return;
        }
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    output.extend_from_slice(head.as_bytes());
    output.extend_from_slice(body.as_bytes());
}

/// The one answer to everything that is timed: what every task of the default mix calls a success.
const PLAIN: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{\"success\":true}";

/// The named parameter of a query, where it is given and of that type.
fn parameter<T: std::str::FromStr>(query: &str, name: &str) -> Option<T> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| value.parse().ok())
}

/// What the server looks at of a request that has come in whole.
struct Request<'a> {
    target: &'a [u8],
    user: Option<&'a [u8]>,
    /// Head and body, in bytes.
    length: usize,
}

impl<'a> Request<'a> {
    /// The first request of what has been read; none when more must come first.
    fn parse(input: &'a [u8]) -> anyhow::Result<Option<Self>> {
        let Some(head) = input.windows(4).position(|four| four == b"\r\n\r\n") else {
            anyhow::ensure!(input.len() <= 64 * 1024, "a head of more than 64 KiB");
            return Ok(None);
        };
        let mut lines = input[..head].split(|&byte| byte == b'\n');
        let first = lines.next().unwrap_or_default();
        let target = first
            .split(|&byte| byte == b' ')
            .nth(1)
            .context("no request line")?;
        let mut request = Self {
            target,
            user: None,
            length: head + 4,
        };
        for line in lines {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else {
                continue;
            };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"x-cicada-user") {
                request.user = Some(value);
            } else if name.eq_ignore_ascii_case(b"content-length") {
                let digits = std::str::from_utf8(value)?;
                request.length += digits.parse::<usize>().context("a bad content-length")?;
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                anyhow::bail!("chunked requests are not understood here");
            }
        }
        Ok((request.length <= input.len()).then_some(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(arrivals: &[(&str, u64)]) -> Log {
        let mut log = Log::new(100);
        let started = log.started;
        for (user, at) in arrivals {
            log.note(
                Some(user.as_bytes()),
                started + std::time::Duration::from_micros(*at),
            );
        }
        log
    }

    #[test]
    fn errors_are_those_of_each_users_own_intervals() {
        let log = log(&[
            ("a", 0),
            ("b", 500),
            ("a", 1_010),
            ("b", 1_480),
            ("a", 2_010),
        ]);
        assert_eq!(log.errors_us(1_000, 0), [0, 10, 20]);
        assert_eq!(log.errors_us(1_000, 1), [0]);
    }

    #[test]
    fn a_request_is_taken_when_its_body_has_come() {
        let whole =
            b"POST /chat?x=1 HTTP/1.1\r\nContent-Length: 4\r\nX-CICADA-USER: u-7\r\n\r\nbodyGET";
        for cut in 0..whole.len() - 3 {
            assert!(
                Request::parse(&whole[..cut])
                    .expect("no mistake in it")
                    .is_none(),
                "{cut}"
            );
        }
        let request = Request::parse(whole)
            .expect("no mistake in it")
            .expect("it is whole");
        assert_eq!(request.target, b"/chat?x=1");
        assert_eq!(request.user, Some(&b"u-7"[..]));
        assert_eq!(request.length, whole.len() - 3);
    }

    #[test]
    fn quantiles_are_ranks_of_what_was_seen() {
        assert_eq!(quantile_ms(&[], 0.5), None);
        assert_eq!(quantile_ms(&[1_000], 0.99), Some(1.0));
        let hundred: Vec<u64> = (1..=100).map(|ms| ms * 1000).collect();
        assert_eq!(quantile_ms(&hundred, 0.5), Some(50.0));
        assert_eq!(quantile_ms(&hundred, 0.99), Some(99.0));
    }
}
