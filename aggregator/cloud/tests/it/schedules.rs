//! Schedules call the function directly: they need no password, and a no to them is a failure.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use traffic::ports::{Heartbeat as _, RunStore as _};

use crate::scene::{Event, Stage};

/// What the stage's template and `/schedules` have EventBridge Scheduler send.
fn scheduled(path: &str, body: &str) -> Event {
    Event(json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "cicada-schedule"},
        "requestContext": {
            "apiId": "cicada-schedule",
            "domainName": "cicada-schedule",
            "requestId": "44cbd85d-d6a8-4a6d-9b0d-3f0a0f8c0d52",
            "routeKey": "$default",
            "stage": "$default",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "cicada-schedule",
            },
        },
        "body": body,
        "isBase64Encoded": false,
    }))
}

const SWARM: &str = r#"{"user_count":12,"spawn_rate":6}"#;

#[tokio::test(start_paused = true)]
async fn a_schedule_starts_and_stops_a_run_without_a_password() {
    let stage = Stage::new();
    let instance = stage.instance();
    let answer = instance.call(&scheduled("/swarm", SWARM)).await.unwrap();
    assert_eq!(answer.json()["success"], true);
    assert!(stage.heartbeat.is_on().await.unwrap());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(
        instance.get("/stats/requests").await.json()["user_count"],
        12
    );
    // the next morning another environment may have taken its place
    let answer = stage.instance().call(&scheduled("/stop", "")).await;
    assert_eq!(answer.unwrap().json()["success"], true);
    tokio::time::sleep(Duration::from_secs(5)).await;
    instance.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_with_only_what_matters_is_enough() {
    let instance = Stage::new().instance();
    let event = Event(json!({
        "rawPath": "/swarm",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "apiId": "cicada-schedule",
            "http": {"method": "POST", "path": "/swarm"},
        },
        "body": SWARM,
    }));
    assert_eq!(instance.call(&event).await.unwrap().json()["success"], true);
}

#[tokio::test(start_paused = true)]
async fn what_comes_through_the_url_cannot_pass_for_a_schedule() {
    let stage = Stage::new();
    let instance = stage.instance();
    let context = json!({"apiId": "cicada-schedule", "http": {"method": "POST"}}).to_string();
    let post = || Event::anonymous("POST", "/swarm");
    let within: Value = json!({
        "user_count": 12, "spawn_rate": 6, "requestContext": {"apiId": "cicada-schedule"},
    });
    for event in [
        post().with_body("application/json", SWARM),
        post()
            .with_body("application/json", SWARM)
            .header("host", "cicada-schedule")
            .header("user-agent", "cicada-schedule"),
        post()
            .with_body("application/json", SWARM)
            .header("apiid", "cicada-schedule")
            .header("x-amzn-request-context", &context)
            .header("requestcontext", &context),
        post().with_body("application/json", &within.to_string()),
        post().with_encoded_body(
            "application/json",
            &scheduled("/swarm", SWARM).0.to_string(),
        ),
        Event::anonymous("POST", "/swarm?apiId=cicada-schedule")
            .with_body("application/json", SWARM),
    ] {
        let answer = instance.call(&event).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", event.0);
    }
    assert_eq!(stage.store.latest_run().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_refused_fails_the_call_and_says_why() {
    let instance = Stage::new().instance();
    for (path, body, line) in [
        (
            "/swarm",
            r#"{"user_count":"ten","spawn_rate":1}"#,
            "a schedule's /swarm was refused: ",
        ),
        (
            "/swarm",
            "{}",
            "a schedule's /swarm was refused: user_count is missing: say how many users to run, \
             such as 10",
        ),
        (
            "/nowhere",
            "{}",
            "a schedule's /nowhere was refused: 404 Not Found there is nothing at /nowhere: GET /api \
             names what there is",
        ),
    ] {
        let error = instance.call(&scheduled(path, body)).await.unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with(line), "{error}");
        assert!(!error.contains('\n'));
    }
}
