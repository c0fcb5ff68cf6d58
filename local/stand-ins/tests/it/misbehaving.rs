//! Servers that break HTTP on purpose, seen by a client that does not.

use std::time::Duration;

use serde_json::Value;
use stand_ins::{Misbehaving, Mode};

use crate::harness::client;

/// However slow the machine is.
const PATIENT: Duration = Duration::from_secs(120);

/// The outcome of a request to a server that misbehaves, read to its end, and the requests that it got.
async fn misbehaved(mode: &str, patience: Duration) -> (Result<Vec<u8>, reqwest::Error>, u64) {
    let mode = Mode::find(mode).expect("a mode");
    let server = Misbehaving::start(mode).await.expect("a free port");
    let request = client().get(server.url()).timeout(patience);
    let answer = match request.send().await {
        Ok(response) => response.bytes().await.map(|body| body.to_vec()),
        Err(error) => Err(error),
    };
    let requests = server.requests();
    server.shutdown().await;
    (answer, requests)
}

#[tokio::test]
async fn servers_that_never_end_leave_the_client_waiting() {
    for mode in ["hang", "endless-body", "drip"] {
        let (answer, requests) = misbehaved(mode, Duration::from_millis(700)).await;
        assert!(answer.unwrap_err().is_timeout(), "{mode}");
        // on a machine that is busy it may not even have arrived
        assert!(requests <= 1, "{mode}");
    }
}

#[tokio::test]
async fn servers_that_break_http_are_errors_to_a_client() {
    for mode in [
        "reset",
        "close",
        "garbage",
        "endless-headers",
        "truncated",
        "reset-in-body",
        "bad-length",
        "bad-chunk",
    ] {
        let (answer, requests) = misbehaved(mode, PATIENT).await;
        let error = answer.expect_err(mode);
        assert!(!error.is_timeout(), "{mode}: {error:?}");
        assert!(requests >= 1, "{mode}");
    }
}

#[tokio::test]
async fn a_circle_of_redirects_goes_on_until_the_client_has_had_enough() {
    let (answer, requests) = misbehaved("redirect-circle", PATIENT).await;
    assert!(answer.unwrap_err().is_redirect());
    assert_eq!(requests, 11, "the first and ten more");
}

#[tokio::test]
async fn servers_that_lie_about_their_body_send_what_they_say() {
    let (answer, _) = misbehaved("too-long", PATIENT).await;
    assert_eq!(
        answer.unwrap(),
        b"xxxxx",
        "the rest is no part of the answer"
    );
    let (answer, _) = misbehaved("bad-json", PATIENT).await;
    assert!(serde_json::from_slice::<Value>(&answer.unwrap()).is_err());
    let (answer, _) = misbehaved("bad-gzip", PATIENT).await;
    // this client does not decompress, and so sees the lie
    assert_eq!(answer.unwrap(), b"this is plain text, no");
}
