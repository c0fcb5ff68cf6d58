//! Heartbeat and queue on an AWS that takes its time over a mapping, as no emulator does.

use std::sync::Arc;

use aws_config::Region;
use aws_credential_types::Credentials;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use parking_lot::Mutex;
use traffic::clock::{Slot, Slots};
use traffic::ports::{Delivery, Heartbeat, PlannedWakeUp, Queue, WakeUp};
use traffic::record::Block;
use traffic::run::RunId;

use super::*;
use crate::environment::ScheduleSettings;
use crate::{SchedulerHeartbeat, SqsQueue};

/// What there is, and what was called.
#[derive(Default)]
struct Aws {
    schedule: String,
    mapping: String,
    /// Function, kind of invocation, event.
    invoked: Vec<(String, String, Value)>,
    /// Whoever switches the mapping is told that somebody else does.
    is_in_use: bool,
    /// The next answers are errors of AWS's own.
    fails: usize,
}

type Shared = Arc<Mutex<Aws>>;

/// Answers at an address of this machine, until the test's runtime ends.
async fn serve(aws: &Shared) -> SdkConfig {
    let router = Router::new()
        .route("/schedules/heartbeat", get(schedule).put(switch_schedule))
        .route(
            "/2015-03-31/event-source-mappings/m-1",
            get(mapping).put(switch_mapping),
        )
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .with_state(Arc::clone(aws));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let loader = crate::config::loader()
        .endpoint_url(url)
        .region(Region::from_static("eu-central-1"))
        .credentials_provider(Credentials::new(
            "me",
            "secret",
            Some("token".into()),
            None,
            "test",
        ));
    loader.load().await
}

async fn heartbeat(aws: &Shared) -> SchedulerHeartbeat {
    let settings = ScheduleSettings {
        group: "cicada-x".into(),
        heartbeat: "heartbeat".into(),
        target: None,
    };
    SchedulerHeartbeat::new(&serve(aws).await, settings)
}

fn aws(schedule: &str, mapping: &str) -> Shared {
    Arc::new(Mutex::new(Aws {
        schedule: schedule.into(),
        mapping: mapping.into(),
        ..Aws::default()
    }))
}

async fn schedule(State(aws): State<Shared>) -> Json<Value> {
    Json(json!({
        "Name": "heartbeat", "State": aws.lock().schedule, "ScheduleExpression": "rate(1 minute)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": "arn:aws:lambda:eu-central-1:1:function:cicada-x-fanout", "RoleArn": "arn:aws:iam::1:role/s",
            "Input": r#"{"mapping":"m-1"}"#,
        },
    }))
}

async fn switch_schedule(State(aws): State<Shared>, Json(body): Json<Value>) -> Json<Value> {
    body["State"]
        .as_str()
        .unwrap()
        .clone_into(&mut aws.lock().schedule);
    Json(json!({"ScheduleArn": "arn"}))
}

async fn mapping(State(aws): State<Shared>) -> Response {
    let mut aws = aws.lock();
    if aws.fails > 0 {
        aws.fails -= 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    Json(json!({"UUID": "m-1", "State": aws.mapping})).into_response()
}

async fn switch_mapping(State(aws): State<Shared>, Json(body): Json<Value>) -> Response {
    let mut aws = aws.lock();
    if aws.is_in_use || !matches!(aws.mapping.as_str(), "Enabled" | "Disabled") {
        let code = [(
            "x-amzn-errortype",
            "ResourceInUseException:http://amazonaws.com",
        )];
        let body = Json(json!({"Type": "User", "Message": "it is in use"}));
        return (StatusCode::BAD_REQUEST, code, body).into_response();
    }
    let enabled = body["Enabled"].as_bool().unwrap();
    let state = if enabled { "Enabling" } else { "Disabling" };
    state.clone_into(&mut aws.mapping);
    (StatusCode::ACCEPTED, Json(json!({"State": state}))).into_response()
}

async fn invoke(
    State(aws): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(event): Json<Value>,
) -> StatusCode {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let signature = header("authorization");
    assert!(
        signature.starts_with("AWS4-HMAC-SHA256 Credential=me/"),
        "{signature}"
    );
    assert!(
        signature.contains("/eu-central-1/lambda/aws4_request"),
        "{signature}"
    );
    assert_eq!(header("x-amz-security-token"), "token");
    let kind = header("x-amz-invocation-type");
    aws.lock().invoked.push((name, kind, event));
    StatusCode::ACCEPTED
}

fn states(aws: &Shared) -> (String, String) {
    let aws = aws.lock();
    (aws.schedule.clone(), aws.mapping.clone())
}

fn words(schedule: &str, mapping: &str) -> (String, String) {
    (schedule.to_owned(), mapping.to_owned())
}

#[tokio::test]
async fn schedule_and_mapping_go_on_and_off_together_and_aws_takes_its_time() {
    let aws = aws("DISABLED", "Disabled");
    let heartbeat = heartbeat(&aws).await;
    assert!(!heartbeat.is_on().await.unwrap());
    for _ in 0..2 {
        assert_eq!(heartbeat.turn_on().await.unwrap(), Delivery::Starting);
        assert_eq!(states(&aws), words("ENABLED", "Enabling"));
        assert!(heartbeat.is_on().await.unwrap());
    }
    aws.lock().mapping = "Enabled".into();
    assert_eq!(heartbeat.turn_on().await.unwrap(), Delivery::On);
    for _ in 0..2 {
        heartbeat.turn_off().await.unwrap();
        assert_eq!(states(&aws), words("DISABLED", "Disabling"));
        assert!(!heartbeat.is_on().await.unwrap());
    }
}

#[tokio::test]
async fn a_run_that_begins_right_after_a_stop_is_delivered_once_the_mapping_may_be_changed() {
    let aws = aws("DISABLED", "Disabling");
    let heartbeat = heartbeat(&aws).await;
    assert_eq!(heartbeat.turn_on().await.unwrap(), Delivery::Starting);
    assert_eq!(states(&aws), words("ENABLED", "Disabling"));
    aws.lock().mapping = "Disabled".into();
    // between the look and the change somebody else may change it
    aws.lock().is_in_use = true;
    assert_eq!(heartbeat.turn_on().await.unwrap(), Delivery::Starting);
    aws.lock().is_in_use = false;
    assert_eq!(heartbeat.turn_on().await.unwrap(), Delivery::Starting);
    assert_eq!(states(&aws), words("ENABLED", "Enabling"));
}

#[tokio::test]
async fn a_mapping_that_cannot_be_switched_off_yet_leaves_the_next_beat_to_do_it() {
    let aws = aws("ENABLED", "Enabling");
    let heartbeat = heartbeat(&aws).await;
    heartbeat.turn_off().await.unwrap();
    assert_eq!(states(&aws), words("ENABLED", "Enabling"));
    aws.lock().mapping = "Enabled".into();
    heartbeat.turn_off().await.unwrap();
    assert_eq!(states(&aws), words("DISABLED", "Disabling"));
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_stays_is_one_line() {
    let aws = aws("ENABLED", "Enabled");
    let heartbeat = heartbeat(&aws).await;
    aws.lock().fails = TRIES - 1;
    assert_eq!(heartbeat.turn_on().await.unwrap(), Delivery::On);
    aws.lock().fails = TRIES;
    let line = heartbeat.turn_on().await.unwrap_err().0.to_string();
    assert!(
        line.starts_with("cannot look at the mapping of the queue (event source mapping m-1): "),
        "{line}"
    );
}

#[tokio::test]
async fn the_fan_out_is_called_with_the_input_of_its_schedule() {
    let aws = aws("ENABLED", "Enabling");
    heartbeat(&aws).await.beat_now().await.unwrap();
    let event = json!({"mapping": "m-1"});
    let invoked = ("cicada-x-fanout".to_owned(), "Event".to_owned(), event);
    assert_eq!(aws.lock().invoked, [invoked]);
}

#[tokio::test]
async fn a_tick_is_called_with_the_event_that_the_queue_would_bring() {
    let aws = aws("ENABLED", "Enabling");
    let config = serve(&aws).await;
    let queue = |tick: Option<&str>| {
        let lambda = LambdaApi::new(&config, OneClient::new(ATTEMPT_TIMEOUT));
        SqsQueue::new(&config, "http://sqs/queue", 2, Clock::system())
            .beside(tick.map(str::to_owned), lambda)
    };
    let wake_ups: Vec<WakeUp> = (0..3)
        .map(|block| WakeUp {
            run: RunId("r".into()),
            class: "A".into(),
            block: Block(block),
            slot: Slot(1_800_000_000),
        })
        .collect();
    let tick = queue(Some("cicada-x-tick"));
    let planned: Vec<PlannedWakeUp> = wake_ups.iter().cloned().map(Into::into).collect();
    tick.hand_over(Slots::FULL_SECONDS, planned.clone())
        .await
        .unwrap();
    let mut called = Vec::new();
    for (name, kind, event) in &aws.lock().invoked {
        assert_eq!((name.as_str(), kind.as_str()), ("cicada-x-tick", "Event"));
        let records = event["Records"].as_array().unwrap();
        assert_eq!(
            (records.len(), records[0]["messageId"].is_string()),
            (1, true)
        );
        called.extend(crate::message::decode(records[0]["body"].as_str().unwrap()).unwrap());
    }
    called.sort();
    assert_eq!(called, wake_ups);
    let error = queue(None)
        .hand_over(Slots::FULL_SECONDS, planned)
        .await
        .unwrap_err();
    assert_eq!(error.undelivered, 3);
    assert!(error.source.to_string().contains("CICADA_TICK_FUNCTION"));
}
