//! Slow and greedy clients, more of them than there is room for: others are answered as ever, and
//! nothing is changed by any of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use control::ControlSettings;
use tokio::time::{Instant, sleep};
use traffic::clock::Clock;
use web::api::Door;
use web::serve::Limits;

use crate::cicada::{Cicada, epoch, workload};
use crate::served::{LONG_ENOUGH, Served, Wire, possessions};

/// A good request.
const GOOD: &str = "GET /stats/requests HTTP/1.1\r\nhost: x";

/// A swarm whose body never ends.
const ENDLESS: &str = "POST /swarm HTTP/1.1\r\nhost: x\r\n\
    content-type: application/x-www-form-urlencoded\r\ncontent-length: 100000\r\n\r\n\
    user_count=1&spawn_rate=1&x=";

/// A Cicada with a run, and logs that make a large answer.
async fn running() -> Cicada {
    let cicada = Cicada::new();
    cicada.started("user_count=6&spawn_rate=6").await;
    for _ in 0..500 {
        cicada.logs.push(&"x".repeat(8 * 1024));
    }
    cicada
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_in_every_place_keep_nobody_out() {
    let cicada = running().await;
    let before = possessions(&cicada).await;
    let places = Limits {
        connections: 30,
        ..Limits::default()
    };
    let served = Served::within(places, cicada.router.clone()).await;
    let usual = served.usual(GOOD).await;
    let mut wires = Vec::new();
    for number in 0..90 {
        let mut wire = Wire::to(served.address).await;
        match number % 3 {
            0 => wire.send("GET / HTTP/1.1\r\nhost: x\r\nx-filler: ").await,
            1 => wire.send(ENDLESS).await,
            // answers of four megabytes, none of which is read
            _ => {
                wire.send("GET /logs HTTP/1.1\r\nhost: x\r\n\r\n".repeat(3))
                    .await
            }
        }
        wires.push(wire);
    }
    let besieging = async {
        loop {
            for (number, wire) in wires.iter_mut().enumerate() {
                if number % 3 != 2 {
                    wire.send("x").await;
                }
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = besieging => unreachable!("it goes on for ever"),
        () = served.serves_well(GOOD, usual) => {}
    }
    assert_eq!(possessions(&cicada).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_connections_keep_nobody_out() {
    const IDLE: usize = 1_200;

    // both ends of each connection are in this process
    let files = rlimit::increase_nofile_limit(10_000).unwrap();
    assert!(files >= 4_000, "raise ulimit -n");
    let cicada = running().await;
    let before = possessions(&cicada).await;
    let served = Served::plain(cicada.router.clone()).await;
    let usual = served.usual(GOOD).await;
    let mut wires = Vec::new();
    for _ in 0..IDLE {
        wires.push(Wire::to(served.address).await);
    }
    served.serves_well(GOOD, usual).await;
    let most = Limits::default().connections;
    let began = Instant::now();
    while wires.iter().filter(|wire| !wire.is_closed()).count() > most {
        assert!(began.elapsed() < LONG_ENOUGH, "more than {most} are kept");
        sleep(Duration::from_millis(20)).await;
    }
    // the newest of them are still welcome
    let newest = wires.last_mut().unwrap();
    newest.send(format!("{GOOD}\r\n\r\n")).await;
    assert_eq!(newest.answer().await.unwrap().status, 200);
    assert_eq!(possessions(&cicada).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_requests_are_turned_away_and_keep_nobody_out() {
    let cicada = running().await;
    let before = possessions(&cicada).await;
    let served = Served::plain(cicada.router.clone()).await;
    let usual = served.usual(GOOD).await;
    let filler = "x".repeat(3_000_000);
    let post = "POST /swarm HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded";
    let swarm = format!("user_count=9&spawn_rate=9&x={filler}");
    let huge = [
        (
            413,
            format!("{post}\r\ncontent-length: {}\r\n\r\n{swarm}", swarm.len()),
        ),
        (
            413,
            format!(
                "{post}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{swarm}\r\n0\r\n\r\n",
                swarm.len()
            ),
        ),
        (
            413,
            format!(
                "{}\r\ncontent-length: 3000000\r\n\r\n{filler}",
                post.replace("POST /swarm", "PUT /workload")
            ),
        ),
        (
            413,
            format!("{post}\r\ncontent-length: 9000000000000000000\r\n\r\n{swarm}"),
        ),
        (
            431,
            format!("GET /stop HTTP/1.1\r\nhost: x\r\nx-filler: {filler}\r\n\r\n"),
        ),
        (
            431,
            format!(
                "GET /stop HTTP/1.1\r\nhost: x\r\n{}\r\n",
                "x: y\r\n".repeat(3_000)
            ),
        ),
        (
            414,
            format!("GET /stop?{filler} HTTP/1.1\r\nhost: x\r\n\r\n"),
        ),
    ];
    for (status, request) in huge {
        let mut wire = Wire::to(served.address).await;
        wire.send(&request).await;
        let start: String = request.chars().take(120).collect();
        // whoever is still sending may see the connection closed before he sees the answer
        if let Some(answer) = wire.answer().await {
            let fits = answer.status == status || status == 414 && answer.status == 431;
            assert!(fits, "{start}: {answer:?}");
        }
    }
    served.serves_well(GOOD, usual).await;
    assert_eq!(possessions(&cicada).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_answered_late_and_the_right_one_at_once() {
    let door = Door::with_basic_auth("demo:secret").unwrap();
    let clock = Clock::following_tokio(epoch());
    let store = crate::cicada::shared_store();
    let cicada: Cicada = Cicada::behind(door, store, ControlSettings::new(workload()), clock);
    let served = Served::plain(cicada.router.clone()).await;
    let right = format!("{GOOD}\r\nauthorization: Basic ZGVtbzpzZWNyZXQ=");
    let usual = served.usual(&right).await;
    let wrong = "GET /stop HTTP/1.1\r\nhost: x\r\nauthorization: Basic ZGVtbzpndWVzcw==";
    let mut wires = Vec::new();
    let began = Instant::now();
    for _ in 0..200 {
        let mut wire = Wire::to(served.address).await;
        wire.send(format!("{wrong}\r\n\r\n")).await;
        wires.push(wire);
    }
    served.serves_well(&right, usual).await;
    let mut late = 0;
    for wire in &mut wires {
        assert_eq!(wire.answer().await.unwrap().status, 401);
        late += usize::from(began.elapsed() >= Duration::from_secs(1));
    }
    assert!(late > 0, "none was answered late");
    assert!(cicada.store_is_empty().await);
}

/// Guesses for as long as it may, each another one; counts what was answered, and who has begun.
async fn guess_on(served: &Served, who: usize, keeps: bool, answers: &[AtomicUsize; 4]) {
    for number in 0.. {
        let mut wire = Wire::to(served.address).await;
        for again in 0..if keeps { 1_000 } else { 1 } {
            let guess = BASE64_STANDARD.encode(format!("demo:{who}-{number}-{again}"));
            let guess = format!("GET /stop HTTP/1.1\r\nhost: x\r\nauthorization: Basic {guess}");
            wire.send(format!("{guess}\r\n\r\n")).await;
            if (number, again) == (0, 0) {
                answers[3].fetch_add(1, Ordering::Relaxed);
            }
            // a guess is answered within half a minute, and later where the machine is busy
            let Some(answer) = wire.answer_within(4 * LONG_ENOUGH).await else {
                break;
            };
            let kind = match answer.status {
                401 => 0,
                429 => 1,
                _ => 2,
            };
            answers[kind].fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slow_at_any_number_of_connections_and_the_right_one_comes_through() {
    // both ends of each connection are in this process
    let files = rlimit::increase_nofile_limit(10_000).unwrap();
    assert!(files >= 4_000, "raise ulimit -n");
    for (connections, keeps) in [(60, true), (300, false), (1_000, true), (1_000, false)] {
        let door = Door::with_basic_auth("demo:secret").unwrap();
        let clock = Clock::following_tokio(epoch());
        let store = std::sync::Arc::default();
        let cicada: Cicada = Cicada::behind(door, store, ControlSettings::new(workload()), clock);
        let served = Served::plain(cicada.router.clone()).await;
        let right = format!("{GOOD}\r\nauthorization: Basic ZGVtbzpzZWNyZXQ=");
        let mut known = Wire::to(served.address).await;
        known.send(format!("{right}\r\n\r\n")).await;
        assert_eq!(known.answer().await.unwrap().status, 200);
        let answers = [const { AtomicUsize::new(0) }; 4];
        let attack = (0..connections).map(|who| guess_on(&served, who, keeps, &answers));
        let began = Instant::now();
        let mut slowest = [Duration::ZERO; 2];
        let comes_through = async {
            // nobody can tell it from a thousand others that come in the same moment
            let [judged, unjudged, _, begun] = &answers;
            let answered = || judged.load(Ordering::Relaxed) + unjudged.load(Ordering::Relaxed);
            while begun.load(Ordering::Relaxed) < connections || answered() < 20 {
                assert!(began.elapsed() < LONG_ENOUGH, "they do not begin");
                sleep(Duration::from_millis(10)).await;
            }
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(3) {
                // over a new connection, and over one that has shown it
                let asked = Instant::now();
                assert_eq!(served.ask(&right).await.status, 200);
                slowest[0] = slowest[0].max(asked.elapsed());
                let asked = Instant::now();
                known.send(format!("{right}\r\n\r\n")).await;
                assert_eq!(known.answer().await.unwrap().status, 200);
                slowest[1] = slowest[1].max(asked.elapsed());
                sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            _ = futures_util::future::join_all(attack) => unreachable!("it goes on for ever"),
            () = comes_through => {}
        }
        let took = began.elapsed().as_secs_f64();
        let [judged, unjudged, other, _] = answers.map(AtomicUsize::into_inner);
        println!(
            "{connections} connections, kept: {keeps}: {judged} judged and {unjudged} refused in {took:.1} s; \
             the right one within {slowest:?}"
        );
        assert!(judged as f64 <= 20.0 + 50.0 * took, "{judged} in {took} s");
        assert_eq!(other, 0);
        // some hundredths of a second, where the machine is not busy; a guess in the queue waits for 20 s
        assert!(
            slowest.iter().max() < Some(&Duration::from_secs(15)),
            "{slowest:?}"
        );
        assert!(cicada.store_is_empty().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_in_every_place_keep_nobody_out() {
    let door = Door::with_basic_auth("demo:secret").unwrap();
    let clock = Clock::following_tokio(epoch());
    let store = std::sync::Arc::default();
    let cicada: Cicada = Cicada::behind(door, store, ControlSettings::new(workload()), clock);
    let places = Limits {
        connections: 40,
        ..Limits::default()
    };
    let served = Served::within(places, cicada.router.clone()).await;
    let answers = [const { AtomicUsize::new(0) }; 4];
    let right = format!("{GOOD}\r\nauthorization: Basic ZGVtbzpzZWNyZXQ=");
    let mut known = Wire::to(served.address).await;
    known.send(format!("{right}\r\n\r\n")).await;
    assert_eq!(known.answer().await.unwrap().status, 200);
    let attack = (0..45).map(|who| guess_on(&served, who, true, &answers));
    let comes_through = async {
        while answers[0].load(Ordering::Relaxed) < 10 {
            sleep(Duration::from_millis(10)).await;
        }
        for _ in 0..10 {
            assert_eq!(served.ask(&right).await.status, 200);
        }
        // who has shown the password is not sent away for those who have not
        known.send(format!("{right}\r\n\r\n")).await;
        assert_eq!(known.answer().await.unwrap().status, 200);
    };
    tokio::select! {
        _ = futures_util::future::join_all(attack) => unreachable!("it goes on for ever"),
        () = comes_through => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_announced_too_long_is_refused_before_it_is_sent() {
    let cicada = running().await;
    let before = possessions(&cicada).await;
    let served = Served::plain(cicada.router.clone()).await;
    let form = "host: x\r\ncontent-type: application/x-www-form-urlencoded";
    for (what, length) in [
        ("POST /swarm", 1_048_577_u64),
        ("POST /swarm", 9_000_000_000_000_000_000),
        ("POST /user", 5_000_000),
        ("PUT /workload", 400_001),
        ("PUT /workload?check=true", 1_000_000),
        ("POST /schedules", 5_000_000),
        ("POST /stop", 5_000_000),
        ("GET /stats/requests", 5_000_000),
        ("GET /health", 5_000_000),
        ("DELETE /schedules/x", 5_000_000),
        ("POST /nothing", 5_000_000),
    ] {
        for expects in ["", "\r\nexpect: 100-continue"] {
            let mut wire = Wire::to(served.address).await;
            let head = format!("{what} HTTP/1.1\r\n{form}\r\ncontent-length: {length}{expects}");
            wire.send(format!("{head}\r\n\r\n")).await;
            // nothing of it is sent, and no 100 asks for it
            let answer = wire.answer().await.expect("it is answered");
            assert_eq!(answer.status, 413, "{what} {length} {expects}");
            // what comes after it is no request
            wire.send("GET /stop HTTP/1.1\r\nhost: x\r\n\r\n").await;
            assert_eq!(wire.rest().await, 0, "{what}");
        }
    }
    assert_eq!(possessions(&cicada).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_long_a_body_without_looking_still_reads_why_not() {
    let cicada = running().await;
    let served = Served::plain(cicada.router.clone()).await;
    for _ in 0..20 {
        let mut wire = Wire::to(served.address).await;
        let head = "PUT /workload HTTP/1.1\r\nhost: x\r\ncontent-length: 20000000\r\n\r\n";
        wire.send(head).await;
        wire.send("x".repeat(20_000_000)).await;
        let answer = wire.answer().await.expect("the answer is not lost");
        assert_eq!(answer.status, 413);
        assert!(
            answer.body.contains("longer than 400 KB"),
            "{}",
            answer.body
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_asked_for_before_it_is_sent_is_taken() {
    let cicada = running().await;
    let served = Served::plain(cicada.router.clone()).await;
    let mut wire = Wire::to(served.address).await;
    let body = "user_count=7&spawn_rate=7";
    let head = format!(
        "POST /swarm HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    wire.send(head).await;
    assert_eq!(wire.answer().await.unwrap().status, 100);
    wire.send(body).await;
    let answer = wire.answer().await.unwrap();
    assert!(answer.body.contains("Swarming started"), "{}", answer.body);
}
