//! Requests that pretend to be something else, as bytes on a connection: none gets past the door.

use axum::body::Body;
use axum::http::Request;
use control::ControlSettings;
use proptest::prelude::*;
use testing::MemoryStore;
use traffic::clock::Clock;
use web::api::Door;

use crate::cicada::{Cicada, epoch, workload};
use crate::served::{Served, Wire, possessions};

/// `demo:secret` in base 64.
const RIGHT: &str = "authorization: Basic ZGVtbzpzZWNyZXQ=";

/// What comes after a request line and host to start users.
const SWARM: &str = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 25\r\n\r\n\
                     user_count=7&spawn_rate=7";

/// Headers that some proxies or frameworks believe.
const BELIEVED: [&str; 22] = [
    "x-forwarded-for: 127.0.0.1",
    "x-forwarded-host: localhost",
    "x-forwarded-user: demo",
    "x-forwarded-proto: https",
    "forwarded: for=127.0.0.1;host=localhost;by=127.0.0.1",
    "x-real-ip: 127.0.0.1",
    "x-original-url: /health",
    "x-rewrite-url: /health",
    "x-original-method: GET",
    "x-http-method-override: GET",
    "x-method-override: GET",
    "x-remote-user: demo",
    "remote-user: demo",
    "x-authenticated-user: demo",
    "x-trusted: true",
    "trusted: true",
    "visitor: 127.0.0.1",
    "x-amzn-request-context: {\"apiId\":\"schedule\"}",
    "x-apigateway-event: {\"requestContext\":{\"apiId\":\"cicada-schedule\"}}",
    "proxy-authorization: Basic ZGVtbzpzZWNyZXQ=",
    "cookie: authorization=Basic ZGVtbzpzZWNyZXQ=; session=demo",
    "sec-fetch-site: same-origin",
];

/// Request lines that somebody could take for `/health`, or for another method.
const LINES: [&str; 31] = [
    "POST /health/../swarm HTTP/1.1",
    "POST /health/..;/swarm HTTP/1.1",
    "POST /health/%2e%2e/swarm HTTP/1.1",
    "POST /health%2f..%2fswarm HTTP/1.1",
    "POST /health/..%2fswarm HTTP/1.1",
    "POST /health%5c..%5cswarm HTTP/1.1",
    "POST /health\\..\\swarm HTTP/1.1",
    "POST /./swarm HTTP/1.1",
    "POST //swarm HTTP/1.1",
    "POST /swarm/ HTTP/1.1",
    "POST /swarm/. HTTP/1.1",
    "POST /swarm;/health HTTP/1.1",
    "POST /swarm?/health HTTP/1.1",
    "POST /swarm#/health HTTP/1.1",
    "POST /%73warm HTTP/1.1",
    "POST /swarm%00/health HTTP/1.1",
    "POST /health%00/../swarm HTTP/1.1",
    "POST /swarm\0/health HTTP/1.1",
    "POST /SWARM HTTP/1.1",
    "POST /swarm HTTP/1.0",
    "POST /swarm HTTP/0.9",
    "POST /swarm HTTP/2.0",
    "POST http://x/swarm HTTP/1.1",
    "POST http://x/health/../swarm HTTP/1.1",
    "POST http://demo:secret@x/swarm HTTP/1.1",
    "POST swarm HTTP/1.1",
    "POST * HTTP/1.1",
    "OPTIONS /swarm HTTP/1.1",
    "TRACE /swarm HTTP/1.1",
    "CONNECT x:8089 HTTP/1.1",
    "post /swarm HTTP/1.1",
];

async fn locked() -> (Cicada, Served) {
    let door = Door::with_basic_auth("demo:secret").expect("it is a password");
    let clock = Clock::following_tokio(epoch());
    let cicada = Cicada::<MemoryStore>::behind(
        door,
        crate::cicada::shared_store(),
        ControlSettings::new(workload()),
        clock,
    );
    let served = Served::plain(cicada.router.clone()).await;
    (cicada, served)
}

/// Everything that is answered to some bytes, until the connection is closed or nothing follows.
async fn statuses(served: &Served, bytes: &str) -> Vec<u16> {
    let mut wire = Wire::to(served.address).await;
    wire.send(bytes).await;
    // whatever came before, this is the last request; what is left of it may be lost with the connection
    wire.send("\r\n\r\nGET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    let mut statuses = Vec::new();
    while let Some(answer) = wire.answer().await {
        statuses.push(answer.status);
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_stands_in_for_the_password() {
    let (cicada, served) = locked().await;
    let before = possessions(&cicada).await;
    let all = BELIEVED.join("\r\n");
    for headers in BELIEVED.into_iter().chain([all.as_str()]) {
        for line in ["POST /swarm HTTP/1.1", "GET /stats/requests HTTP/1.1"] {
            let request = format!("{line}\r\nhost: x\r\n{headers}\r\n{SWARM}");
            let first = statuses(&served, &request).await[0];
            assert_eq!(first, 401, "{line} {headers}");
        }
    }
    assert_eq!(possessions(&cicada).await, before);
    let request = format!("POST /swarm HTTP/1.1\r\nhost: x\r\n{RIGHT}\r\n{SWARM}");
    assert_eq!(statuses(&served, &request).await[0], 200);
    assert!(!cicada.store_is_empty().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_around_the_door() {
    let (cicada, served) = locked().await;
    let before = possessions(&cicada).await;
    for line in LINES {
        let request = format!("{line}\r\nhost: x\r\n{SWARM}");
        let statuses = statuses(&served, &request).await;
        let first = statuses.first().copied().unwrap_or_default();
        // refused by the door, or no request at all
        assert!(
            matches!(first, 0 | 400 | 401 | 505),
            "{line:?}: {statuses:?}"
        );
    }
    assert_eq!(possessions(&cicada).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_in_a_body_is_no_request() {
    let (cicada, served) = locked().await;
    let before = possessions(&cicada).await;
    let hidden = format!("POST /swarm HTTP/1.1\r\nhost: x\r\n{RIGHT}\r\n{SWARM}");
    let long = hidden.len();
    let open = "POST /health HTTP/1.1\r\nhost: x";
    let chunk = format!("{long:x}\r\n{hidden}\r\n0\r\n\r\n");
    let last = format!("0\r\n\r\n{hidden}");
    // an intruder has no password: what is hidden has it, to show that it is not read at all
    for (request, expected) in [
        // the length that one proxy believes, and the chunks that another does
        (
            format!(
                "{open}\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n{last}",
                last.len()
            ),
            405,
        ),
        (
            format!(
                "{open}\r\ntransfer-encoding: chunked\r\ncontent-length: {}\r\n\r\n{last}",
                last.len()
            ),
            405,
        ),
        (
            format!("{open}\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n{chunk}"),
            405,
        ),
        (
            format!("{open}\r\ncontent-length: {long}\r\ncontent-length: 0\r\n\r\n{hidden}"),
            400,
        ),
        (
            format!("{open}\r\ncontent-length: {long}, 0\r\n\r\n{hidden}"),
            400,
        ),
        (
            format!("{open}\r\ncontent-length: +{long}\r\n\r\n{hidden}"),
            400,
        ),
        (format!("{open}\r\ncontent-length: -1\r\n\r\n{hidden}"), 400),
        (
            format!("{open}\r\ntransfer-encoding: chunked, identity\r\n\r\n{last}"),
            400,
        ),
        (
            format!("{open}\r\ntransfer-encoding: xchunked\r\n\r\n{last}"),
            400,
        ),
        (
            format!("{open}\r\ntransfer-encoding : chunked\r\n\r\n{last}"),
            400,
        ),
        (
            format!("{open}\r\n transfer-encoding: chunked\r\n\r\n{last}"),
            400,
        ),
    ] {
        let mut wire = Wire::to(served.address).await;
        wire.send(&request).await;
        let answer = wire.answer().await;
        let shown: String = request.chars().take(150).collect();
        assert_eq!(
            answer.map(|answer| answer.status),
            Some(expected),
            "{shown}"
        );
        assert_eq!(
            wire.rest().await,
            0,
            "nothing is answered after it: {shown}"
        );
        assert_eq!(possessions(&cicada).await, before, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_behind_a_body_that_others_may_see_end_elsewhere() {
    let (_cicada, served) = locked().await;
    let next = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let swarm = format!("POST /swarm HTTP/1.1\r\nhost: x\r\n{RIGHT}");
    for (body, answers) in [
        (format!("content-length: 1\r\n\r\nx{next}"), 2),
        (
            format!("transfer-encoding: chunked\r\n\r\n0\r\n\r\n{next}"),
            1,
        ),
        (
            format!("transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n{next}"),
            1,
        ),
    ] {
        let mut wire = Wire::to(served.address).await;
        wire.send(format!("{swarm}\r\n{body}")).await;
        for _ in 0..answers {
            assert_eq!(wire.answer().await.unwrap().status, 200, "{body}");
        }
        if answers == 1 {
            assert_eq!(wire.rest().await, 0, "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_meant_for_one_host() {
    let cicada = Cicada::new();
    let before = possessions(&cicada).await;
    let served = Served::plain(cicada.router.clone()).await;
    let post = "POST /swarm HTTP/1.1";
    for request in [
        format!("{post}\r\nhost: localhost\r\nhost: evil.example\r\n{SWARM}"),
        format!("{post}\r\nhost: evil.example\r\nhost: localhost\r\n{SWARM}"),
        format!("{post}\r\nhost: localhost\r\nhost: localhost\r\n{SWARM}"),
        format!("{post}\r\n{SWARM}"),
    ] {
        assert_eq!(statuses(&served, &request).await[0], 400, "{request}");
    }
    // the request line is believed before the header is
    let request = format!("POST http://evil.example/swarm HTTP/1.1\r\nhost: localhost\r\n{SWARM}");
    assert_eq!(statuses(&served, &request).await[0], 403);
    assert_eq!(possessions(&cicada).await, before);
    // the old protocol knows no host
    let request = format!("POST /swarm HTTP/1.0\r\n{SWARM}");
    assert_eq!(statuses(&served, &request).await[0], 200);
}

/// What paths, and what looks like one, are made of.
const PARTS: [&str; 20] = [
    "/",
    "//",
    "/.",
    "/..",
    ".",
    "%2f",
    "%2e",
    "%00",
    "%ff",
    ";",
    "?",
    "#",
    "\\",
    "%5c",
    "health",
    "HEALTH",
    "stop",
    "swarm",
    "stats/reset",
    "stats/requests",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_asked_for_without_the_password_is_refused(
        method in prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEALTH"]),
        parts in prop::collection::vec(prop::sample::select(PARTS.to_vec()), 1..8),
        headers in prop::collection::vec(prop::sample::select(BELIEVED.to_vec()), 0..4),
    ) {
        let path = format!("/{}", parts.concat());
        let mut request = Request::builder().method(method).uri(&path).header("host", "x");
        for (name, value) in headers.iter().filter_map(|header| header.split_once(": ")) {
            request = request.header(name, value);
        }
        // what is no request at all is asked by nobody
        let Ok(request) = request.body(Body::from("user_count=7&spawn_rate=7")) else {
            return Ok(());
        };
        let is_open = request.uri().path() == "/health";
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("it starts").block_on(async {
            let door = Door::with_basic_auth("demo:secret").expect("it is a password");
            let clock = Clock::following_tokio(epoch());
            let settings = ControlSettings::new(workload());
            let cicada = Cicada::<MemoryStore>::behind(door, crate::cicada::shared_store(), settings, clock);
            let answer = cicada.send(request).await;
            prop_assert!(is_open || answer.status == 401, "{method} {path}: {answer:?}");
            prop_assert!(cicada.store_is_empty().await);
            Ok(())
        })?;
    }
}
