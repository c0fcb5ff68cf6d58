//! A stage in memory with any number of aggregators, and the events of a Function URL.

use std::sync::Arc;
use std::time::Duration;

use aggregator_cloud::Cloud;
use aggregator_cloud::function::{Refused, answer};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use control::ControlSettings;
use lambda_http::{Body as LambdaBody, IntoResponse as _};
use serde_json::{Value, json};
use testing::{MemoryHeartbeat, MemoryQueue, MemoryStore};
use tower::ServiceExt as _;
use traffic::clock::{Clock, Slot, Timestamp};
use traffic::workload::Workload;
use web::api::{Door, Trusted};
use web::logs::LogBuffer;

/// The user and the password of the stage.
pub(crate) const PASSWORD: &str = "demo:a pass:word";

/// The content type of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// When the tests' time begins.
pub(crate) fn epoch() -> Timestamp {
    Slot(1_800_000_000).full_second() + Duration::from_millis(333)
}

/// What instances share.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) clock: Clock,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) heartbeat: Arc<MemoryHeartbeat>,
    queue: Arc<MemoryQueue>,
}

pub(crate) type MemoryCloud = Cloud<MemoryStore, MemoryQueue, MemoryHeartbeat>;

/// One aggregator.
pub(crate) struct Instance {
    pub(crate) cloud: MemoryCloud,
}

/// What was answered.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            clock: Clock::following_tokio(epoch()),
            store: Arc::new(MemoryStore::with_marker_lead(Duration::from_secs(1))),
            heartbeat: Arc::default(),
            queue: Arc::default(),
        }
    }

    /// A new instance, as cold as any.
    pub(crate) fn instance(&self) -> Instance {
        self.instance_with(|_| {})
    }

    /// The same, with settings of its own.
    pub(crate) fn instance_with(&self, change: impl FnOnce(&mut ControlSettings)) -> Instance {
        let deployment =
            testing::deployment(&self.store, &self.queue, &self.heartbeat, &self.clock);
        let workload = Workload::built_in(&|_| None).unwrap();
        let mut settings = ControlSettings {
            seed: Some(7),
            ..ControlSettings::new(Arc::new(workload))
        };
        change(&mut settings);
        let door = Door::with_basic_auth(PASSWORD).unwrap().in_function();
        let cloud = Cloud::new(Arc::new(deployment), settings, door, LogBuffer::default()).unwrap();
        Instance { cloud }
    }
}

impl Instance {
    /// What the function answers to an event; binary bodies are shown as base64.
    pub(crate) async fn call(&self, event: &Event) -> Result<Answer, Refused> {
        let request = lambda_http::request::from_str(&event.0.to_string()).unwrap();
        let response = answer(self.cloud.router(), request).await?;
        let (parts, body) = response.into_response().await.into_parts();
        let body = match body {
            LambdaBody::Empty => String::new(),
            LambdaBody::Text(text) => text,
            LambdaBody::Binary(bytes) => BASE64_STANDARD.encode(bytes),
            _ => panic!("a body of another kind"),
        };
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    /// The same request to the router, as a server passes it on.
    pub(crate) async fn serve(&self, event: &Event) -> Answer {
        let mut request = Request::builder()
            .method(event.text("/requestContext/http/method"))
            .uri(event.uri());
        for (name, value) in event.0["headers"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        let request = request.body(Body::from(event.body())).unwrap();
        received(self.cloud.router().oneshot(request).await.unwrap()).await
    }

    /// Waits until a run that is over, and still `stopping`, is `stopped`: nobody executes its ticks here, so that
    /// is once none of them can be written any more.
    pub(crate) async fn stopped(&self) {
        let state = async || self.get("/stats/requests").await.json()["state"].take();
        assert_eq!(state().await, "stopping");
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match state().await {
                state if state == "stopped" => return,
                state => assert_eq!(state, "stopping"),
            }
        }
        panic!("it does not stop");
    }

    /// What the router answers to somebody inside.
    pub(crate) async fn get(&self, uri: &str) -> Answer {
        let request = Request::get(uri).extension(Trusted);
        let request = request.body(Body::empty()).unwrap();
        received(self.cloud.router().oneshot(request).await.unwrap()).await
    }
}

async fn received(response: axum::response::Response) -> Answer {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// An event of a Function URL, payload version 2.0.
#[derive(Clone, Debug)]
pub(crate) struct Event(pub(crate) Value);

impl Event {
    /// A request with the password; what follows a `?` is the query.
    pub(crate) fn new(method: &str, uri: &str) -> Self {
        let anonymous = Self::anonymous(method, uri);
        let password = format!("Basic {}", BASE64_STANDARD.encode(PASSWORD));
        anonymous.header("authorization", &password)
    }

    /// The same without the password.
    pub(crate) fn anonymous(method: &str, uri: &str) -> Self {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        Self(json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {
                "x-amzn-tls-version": "TLSv1.3",
                "x-amzn-trace-id": "Root=1-5eb33c07-de25b420912dee103a5db434",
                "x-forwarded-proto": "https",
                "x-forwarded-port": "443",
                "x-forwarded-for": "203.0.113.7",
                "host": "abc.lambda-url.eu-central-1.on.aws",
                "accept": "*/*",
                "user-agent": "curl/8.5.0",
            },
            "requestContext": {
                "accountId": "anonymous",
                "apiId": "abc",
                "domainName": "abc.lambda-url.eu-central-1.on.aws",
                "domainPrefix": "abc",
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.7",
                    "userAgent": "curl/8.5.0",
                },
                "requestId": "2f0b1c3d-0000-4000-8000-000000000000",
                "routeKey": "$default",
                "stage": "$default",
                "time": "15/Jan/2027:08:00:00 +0000",
                "timeEpoch": 1_800_000_000_333_u64,
            },
            "isBase64Encoded": false,
        }))
    }

    /// From this address.
    pub(crate) fn of(mut self, address: &str) -> Self {
        self.0["requestContext"]["http"]["sourceIp"] = address.into();
        self
    }

    /// With this cookie, in the list that these events have for them.
    pub(crate) fn with_cookie(mut self, cookie: &str) -> Self {
        self.0["cookies"] = json!([cookie]);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = value.into();
        self
    }

    /// With a body that Lambda takes for text.
    pub(crate) fn with_body(mut self, kind: &str, body: &str) -> Self {
        self.0["body"] = body.into();
        self.header("content-type", kind)
    }

    /// With a body as Lambda passes on what it does not take for text.
    pub(crate) fn with_encoded_body(mut self, kind: &str, body: &str) -> Self {
        self.0["body"] = BASE64_STANDARD.encode(body).into();
        self.0["isBase64Encoded"] = true.into();
        self.header("content-type", kind)
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    fn uri(&self) -> String {
        match self.text("/rawQueryString") {
            "" => self.text("/rawPath").to_owned(),
            query => format!("{}?{query}", self.text("/rawPath")),
        }
    }

    fn body(&self) -> Vec<u8> {
        let body = self.0["body"].as_str().unwrap_or_default();
        if self.0["isBase64Encoded"] == true {
            return BASE64_STANDARD.decode(body).unwrap();
        }
        body.as_bytes().to_vec()
    }
}
