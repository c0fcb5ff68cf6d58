//! The server by itself: what it takes for a slow client, whom it closes, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::sync::watch;
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

/// What requests for `/later` wait for, and how many do.
#[derive(Clone)]
struct Gate {
    waiting: Arc<watch::Sender<usize>>,
    is_open: Arc<watch::Sender<bool>>,
}

impl Gate {
    fn closed() -> Self {
        Self {
            waiting: Arc::new(watch::Sender::new(0)),
            is_open: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Waits until so many requests wait.
    async fn is_waited_for_by(&self, number: usize) {
        let mut waiting = self.waiting.subscribe();
        let enough = waiting.wait_for(|waiting| *waiting == number);
        timeout(LONG_ENOUGH, enough)
            .await
            .expect("they come")
            .expect("it is there");
    }

    fn open(&self) {
        self.is_open.send_replace(true);
    }

    async fn pass(self) -> &'static str {
        self.waiting.send_modify(|waiting| *waiting += 1);
        let mut is_open = self.is_open.subscribe();
        let _ = is_open.wait_for(|is_open| *is_open).await;
        "done"
    }
}

/// Answers at once, at length, or after what was sent.
fn router() -> Router {
    router_with(&Gate::closed())
}

/// The same, and `/later` when the gate is open.
fn router_with(gate: &Gate) -> Router {
    let gate = gate.clone();
    Router::new()
        .route("/", get(async || "here"))
        .route("/later", get(move || gate.clone().pass()))
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
    // each request begins the time anew, unless this test was too slow itself
    let began = Instant::now();
    while !is_kept_by_requests(&served).await {
        assert!(began.elapsed() < LONG_ENOUGH, "it is not kept");
    }
}

/// Whether a connection that is used all the time stays for longer than an idle one may. It is closed only
/// when it was idle for too long, by whomever's fault.
async fn is_kept_by_requests(served: &Served) -> bool {
    let mut wire = Wire::to(served.address).await;
    let began = Instant::now();
    let mut asked = began;
    while began.elapsed() < 2 * SHORT {
        sleep(SHORT / 4).await;
        let asks = Instant::now();
        wire.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        if wire.answer().await.is_none() {
            let idle = asked.elapsed();
            assert!(idle >= SHORT, "closed after {idle:?}");
            return false;
        }
        asked = asks;
    }
    assert_eq!(wire.rest().await, 0);
    true
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
    let mut sipped = 0;
    loop {
        // a hundredth of it at most in the time that it has
        match sips.sip(8 * 1024).await {
            0 => break,
            some => sipped += some,
        }
        assert!(sipped < LARGE, "all of it was sent");
        sleep(Duration::from_millis(20)).await;
    }
    let taken = never.rest().await;
    for read in [sipped, taken] {
        assert!(0 < read && read < LARGE, "{read} of {LARGE} bytes");
    }
    // who takes it gets all of it, however slow the machine is
    let served = Served::within(limits(), router()).await;
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
    let gate = Gate::closed();
    let served = Served::within(few, router_with(&gate)).await;
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut wire = Wire::to(served.address).await;
        wire.send("GET /later HTTP/1.1\r\nhost: x\r\n\r\n").await;
        busy.push(wire);
    }
    gate.is_waited_for_by(2).await;
    // it waits until one of them has its answer
    let mut newcomer = Wire::to(served.address).await;
    newcomer.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    sleep(Duration::from_millis(100)).await;
    assert!(busy.iter().all(|wire| !wire.is_closed()));
    gate.open();
    assert_eq!(newcomer.answer().await.unwrap().status, 200);
    for wire in &mut busy {
        assert_eq!(wire.answer().await.unwrap().body, "done");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_answers_what_was_asked_and_waits_for_nobody_else() {
    let gate = Gate::closed();
    let served = Served::within(limits(), router_with(&gate)).await;
    let address = served.address;
    let mut idle = Wire::to(address).await;
    let mut used = Wire::to(address).await;
    used.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(used.answer().await.unwrap().status, 200);
    let mut begun = Wire::to(address).await;
    begun.send("GET /later HTTP/1.1\r\nhost: x\r\n\r\n").await;
    gate.is_waited_for_by(1).await;
    let opens = async {
        // the server has heard of its end by then
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        gate.open();
    };
    let (answer, (), ()) = tokio::join!(begun.answer(), served.end(), opens);
    assert_eq!(answer.unwrap().body, "done");
    assert_eq!((idle.rest().await, used.rest().await), (0, 0));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_cuts_off_what_takes_too_long() {
    let never = Gate::closed();
    let served = Served::within(limits(), router_with(&never)).await;
    let mut wire = Wire::to(served.address).await;
    wire.send("GET /later HTTP/1.1\r\nhost: x\r\n\r\n").await;
    never.is_waited_for_by(1).await;
    let ended = timeout(LONG_ENOUGH, served.end()).await;
    assert!(ended.is_ok());
    assert_eq!(wire.rest().await, 0);
}
