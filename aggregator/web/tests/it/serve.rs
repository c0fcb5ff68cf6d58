//! The server by itself: what it takes for a slow client, whom it closes, and how it ends.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::time::{Instant, sleep, timeout};
use web::serve::Limits;

use crate::served::{LONG_ENOUGH, Served, Wire};

/// Short enough for a test, long enough for a busy machine.
const SHORT: Duration = Duration::from_millis(400);

/// More bytes than fit between two ends of a connection.
const LARGE: usize = 24 * 1024 * 1024;

fn limits() -> Limits {
    Limits::default()
}

/// Answers at once, when told so, at length, or after what was sent.
fn router() -> Router {
    let later = async || {
        sleep(Duration::from_millis(600)).await;
        "done"
    };
    Router::new()
        .route("/", get(async || "here"))
        .route("/later", get(later))
        .route("/large", get(async || "x".repeat(LARGE)))
        .route("/echo", post(async |body: Bytes| body))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_several_requests_one_after_the_other() {
    let served = Served::within(limits(), router()).await;
    let mut wire = Wire::to(served.address).await;
    let get = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    for _ in 0..3 {
        wire.send(get).await;
        assert_eq!(wire.answer().await.unwrap().body, "here");
    }
    // and several that were sent at once
    let post = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello";
    wire.send(format!("{post}{get}{post}")).await;
    for body in ["hello", "here", "hello"] {
        assert_eq!(wire.answer().await.unwrap().body, body);
    }
    assert!(!wire.is_closed());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_nothing_is_closed_after_a_while() {
    let idle = Limits {
        idle: SHORT,
        ..limits()
    };
    let served = Served::within(idle, router()).await;
    let began = Instant::now();
    let mut wire = Wire::to(served.address).await;
    assert_eq!(wire.rest().await, 0);
    let took = began.elapsed();
    assert!(took >= SHORT, "{took:?}");
    // each request begins the time anew
    let mut wire = Wire::to(served.address).await;
    for _ in 0..3 {
        sleep(SHORT / 2).await;
        wire.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
    }
    assert_eq!(wire.rest().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_comes_byte_by_byte_is_not_waited_for() {
    let head = Limits {
        head: SHORT,
        ..limits()
    };
    let served = Served::within(head, router()).await;
    let mut wire = Wire::to(served.address).await;
    // the time for it begins with its first byte
    sleep(2 * SHORT).await;
    assert!(!wire.is_closed());
    let began = Instant::now();
    wire.send("GET / HTTP/1.1\r\nhost: x\r\nx-filler: ").await;
    while !wire.is_closed() {
        wire.send("x").await;
        sleep(Duration::from_millis(20)).await;
        assert!(began.elapsed() < LONG_ENOUGH, "it is waited for");
    }
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_byte_by_byte_is_not_waited_for() {
    let body = Limits {
        body: SHORT,
        ..limits()
    };
    let served = Served::within(body, router()).await;
    for length in ["content-length: 100000", "transfer-encoding: chunked"] {
        let mut wire = Wire::to(served.address).await;
        let head = format!("POST /echo HTTP/1.1\r\nhost: x\r\n{length}\r\n\r\n");
        wire.send(head).await;
        let began = Instant::now();
        while !wire.is_closed() {
            // a whole chunk, too
            wire.send("1\r\nx\r\n").await;
            sleep(Duration::from_millis(20)).await;
            assert!(began.elapsed() < LONG_ENOUGH, "{length}: it is waited for");
        }
        assert!(began.elapsed() >= SHORT, "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_takes_is_given_up() {
    let answer = Limits {
        answer: SHORT,
        ..limits()
    };
    let served = Served::within(answer, router()).await;
    let large = "GET /large HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut never = Wire::to(served.address).await;
    never.send(large).await;
    // who takes some of it now and then would take it for ever
    let mut sips = Wire::to(served.address).await;
    sips.send(large).await;
    let began = Instant::now();
    let mut sipped = 0;
    while began.elapsed() < 4 * SHORT {
        sipped += sips.sip(256 * 1024).await;
        sleep(Duration::from_millis(20)).await;
    }
    for (wire, before) in [(&mut never, 0), (&mut sips, sipped)] {
        let read = before + wire.rest().await;
        assert!(0 < read && read < LARGE, "{read} of {LARGE} bytes");
    }
    // who takes it gets all of it
    let mut wire = Wire::to(served.address).await;
    wire.send(large).await;
    assert_eq!(wire.answer().await.unwrap().body.len(), LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_takes_the_place_of_who_has_waited_longest() {
    let few = Limits {
        connections: 3,
        ..limits()
    };
    let served = Served::within(few, router()).await;
    let mut wires = Vec::new();
    for _ in 0..3 {
        let mut wire = Wire::to(served.address).await;
        wire.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
        wires.push(wire);
    }
    // the first one is not the slowest any more
    wires[0].send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(wires[0].answer().await.unwrap().status, 200);
    assert_eq!(served.ask("GET / HTTP/1.1\r\nhost: x").await.status, 200);
    assert_eq!(wires[1].rest().await, 0, "closed");
    assert!(!wires[0].is_closed() && !wires[2].is_closed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_answered_is_never_closed_for_a_newcomer() {
    let few = Limits {
        connections: 2,
        ..limits()
    };
    let served = Served::within(few, router()).await;
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut wire = Wire::to(served.address).await;
        wire.send("GET /later HTTP/1.1\r\nhost: x\r\n\r\n").await;
        busy.push(wire);
    }
    sleep(Duration::from_millis(100)).await;
    // it waits until one of them has its answer
    assert_eq!(served.ask("GET / HTTP/1.1\r\nhost: x").await.status, 200);
    for wire in &mut busy {
        assert_eq!(wire.answer().await.unwrap().body, "done");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_answers_what_was_asked_and_waits_for_nobody_else() {
    let served = Served::within(limits(), router()).await;
    let address = served.address;
    let mut idle = Wire::to(address).await;
    let mut used = Wire::to(address).await;
    used.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(used.answer().await.unwrap().status, 200);
    let mut begun = Wire::to(address).await;
    begun.send("GET /later HTTP/1.1\r\nhost: x\r\n\r\n").await;
    sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    let (answer, ()) = tokio::join!(begun.answer(), served.end());
    assert_eq!(answer.unwrap().body, "done");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!((idle.rest().await, used.rest().await), (0, 0));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_cuts_off_what_takes_too_long() {
    let never = Router::new().route("/", get(async || sleep(LONG_ENOUGH).await));
    let served = Served::within(limits(), never).await;
    let mut wire = Wire::to(served.address).await;
    wire.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    sleep(Duration::from_millis(100)).await;
    let ended = timeout(Duration::from_secs(10), served.end()).await;
    assert!(ended.is_ok());
    assert_eq!(wire.rest().await, 0);
}
