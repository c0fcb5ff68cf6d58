//! A server that takes what is exported, for tests: it reads OTLP with the protocol's own messages, keeps
//! everything, and behaves as badly as it is told to.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
pub use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};
pub use opentelemetry_proto::tonic::trace::v1::{
    Span, span::SpanKind, status::StatusCode as SpanStatus,
};
use parking_lot::{Mutex, MutexGuard};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How a receiver answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// It takes what it gets.
    #[default]
    Takes,
    /// It answers with this status and keeps nothing.
    Refuses(u16),
    /// It never answers.
    Hangs,
}

/// A receiver on this machine; ends when dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    kept: Kept,
    server: JoinHandle<()>,
}

/// What has arrived.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Arrived>>);

#[derive(Debug, Default)]
struct Arrived {
    behaviour: Behaviour,
    /// Path and headers of every request, taken or not.
    requests: Vec<(String, HeaderMap)>,
    spans: Vec<(Attributes, Span)>,
    metrics: Vec<(Attributes, Metric)>,
    unreadable: u32,
}

/// Attributes by name, as text.
pub type Attributes = BTreeMap<String, String>;

impl Receiver {
    /// Starts a receiver on a free port.
    pub async fn start(behaviour: Behaviour) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let kept = Kept::default();
        kept.arrived().behaviour = behaviour;
        let router = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .with_state(kept.clone());
        let server = tokio::spawn(async move {
            // it ends with the test
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            address,
            kept,
            server,
        })
    }

    /// What belongs in `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Behaves so from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.kept.arrived().behaviour = behaviour;
    }

    /// Path and headers of every request so far, taken or not.
    pub fn requests(&self) -> Vec<(String, HeaderMap)> {
        self.kept.arrived().requests.clone()
    }

    /// Every span so far, with the attributes of the process that it comes from.
    pub fn spans(&self) -> Vec<(Attributes, Span)> {
        self.kept.arrived().spans.clone()
    }

    /// Every metric of every export so far, with the attributes of the process that it comes from.
    pub fn metrics(&self) -> Vec<(Attributes, Metric)> {
        self.kept.arrived().metrics.clone()
    }

    /// Requests that were no OTLP.
    pub fn unreadable(&self) -> u32 {
        self.kept.arrived().unreadable
    }

    /// Waits until `is_there` finds what it looks for.
    ///
    /// # Panics
    /// When it does not for half a minute.
    pub async fn wait_for(&self, what: &str, is_there: impl Fn(&Self) -> bool) {
        for _ in 0..1_500 {
            if is_there(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no {what} arrived");
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Kept {
    fn arrived(&self) -> MutexGuard<'_, Arrived> {
        self.0.lock()
    }

    /// Notes a request, and does what the behaviour says; the body if it is to be taken.
    async fn take(
        &self,
        path: &str,
        headers: HeaderMap,
        body: &[u8],
    ) -> Result<Vec<u8>, StatusCode> {
        let behaviour = {
            let mut arrived = self.arrived();
            arrived.requests.push((path.to_owned(), headers.clone()));
            arrived.behaviour
        };
        match behaviour {
            Behaviour::Takes => {}
            Behaviour::Refuses(status) => {
                return Err(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY));
            }
            Behaviour::Hangs => std::future::pending().await,
        }
        let plain = match headers.get("content-encoding") {
            None => Some(body.to_vec()),
            Some(encoding) if encoding == "gzip" => {
                let mut plain = Vec::new();
                let mut decoder = flate2::read::GzDecoder::new(body);
                decoder.read_to_end(&mut plain).is_ok().then_some(plain)
            }
            Some(_) => None,
        };
        let is_protobuf = headers
            .get("content-type")
            .is_some_and(|kind| kind == "application/x-protobuf");
        plain
            .filter(|_| is_protobuf)
            .ok_or_else(|| self.unreadable())
    }

    fn unreadable(&self) -> StatusCode {
        self.arrived().unreadable += 1;
        StatusCode::BAD_REQUEST
    }
}

async fn traces(
    State(kept): State<Kept>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(), StatusCode> {
    let body = kept.take("/v1/traces", headers, &body).await?;
    let request = ExportTraceServiceRequest::decode(&*body).map_err(|_| kept.unreadable())?;
    let mut arrived = kept.arrived();
    for group in request.resource_spans {
        let process = attributes(&group.resource.unwrap_or_default().attributes);
        let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
        let spans = spans.map(|span| (process.clone(), span));
        arrived.spans.extend(spans);
    }
    Ok(())
}

async fn metrics(
    State(kept): State<Kept>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(), StatusCode> {
    let body = kept.take("/v1/metrics", headers, &body).await?;
    let request = ExportMetricsServiceRequest::decode(&*body).map_err(|_| kept.unreadable())?;
    let mut arrived = kept.arrived();
    for group in request.resource_metrics {
        let process = attributes(&group.resource.unwrap_or_default().attributes);
        let metrics = group
            .scope_metrics
            .into_iter()
            .flat_map(|scope| scope.metrics);
        let metrics = metrics.map(|metric| (process.clone(), metric));
        arrived.metrics.extend(metrics);
    }
    Ok(())
}

/// Attributes by name, as text.
pub fn attributes(attributes: &[KeyValue]) -> Attributes {
    let text = |attribute: &KeyValue| {
        let value = attribute.value.as_ref()?.value.as_ref()?;
        Some(match value {
            any_value::Value::StringValue(text) => text.clone(),
            any_value::Value::IntValue(number) => number.to_string(),
            any_value::Value::DoubleValue(number) => number.to_string(),
            any_value::Value::BoolValue(truth) => truth.to_string(),
            other => format!("{other:?}"),
        })
    };
    let named = attributes.iter();
    named
        .filter_map(|attribute| Some((attribute.key.clone(), text(attribute)?)))
        .collect()
}
