//! Spans: one for each iteration, and below it one for each of its requests, as the semantic conventions
//! for HTTP clients have it.
//!
//! A span is put together when it has ended, with the ids that were sent, and handed to the SDK's batch
//! processor. That holds at most `OTEL_BSP_MAX_QUEUE_SIZE` of them and drops what is too much.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, TraceId as OtelTraceId};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, Sampler, SamplingDecision, ShouldSample as _, SpanData, SpanEvents,
    SpanLinks, SpanProcessor as _,
};
use opentelemetry_semantic_conventions::attribute as semconv;
use traffic::clock::Timestamp;
use traffic::record::RequestName;
use traffic::telemetry::{self, Iteration, IterationEnd, RequestEnd, TraceId};

use crate::attributes::{self, USER_CLASS};
use crate::client::{Client, Exports};
use crate::gen_ai;
use crate::settings::Signal;
use crate::url;

/// The time that spans may take to be exported at the end; whoever calls waits no longer than it wants to.
const SHUT_DOWN: Duration = Duration::from_secs(5);

/// Makes spans and exports them.
pub(crate) struct Spans {
    processor: BatchSpanProcessor,
    sampler: Sampler,
    scope: InstrumentationScope,
    told: AtomicU64,
}

impl Spans {
    /// Starts exporting every five seconds, or as `OTEL_BSP_...` says.
    pub(crate) fn start(
        signal: &Signal,
        client: Client,
        sampler: Sampler,
        resource: &Resource,
        scope: InstrumentationScope,
    ) -> Result<Self, ExporterBuildError> {
        let exports = client.exports();
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client.within(signal.timeout))
            .with_endpoint(signal.endpoint.as_str())
            .with_headers(signal.headers.clone())
            .with_timeout(signal.timeout)
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary);
        if signal.is_compressed {
            exporter = exporter.with_compression(opentelemetry_otlp::Compression::Gzip);
        }
        let exporter = exporter.build()?;
        let mut processor = BatchSpanProcessor::builder(Counted { exporter, exports }).build();
        processor.set_resource(resource);
        Ok(Self {
            processor,
            sampler,
            scope,
            told: AtomicU64::new(0),
        })
    }

    pub(crate) fn samples(&self, trace: TraceId) -> bool {
        let trace = OtelTraceId::from_bytes(trace.to_bytes());
        let kind = SpanKind::Internal;
        let sampled = self.sampler.should_sample(None, trace, "", &kind, &[], &[]);
        sampled.decision == SamplingDecision::RecordAndSample
    }

    pub(crate) fn request(&self, iteration: &Iteration<'_>, request: &RequestEnd<'_>) {
        let Some(context) = request.context else {
            return;
        };
        let mut attributes = attributes::of(iteration, request);
        attributes.push(KeyValue::new(semconv::URL_FULL, url::shown(request.url)));
        let agent = request.user_agent.and_then(|agent| agent.to_str().ok());
        attributes.extend(
            agent.map(|agent| KeyValue::new(semconv::USER_AGENT_ORIGINAL, agent.to_owned())),
        );
        attributes.extend(gen_ai::of_span(request));
        self.end(Ended {
            context,
            parent: span_id(iteration.context.span),
            kind: SpanKind::Client,
            name: name(request.name),
            times: (request.sent_at, request.sent_at + request.response_time),
            attributes,
            error: request.error,
        });
    }

    pub(crate) fn iteration(&self, iteration: &Iteration<'_>, end: &IterationEnd<'_>) {
        // numbers of iterations are far below 2^63
        let number = i64::try_from(iteration.number).unwrap_or(i64::MAX);
        self.end(Ended {
            context: iteration.context,
            parent: SpanId::INVALID,
            kind: SpanKind::Internal,
            name: format!("{} {}", iteration.class, iteration.task),
            times: (end.began_at, end.ended_at),
            attributes: vec![
                KeyValue::new("cicada.run", iteration.run.0.to_string()),
                KeyValue::new(USER_CLASS, iteration.class.to_owned()),
                KeyValue::new("cicada.user", i64::from(iteration.user)),
                KeyValue::new("cicada.task", iteration.task.to_owned()),
                KeyValue::new("cicada.iteration", number),
            ],
            error: end.error,
        });
    }

    fn end(&self, span: Ended<'_>) {
        if !span.context.sampled {
            return;
        }
        let context = SpanContext::new(
            OtelTraceId::from_bytes(span.context.trace.to_bytes()),
            span_id(span.context.span),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        );
        let (start_time, end_time) = span.times;
        let error = span.error.map(|error| Status::error(error.to_owned()));
        self.told.fetch_add(1, Ordering::Relaxed);
        self.processor.on_end(SpanData {
            span_context: context,
            parent_span_id: span.parent,
            parent_span_is_remote: false,
            span_kind: span.kind,
            name: Cow::Owned(span.name),
            start_time: system_time(start_time),
            end_time: system_time(end_time),
            attributes: span.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: error.unwrap_or_default(),
            instrumentation_scope: self.scope.clone(),
        });
    }

    /// The number of spans that were to be exported so far.
    pub(crate) fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    /// Exports what has ended; waits until that is done, and says whether it went well.
    pub(crate) fn flush(&self) -> bool {
        self.processor.force_flush().is_ok()
    }

    /// The same, and nothing is exported any more.
    pub(crate) fn shut_down(&self) -> bool {
        self.processor.shutdown_with_timeout(SHUT_DOWN).is_ok()
    }
}

/// A span that has ended.
struct Ended<'a> {
    context: telemetry::SpanContext,
    parent: SpanId,
    kind: SpanKind,
    name: String,
    times: (Timestamp, Timestamp),
    attributes: Vec<KeyValue>,
    error: Option<&'a str>,
}

/// An exporter that counts what arrived.
#[derive(Debug)]
struct Counted {
    exporter: SpanExporter,
    exports: Arc<Exports>,
}

impl opentelemetry_sdk::trace::SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let exported = self.exporter.export(batch).await;
        if exported.is_ok() {
            self.exports.exported(spans);
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

fn span_id(span: telemetry::SpanId) -> SpanId {
    SpanId::from_bytes(span.to_bytes())
}

fn system_time(instant: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(instant.micros())
}

/// Method and name of the row, the method once.
fn name(request: &RequestName) -> String {
    let RequestName { method, name } = request;
    match name.strip_prefix(&**method) {
        Some(rest) if rest.starts_with(' ') => name.to_string(),
        _ => format!("{method} {name}"),
    }
}
