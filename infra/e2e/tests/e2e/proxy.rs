//! A proxy between the functions and the emulator: counts calls by service and operation, and breaks
//! what it is told to for a while: DynamoDB, or the punctuality of wake-ups.
//!
//! What the emulator does by itself, polling its queues and firing its schedules, does not come by here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::emulator::client;

/// What the fan-out sends wake-ups with.
const SEND: &str = "AmazonSQS.SendMessageBatch";

/// Where event source mappings are.
const MAPPINGS: &str = "/event-source-mappings/";

/// Nothing is longer, a function that is deployed included.
const MAX_BODY: usize = 64 << 20;

/// What is broken for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// DynamoDB refuses every call: too much for what is provisioned.
    Throttled,
    /// Connections to DynamoDB are cut off without an answer.
    Away,
    /// Wake-ups that are sent come this many seconds later than they should.
    Late(i64),
    /// Each message with wake-ups comes up to so many seconds later than it should, in no order.
    OutOfOrder(i64),
    /// Batches of wake-ups are not passed on, and whoever sends one gets no answer.
    NoSends,
    /// The mapping of the queue is not switched on yet: whoever asks for it or looks is told that it is being done.
    SlowMapping,
}

/// Calls by service and operation, such as `DynamoDB.PutItem`.
pub(crate) type Calls = BTreeMap<String, u64>;

/// The proxy; runs until the test's runtime ends.
#[derive(Clone)]
pub(crate) struct Proxy {
    state: Arc<Shared>,
    address: SocketAddr,
}

struct Shared {
    emulator: String,
    client: reqwest::Client,
    calls: Mutex<Calls>,
    fault: Mutex<Option<(Fault, Instant)>>,
}

impl Proxy {
    /// A proxy on a free port before the emulator at `emulator`, a base URL.
    pub(crate) async fn start(emulator: &str) -> Self {
        let state = Arc::new(Shared {
            emulator: emulator.into(),
            client: client(),
            calls: Mutex::default(),
            fault: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new()
            .fallback(pass_on)
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { state, address }
    }

    /// Its base URL: the functions' `AWS_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was called since the start or the last [`Proxy::take_calls`].
    pub(crate) fn take_calls(&self) -> Calls {
        std::mem::take(&mut *self.state.calls.lock())
    }

    /// Ends a fault early.
    pub(crate) fn mend(&self) {
        *self.state.fault.lock() = None;
    }

    /// How often something was called since the start or the last [`Proxy::take_calls`].
    pub(crate) fn called(&self, call: &str) -> u64 {
        self.state
            .calls
            .lock()
            .get(call)
            .copied()
            .unwrap_or_default()
    }

    /// Lets something be broken for a while from now on.
    pub(crate) fn fault(&self, fault: Fault, time: Duration) {
        *self.state.fault.lock() = Some((fault, Instant::now() + time));
    }
}

async fn pass_on(State(state): State<Arc<Shared>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    // what is sent on may be longer
    parts.headers.remove("content-length");
    let call = call(&parts.headers, parts.uri.path());
    *state.calls.lock().entry(call.clone()).or_default() += 1;
    let Ok(mut body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let fault = state
        .fault
        .lock()
        .filter(|(_, until)| Instant::now() < *until);
    match fault.map(|(fault, _)| fault) {
        Some(Fault::Throttled) if call.starts_with("DynamoDB") => return throttled(),
        Some(Fault::Away) if call.starts_with("DynamoDB") => return cut_off(),
        Some(Fault::NoSends) if call == SEND => return std::future::pending().await,
        Some(Fault::SlowMapping) if parts.uri.path().contains(MAPPINGS) => return enabling(),
        Some(Fault::Late(seconds)) if call == SEND => body = delayed(&body, |_| seconds),
        Some(Fault::OutOfOrder(most)) if call == SEND => {
            body = delayed(&body, |number| number * 7 % (most + 1));
        }
        _ => {}
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let sent = state
        .client
        .request(parts.method, format!("{}{path}", state.emulator))
        .headers(parts.headers)
        .body(body)
        .send();
    match sent.await {
        Ok(answer) => answered(answer).await,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn answered(answer: reqwest::Response) -> Response {
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove("transfer-encoding");
    headers.remove("content-length");
    let body: Bytes = answer.bytes().await.unwrap_or_default();
    (status, headers, body).into_response()
}

/// Too much for what is provisioned, as DynamoDB says it.
fn throttled() -> Response {
    (
        StatusCode::BAD_REQUEST,
        [("content-type", "application/x-amz-json-1.0")],
        r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Throughput exceeds the current capacity of your table"}"#,
    )
        .into_response()
}

/// An event source mapping that is being switched on: asked to switch it on, AWS says so, and so when asked how it is.
fn enabling() -> Response {
    let state = r#"{"UUID":"0","State":"Enabling"}"#;
    ([("content-type", "application/json")], state).into_response()
}

/// A body that breaks off at once: the connection is closed without a whole answer.
fn cut_off() -> Response {
    let broken =
        futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("away")) });
    Response::new(Body::from_stream(broken))
}

/// Messages that are due later are not delayed further: a plan reaches some minutes ahead.
const DUE_WITHIN: i64 = 120;

/// A batch of messages whose delays are longer by what `more` says for each.
fn delayed(body: &[u8], more: impl Fn(i64) -> i64) -> Bytes {
    let mut batch: Value = serde_json::from_slice(body).unwrap();
    for (number, entry) in (0..).zip(batch["Entries"].as_array_mut().unwrap()) {
        let delay = entry["DelaySeconds"].as_i64().unwrap_or_default();
        if delay <= DUE_WITHIN {
            entry["DelaySeconds"] = (delay + more(number)).into();
        }
    }
    batch.to_string().into()
}

/// What a request calls, by the header that the JSON protocols have or by the path.
fn call(headers: &HeaderMap, path: &str) -> String {
    let target = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    match target.and_then(|target| target.split_once('.')) {
        Some((service, operation)) => {
            let service = service.split('_').next().unwrap_or(service);
            format!("{service}.{operation}")
        }
        None => format!("other {}", path.split('/').nth(1).unwrap_or_default()),
    }
}
