//! A target whose every answer is HTTP with something wrong in it, at random.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use traffic::random::Draws;

use super::*;

/// Texts that a client may have for whatever a server writes, but for those that quote its status.
const MOST_TEXTS: usize = 12;

const ANSWERS: [&str; 4] = [
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-end: 1\r\n\r\n",
    "HTTP/1.1 302 Found\r\nlocation: ?again\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200\r\nconnection: keep-alive\r\n\r\nhello",
];

/// A number that `make soak` sets.
fn number(name: &str, usual: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(usual, |value| value.parse().unwrap())
}

/// One of the answers after a few accidents.
fn mutated(seed: u64, number: u64) -> Vec<u8> {
    let mut draws = Draws::new(seed, "babble", 0, number);
    let mut bytes = ANSWERS[draws.below(ANSWERS.len() as u64) as usize]
        .as_bytes()
        .to_vec();
    for _ in 0..draws.below(4) {
        let at = draws.below(bytes.len() as u64) as usize;
        match draws.below(4) {
            0 => bytes[at] = draws.below(256) as u8,
            1 => bytes.truncate(at + 1),
            2 => bytes.insert(at, b"\r\n :;\x000\xff"[draws.below(8) as usize]),
            _ => drop(bytes.remove(at)),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// Answers request after request until something is wrong with one; the connection is closed then.
async fn babble(mut stream: TcpStream, seed: u64, numbers: &AtomicU64) {
    let mut head = Vec::new();
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await.unwrap_or_default() == 0 {
                return;
            }
        }
        head.clear();
        let answer = mutated(seed, number);
        let is_whole = ANSWERS[..3].iter().any(|whole| whole.as_bytes() == answer);
        if stream.write_all(&answer).await.is_err() || !is_whole {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_target_writes_is_a_result_that_groups() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let numbers = Arc::new(AtomicU64::new(0));
    let seed = number("CICADA_FUZZ_SEED", 20);
    let seconds = number("CICADA_FUZZ_SECONDS", 3);
    let babbler = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let numbers = Arc::clone(&numbers);
            tokio::spawn(async move { babble(stream, seed, &numbers).await });
        }
    });
    let mut classes = Classes::default();
    classes.add("babble", &format!("http://{address}"), 50, 0.05, "");
    let folder = tempfile::tempdir().unwrap();
    let cicada = Cicada::new()
        .file(classes.write(folder.path()))
        .serve()
        .await;
    cicada
        .swarm(&format!("user_count=50&spawn_rate=1000&run_time={seconds}"))
        .await;
    let limit = LIMIT + Duration::from_secs(seconds);
    cicada.until_stopped(limit).await;
    let ledger = cicada.until_settled(LIMIT).await;
    babbler.abort();

    assert_adds_up(&ledger);
    assert_eq!(ledger["missing"], 0, "{ledger:#}");
    let statistics = cicada.get("/stats/requests").await;
    assert_eq!(ledger["recorded"], rows(&statistics)["babble"].0);
    let texts: BTreeSet<String> = texts(&statistics).into_values().flatten().collect();
    let (_, rest): (Vec<_>, Vec<_>) = texts
        .iter()
        .partition(|text| text.starts_with("expected status "));
    assert!((3..=MOST_TEXTS).contains(&rest.len()), "{rest:#?}");
    let port = address.port().to_string();
    assert!(rest.iter().all(|text| !text.contains(&port)), "{rest:#?}");
    assert!(!cicada.log().contains("panicked"), "{}", cicada.log());
    stays_small(&cicada);
}
