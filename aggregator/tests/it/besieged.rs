//! Slow and greedy clients, more of them than there is room for: others are answered as ever, and
//! nothing is changed by any of it.

use std::time::Duration;

use aggregator::api::Door;
use aggregator::control::Settings;
use aggregator::serve::Limits;
use tokio::time::{Instant, sleep};
use traffic::clock::Clock;

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
    let cicada: Cicada = Cicada::behind(door, store, Settings::new(workload()), clock);
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
