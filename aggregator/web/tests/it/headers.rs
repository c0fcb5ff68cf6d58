//! The headers of every answer, who may read it, and what is told when something breaks.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use control::ControlSettings;
use testing::{Calls, FaultyStore, MemoryStore};
use traffic::clock::Clock;
use traffic::ports::StoreError;
use web::api::{Door, Visitor};

use crate::cicada::{Answer, Cicada, FORM, epoch, workload};

/// Answers of every kind: pages, JSON, texts, refusals.
const ASKED: [(&str, &str, u16); 16] = [
    ("GET", "/api", 200),
    ("GET", "/stats/requests", 200),
    ("HEAD", "/stats/requests", 200),
    ("GET", "/health", 200),
    ("GET", "/workload", 200),
    ("GET", "/stats/report", 200),
    ("GET", "/stats/requests/csv", 200),
    ("GET", "/metrics", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/nothing", 404),
    ("GET", "/swarm", 405),
    ("PUT", "/workload", 422),
    ("POST", "/schedules", 400),
    ("DELETE", "/schedules/none", 404),
    ("POST", "/stats/reset", 200),
    ("GET", "/%ff", 404),
];

#[track_caller]
fn assert_secure(answer: &Answer, asked: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.headers[name], value, "{asked}: {name}");
        assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{asked}");
    }
    // no page of another site may read it
    let mut names = answer.headers.keys();
    assert!(!names.any(|name| name.as_str().starts_with("access-control-")));
    let policy = answer.headers["content-security-policy"].to_str();
    let policy = policy.expect("it is text");
    assert!(
        policy.contains("frame-ancestors 'none'"),
        "{asked}: {policy}"
    );
    // what is no page has nothing to load; a page has its own files, or all that it needs
    let loads_nothing = policy.starts_with("default-src 'none'");
    let is_page = answer
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let loads_its_own = policy.starts_with("default-src 'self'; script-src 'self';");
    assert!(
        loads_nothing || is_page && loads_its_own,
        "{asked}: {policy}"
    );
}

#[tokio::test(start_paused = true)]
async fn every_answer_has_them() {
    let cicada = Cicada::new();
    for (method, path, status) in ASKED {
        let answer = cicada.call(method, path, Some(FORM), "").await;
        let asked = format!("{method} {path}");
        assert_eq!(answer.status, status, "{asked}");
        assert_secure(&answer, &asked);
        assert!(!answer.headers.contains_key("strict-transport-security"));
    }
    let elsewhere = Request::post("/stop").header("origin", "https://evil.example");
    let answer = cicada.send(elsewhere.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 403);
    assert_secure(&answer, "from elsewhere");
    let long = "x".repeat(2 * 1024 * 1024);
    let answer = cicada.call("POST", "/swarm", Some(FORM), long).await;
    assert_eq!(answer.status, 413);
    assert_secure(&answer, "too long");
}

#[tokio::test(start_paused = true)]
async fn what_needs_a_password_says_no_more_to_who_has_none() {
    let door = Door::with_basic_auth("demo:secret").unwrap();
    let clock = Clock::following_tokio(epoch());
    let settings = ControlSettings::new(workload());
    let cicada =
        Cicada::<MemoryStore>::behind(door, crate::cicada::shared_store(), settings, clock);
    for (path, authorization, status) in [
        ("/stats/requests", "", 401),
        ("/stats/requests", "Basic ZGVtbzpzZWNyZXQ=", 403),
        ("/health", "", 200),
    ] {
        let asked = Request::get(path)
            .header("origin", "https://other.example")
            .header("authorization", authorization);
        let answer = cicada.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{path}");
        assert_secure(&answer, path);
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_are_reached_by_tls_stay_with_it() {
    let cicada = Cicada::new();
    for (host, over_tls, stays) in [
        ("cicada.example.com", true, true),
        ("cicada.example.com:8089", true, true),
        ("cicada.example.com", false, false),
        // it would hold for everything else on the machine
        ("localhost:8089", true, false),
        ("LOCALHOST.", true, false),
        ("cicada.localhost", true, false),
    ] {
        let visitor = Visitor {
            address: "192.0.2.1".parse().unwrap(),
            over_tls,
        };
        let asked = Request::get("/health")
            .header("host", host)
            .extension(visitor);
        let answer = cicada.send(asked.body(Body::empty()).unwrap()).await;
        let header = answer.headers.get("strict-transport-security");
        let expected = stays.then_some("max-age=2592000".as_bytes());
        assert_eq!(header.map(|header| header.as_bytes()), expected, "{host}");
    }
}

async fn broken(failure: fn() -> StoreError) -> (Arc<FaultyStore>, Cicada<FaultyStore>) {
    let store = Arc::<FaultyStore>::default();
    let clock = Clock::following_tokio(epoch());
    let cicada = Cicada::on(Arc::clone(&store), ControlSettings::new(workload()), clock);
    store.fail_with(Calls::All, failure);
    (store, cicada)
}

#[tokio::test(start_paused = true)]
async fn what_breaks_inside_is_one_line_that_shows_nothing() {
    let (store, cicada) = broken(|| panic!("the secret {} is out", 42)).await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/stats/requests"),
        ("GET", "/ledger"),
        ("POST", "/swarm"),
        ("POST", "/stop"),
        ("POST", "/stats/reset"),
        ("GET", "/workload"),
    ] {
        let body = "user_count=1&spawn_rate=1";
        let answer = cicada.call(method, path, Some(FORM), body).await;
        let asked = format!("{method} {path}");
        assert_eq!(answer.status, 500, "{asked}");
        let message = "something broke inside: the log of the server says what";
        let expected = serde_json::json!({"success": false, "message": message});
        assert_eq!(answer.json(), expected, "{asked}");
        assert_secure(&answer, &asked);
    }
    // it was no more than these answers
    store.recover();
    assert_eq!(cicada.get("/stats/requests").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_the_store_says_is_one_line() {
    let (_store, cicada) = broken(|| {
        let source = std::io::Error::other("at /secret/path, line 7");
        StoreError::Unavailable(Box::new(source))
    })
    .await;
    for (method, path) in ASKED.map(|(method, path, _)| (method, path)) {
        let answer = cicada.call(method, path, Some(FORM), "").await;
        assert!(
            !answer.body.contains("secret"),
            "{method} {path}: {}",
            answer.body
        );
        assert!(
            answer.body.trim_end().lines().count() <= 1,
            "{method} {path}"
        );
    }
}
