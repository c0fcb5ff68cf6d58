//! Who may come in: the password.

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use control::ControlSettings;
use testing::MemoryStore;
use tokio::time::Instant;
use traffic::clock::Clock;
use web::api::{Acquaintance, Door, Trusted, Visitor};

mod names;
mod sessions;
mod sites;

use crate::cicada::{Answer, Cicada, FORM, epoch, workload};

/// `demo:sécret:1` in base 64.
const RIGHT: &str = "Basic ZGVtbzpzw6ljcmV0OjE=";

const SWARM: &str = "user_count=1&spawn_rate=1";

/// Everything that answers, with a method that it takes.
const ROUTES: [(&str, &str); 18] = [
    ("GET", "/"),
    ("POST", "/swarm"),
    ("POST", "/stop"),
    ("GET", "/stop"),
    ("GET", "/stats/requests"),
    ("POST", "/stats/reset"),
    ("GET", "/stats/reset"),
    ("GET", "/tasks"),
    ("GET", "/exceptions"),
    ("GET", "/ledger"),
    ("GET", "/logs"),
    ("GET", "/worker-count"),
    ("GET", "/workload"),
    ("PUT", "/workload"),
    ("GET", "/schedules"),
    ("POST", "/schedules"),
    ("DELETE", "/schedules/x"),
    ("GET", "/nothing"),
];

/// Those of them that change something.
const CHANGES: [(&str, &str); 9] = [
    ("POST", "/swarm"),
    ("POST", "/user"),
    ("POST", "/stop"),
    ("GET", "/stop"),
    ("POST", "/stats/reset"),
    ("GET", "/stats/reset"),
    ("PUT", "/workload"),
    ("POST", "/schedules"),
    ("DELETE", "/schedules/x"),
];

/// Those that show something.
const READS: [&str; 9] = [
    "/",
    "/stats/requests",
    "/exceptions",
    "/ledger",
    "/runs",
    "/logs",
    "/workload",
    "/schedules",
    "/nothing",
];

fn locked() -> Cicada {
    let door = Door::with_basic_auth("demo:sécret:1").expect("it is a password");
    let clock = Clock::following_tokio(epoch());
    Cicada::<MemoryStore>::behind(
        door,
        crate::cicada::shared_store(),
        ControlSettings::new(workload()),
        clock,
    )
}

fn request(method: &str, path: &str) -> Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "cicada.test:8089")
}

/// A request of a page whose name leads to this machine.
fn rebound(method: &str, path: &str, host: &str) -> Builder {
    let origin = format!("http://{host}");
    let request = Request::builder().method(method).uri(path);
    request.header("host", host).header("origin", origin)
}

async fn sent(cicada: &Cicada, request: Builder) -> Answer {
    let request = request.header("content-type", FORM).body(Body::from(SWARM));
    cicada.send(request.expect("it is a request")).await
}

#[tokio::test(start_paused = true)]
async fn everything_but_health_needs_the_password() {
    let cicada = locked();
    for (method, path) in ROUTES {
        let answer = sent(&cicada, request(method, path)).await;
        assert_eq!(answer.status, 401, "{method} {path}");
        let challenge = "Basic realm=\"cicada\", charset=\"UTF-8\"";
        assert_eq!(answer.headers["www-authenticate"], challenge, "{path}");
        assert_eq!(answer.json()["success"], false);
        let answer = sent(
            &cicada,
            request(method, path).header("authorization", RIGHT),
        )
        .await;
        assert_ne!(answer.status, 401, "{method} {path}");
    }
    assert_eq!(cicada.get("/health").await.status, 200);
    // and nothing that only looks like it
    for path in [
        "/health/",
        "/health/../stop",
        "/Health",
        "//health",
        "/health%2f",
    ] {
        assert_eq!(cicada.get(path).await.status, 401, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_route_that_is_described_needs_the_password() {
    let cicada = locked();
    let asked = request("GET", "/openapi.json").header("authorization", RIGHT);
    let described = sent(&cicada, asked).await.json();
    let paths = described["paths"].as_object().expect("there are paths");
    assert!(paths.len() > 20, "{} paths", paths.len());
    for (path, methods) in paths.iter().filter(|(path, _)| *path != "/health") {
        let path = path.replace("{id}", "x").replace("{name}", "x");
        for method in methods.as_object().expect("they have methods").keys() {
            let method = method.to_uppercase();
            let answer = sent(&cicada, request(&method, &path)).await;
            assert_eq!(answer.status, 401, "{method} {path}");
        }
    }
    assert!(cicada.store_is_empty().await);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_password_is_refused() {
    let cicada = locked();
    for wrong in [
        "",
        "Basic",
        "Basic ",
        "Basic ZGVtbzpzw6ljcmV0OjI=",
        "Basic ZGVtbzpzw6ljcmV0",
        "Basic ZGVtbzpzw6ljcmV0OjE=x",
        "Basic demo:sécret:1",
        "Bearer ZGVtbzpzw6ljcmV0OjE=",
        "ZGVtbzpzw6ljcmV0OjE=",
        "BasicZGVtbzpzw6ljcmV0OjE=",
        "Basic Og==",
    ] {
        let asked = request("POST", "/swarm").header("authorization", wrong);
        assert_eq!(sent(&cicada, asked).await.status, 401, "{wrong:?}");
    }
    assert!(cicada.store_is_empty().await);
    for right in [
        RIGHT,
        "basic ZGVtbzpzw6ljcmV0OjE=",
        "BASIC  ZGVtbzpzw6ljcmV0OjE= ",
    ] {
        let asked = request("POST", "/swarm").header("authorization", right);
        assert_eq!(
            sent(&cicada, asked).await.json()["success"],
            true,
            "{right}"
        );
    }
}

fn visitor() -> Visitor {
    Visitor {
        address: "127.0.0.1".parse().expect("it is an address"),
        over_tls: false,
    }
}

/// A request with a password over a connection from this machine.
fn guess(token: &str, connection: &Acquaintance) -> Builder {
    let asked = request("GET", "/stop").header("authorization", format!("Basic {token}"));
    asked.extension(visitor()).extension(connection.clone())
}

#[tokio::test(start_paused = true)]
async fn guesses_beyond_the_brake_are_refused_without_being_judged() {
    let cicada = locked();
    let connections: Vec<_> = (0..1_000).map(|_| Acquaintance::default()).collect();
    let began = Instant::now();
    let guesses = connections.iter().enumerate().map(|(number, connection)| {
        // also the right one, when many came after it: nobody can tell
        let token = match number {
            100 => RIGHT.trim_start_matches("Basic ").to_owned(),
            _ => format!("guess{number}"),
        };
        sent(&cicada, guess(&token, connection))
    });
    let answers = futures_util::future::join_all(guesses).await;
    let took = began.elapsed().as_secs_f64();
    let judged = answers.iter().filter(|answer| answer.status == 401).count();
    assert!(judged as f64 <= 20.0 + 50.0 * took, "{judged} in {took} s");
    assert_eq!(judged, 520);
    for answer in answers.iter().filter(|answer| answer.status != 401) {
        assert_eq!(answer.status, 429);
        let seconds: u64 = answer.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=11).contains(&seconds), "{seconds}");
        let message = format!("too many passwords are being tried: try again in {seconds} s");
        assert_eq!(answer.json()["message"], message);
        assert_eq!(answer.json()["success"], false);
    }
    assert_eq!(answers[100].status, 429);
    assert!(cicada.store_is_empty().await);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_shown_the_password_waits_for_nobody() {
    let cicada = locked();
    let right = RIGHT.trim_start_matches("Basic ");
    let mine = Acquaintance::default();
    assert_eq!(sent(&cicada, guess(right, &mine)).await.status, 200);
    let others: Vec<_> = (0..600).map(|_| Acquaintance::default()).collect();
    let attack = others.iter().enumerate();
    let attack = attack.map(|(number, other)| sent(&cicada, guess(&number.to_string(), other)));
    let attack = futures_util::future::join_all(attack);
    let began = Instant::now();
    let mine = async {
        for _ in 0..10 {
            assert_eq!(sent(&cicada, guess(right, &mine)).await.status, 200);
        }
        began.elapsed()
    };
    let (_, took) = tokio::join!(attack, mine);
    // a stop waits for its time, guesses or not
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn only_the_entry_point_can_say_that_a_request_is_trusted() {
    let cicada = locked();
    for header in ["trusted", "x-trusted", "x-amzn-request-context"] {
        let asked = request("POST", "/swarm").header(header, "true");
        assert_eq!(sent(&cicada, asked).await.status, 401, "{header}");
    }
    let asked = request("POST", "/swarm").extension(Trusted);
    assert_eq!(sent(&cicada, asked).await.json()["success"], true);
    // it comes from nowhere, so no site is asked for either
    let asked = request("POST", "/stop").extension(Trusted);
    let asked = asked.header("sec-fetch-site", "cross-site");
    assert_eq!(sent(&cicada, asked).await.json()["success"], true);
}

#[test]
fn a_password_is_never_shown() {
    let door = Door::with_basic_auth("demo:secret").expect("it is a password");
    assert_eq!(format!("{door:?}"), "Door { asks_for_password: true }");
    assert_eq!(
        format!("{:?}", Door::default()),
        "Door { asks_for_password: false }"
    );
    for bad in ["", "demo", "demo:", ":secret", ":"] {
        let error = Door::with_basic_auth(bad).expect_err(bad).to_string();
        assert!(
            error.starts_with("LOCUST_BASIC_AUTH is not of the form"),
            "{error}"
        );
        assert!(
            !error.contains("demo") && !error.contains("secret"),
            "{error}"
        );
    }
}
