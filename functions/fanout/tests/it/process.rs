//! The binary as Lambda starts it: what it refuses, and what it says when AWS refuses it.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::mpsc;

/// However slow the machine is.
const LONG_ENOUGH: Duration = Duration::from_secs(60);

/// The binary with a stage's variables and nothing else; no address of AWS is ever asked.
fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanout"));
    command
        .env_clear()
        .env("CICADA_TABLE", "cicada-demo")
        .env("CICADA_QUEUE_URL", "http://127.0.0.1:1/wake-ups")
        .env("CICADA_SCHEDULE_GROUP", "cicada-demo")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "hush-hush")
        .env("AWS_LAMBDA_FUNCTION_NAME", "cicada-demo-fanout")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address.to_string()
}

/// What the function says to Lambda of one call with this event, and what it logged meanwhile.
async fn invoke(mut command: Command, event: Value) -> (String, Value, String) {
    type Answers = mpsc::Sender<(String, Value)>;
    let (sender, mut answers) = mpsc::channel(1);
    let event = Arc::new(parking_lot::Mutex::new(Some(event)));
    let next = async move || {
        let event = event.lock().take();
        match event {
            Some(event) => {
                let id = ("lambda-runtime-aws-request-id", "1");
                let deadline = ("lambda-runtime-deadline-ms", "4102444800000");
                ([id, deadline], Json(event))
            }
            None => std::future::pending().await,
        }
    };
    let answer = async |State(sender): State<Answers>,
                        Path((_, kind)): Path<(String, String)>,
                        body: String| {
        let body = serde_json::from_str(&body).expect("answers are JSON");
        let _ = sender.send((kind, body)).await;
        StatusCode::ACCEPTED
    };
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answer))
        .with_state(sender);
    command.env("AWS_LAMBDA_RUNTIME_API", serve(router).await);
    let mut process = command.spawn().expect("it is built");
    let answered = tokio::time::timeout(LONG_ENOUGH, answers.recv()).await;
    let (kind, body) = answered.expect("it answers").expect("to this one");
    process.start_kill().expect("it still runs");
    let output = process.wait_with_output().await.expect("it has ended");
    let log = String::from_utf8(output.stdout).expect("lines are text");
    (kind, body, log)
}

#[tokio::test]
async fn a_wrong_setting_is_one_line_and_exit_code_2() {
    let mut command = command();
    let output = command.env("CICADA_QUEUE_URL", "wake-ups").output();
    let output = tokio::time::timeout(LONG_ENOUGH, output).await;
    let output = output.expect("it ends by itself").expect("it is built");
    assert_eq!(output.status.code(), Some(2));
    let line: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!(
        line["fields"],
        json!({
            "message": "cannot start",
            "error": "CICADA_QUEUE_URL is \"wake-ups\": deploy with infra/deploy, or set it to the \
                      queue's URL, such as https://sqs.REGION.amazonaws.com/...",
        })
    );
}

#[tokio::test]
async fn a_table_that_it_may_not_read_fails_the_call_with_what_to_allow() {
    let denied = any(async || {
        let message = "User: x is not authorized to perform: dynamodb:Query";
        let body = json!({"__type": "com.amazonaws#AccessDeniedException", "message": message});
        (StatusCode::BAD_REQUEST, Json(body))
    });
    let aws = serve(Router::new().fallback(denied)).await;
    let mut command = command();
    command.env("AWS_ENDPOINT_URL", format!("http://{aws}"));
    // what EventBridge Scheduler sends unless it is told otherwise
    let event = json!({
        "version": "0", "id": "d6a8", "detail-type": "Scheduled Event", "source": "aws.scheduler",
        "account": "1", "time": "2027-01-15T08:00:00Z", "region": "eu-central-1",
        "resources": ["arn:aws:scheduler:eu-central-1:1:schedule/cicada-demo/heartbeat"],
        "detail": "{}",
    });
    let (kind, body, log) = invoke(command, event).await;
    assert_eq!(kind, "error");
    assert_eq!(body["errorType"], "FanOutError");
    let error = body["errorMessage"].as_str().expect("a text");
    assert!(error.starts_with("fan-out has no run: "), "{error}");
    let expected = ": not allowed; allow dynamodb:Query on it, as the stack's \
                    roles do (User: x is not authorized to perform: dynamodb:Query)";
    assert!(error.contains("table cicada-demo"), "{error}");
    assert!(error.contains(expected), "{error}");
    assert!(!error.contains('\n'));
    assert!(log.contains("the next minute is not planned yet"), "{log}");
    assert!(!log.contains("hush-hush"), "{log}");
}

#[tokio::test]
async fn whatever_the_event_holds_is_ignored() {
    for event in [Value::Null, json!("beat"), json!([1, {"run": "x"}])] {
        let (kind, body, _) = invoke(command(), event).await;
        // it got as far as the store, which is away
        assert_eq!(kind, "error");
        assert_eq!(body["errorType"], "FanOutError");
    }
}
