//! A telemetry that is told of made-up requests, and a receiver.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use telemetry::receiver::{Attributes, Behaviour, Metric, Receiver, Span};
use telemetry::{Telemetry, TelemetrySettings};
use traffic::clock::{Slot, Timestamp};
use traffic::custom_metric::{Amount, CustomMetric, MetricKind};
use traffic::record::{Fate, Measured, RequestName, Streamed};
use traffic::run::RunId;
use traffic::telemetry::{
    GenAi, Iteration, IterationEnd, Observer as _, RequestEnd, SpanContext, SpanId, TraceId,
    USER_AGENT,
};

/// Plenty of time to export in.
pub(crate) const LONG: Duration = Duration::from_secs(120);

pub(crate) struct Scene {
    pub(crate) telemetry: Telemetry,
    pub(crate) receiver: Receiver,
}

/// A request as a test wants it.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) url: &'static str,
    pub(crate) method: &'static str,
    pub(crate) name: &'static str,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<&'static str>,
    pub(crate) took_ms: u64,
    pub(crate) is_ours: bool,
    pub(crate) streamed: Option<Streamed>,
    pub(crate) model: Option<&'static str>,
    /// Name, unit and value of a histogram if it has a unit, else of a counter.
    pub(crate) measured: Option<(&'static str, &'static str, f64)>,
}

pub(crate) const GET: Sent = Sent {
    url: "http://shop.example:8000/products?token=abc",
    method: "GET",
    name: "GET /products",
    status: Some(200),
    error: None,
    took_ms: 30,
    is_ours: true,
    streamed: None,
    model: None,
    measured: None,
};

pub(crate) fn began() -> Timestamp {
    Slot(1_700_000_000).full_second()
}

pub(crate) fn context() -> SpanContext {
    SpanContext {
        trace: TraceId::random(),
        span: SpanId::random(),
        sampled: true,
    }
}

impl Scene {
    pub(crate) async fn new(variables: &[(&str, &str)]) -> Self {
        Self::at(Receiver::start(Behaviour::Takes).await.unwrap(), variables)
    }

    pub(crate) fn at(receiver: Receiver, variables: &[(&str, &str)]) -> Self {
        Self {
            telemetry: telemetry(&receiver.endpoint(), variables),
            receiver,
        }
    }

    /// Tells of an iteration with these requests; the iteration's context and the requests'.
    pub(crate) fn iteration(&self, requests: &[Sent]) -> (SpanContext, Vec<SpanContext>) {
        let mut context = context();
        context.sampled = self.telemetry.samples(context.trace);
        let run = RunId("the-run".into());
        let iteration = Iteration {
            context,
            run: &run,
            class: "ModelAUser",
            task: "check_and_repair",
            user: 7,
            number: 41,
        };
        let mut contexts = Vec::new();
        let mut sent_at = began();
        for sent in requests {
            let own = SpanContext {
                span: SpanId::random(),
                ..context
            };
            contexts.push(own);
            let method: Method = sent.method.parse().unwrap();
            let name = RequestName {
                method: method.as_str().into(),
                name: sent.name.into(),
            };
            let response_time = Duration::from_millis(sent.took_ms);
            let measured: Vec<Measured> = sent.measured.iter().map(measured).collect();
            self.telemetry.request(
                &iteration,
                &RequestEnd {
                    context: sent.is_ours.then_some(own),
                    name: &name,
                    method: &method,
                    url: &Url::parse(sent.url).unwrap(),
                    user_agent: Some(&USER_AGENT),
                    sent_at,
                    response_time,
                    lateness: Some(Duration::from_micros(700)),
                    first_byte: sent.streamed.map(|streamed| streamed.first_byte),
                    streamed: sent.streamed.as_ref(),
                    measured: &measured,
                    gen_ai: sent.model.map(|model| GenAi {
                        model: Some(model),
                        provider: Some("ollama"),
                    }),
                    status: sent
                        .status
                        .map(|status| StatusCode::from_u16(status).unwrap()),
                    error: sent.error,
                },
            );
            sent_at = sent_at + response_time;
        }
        let end = IterationEnd {
            began_at: began(),
            ended_at: sent_at,
            fate: Fate::Done,
            error: requests.iter().find_map(|sent| sent.error),
        };
        self.telemetry.iteration(&iteration, &end);
        (context, contexts)
    }

    pub(crate) fn span(&self, context: SpanContext) -> (Attributes, Span) {
        let spans = self.receiver.spans();
        let id = context.span.to_bytes();
        let mut found = spans.into_iter().filter(|(_, span)| span.span_id == id);
        let one = found.next().expect("the span arrived");
        assert!(found.next().is_none(), "it arrived once");
        assert_eq!(one.1.trace_id, context.trace.to_bytes());
        one
    }

    /// The metrics of this name, in the order of their exports.
    pub(crate) fn metrics(&self, name: &str) -> Vec<Metric> {
        let metrics = self.receiver.metrics().into_iter();
        let named = metrics.map(|(_, metric)| metric);
        named.filter(|metric| metric.name == name).collect()
    }
}

fn measured(&(name, unit, value): &(&str, &str, f64)) -> Measured {
    let kind = match unit {
        "" => MetricKind::Counter,
        _ => MetricKind::Histogram,
    };
    Measured {
        metric: Arc::new(CustomMetric {
            name: name.into(),
            kind,
            unit: unit.into(),
        }),
        amount: Amount::of(value),
    }
}

/// A telemetry that exports to `endpoint`.
pub(crate) fn telemetry(endpoint: &str, variables: &[(&str, &str)]) -> Telemetry {
    let settings = TelemetrySettings::read(&|name: &str| {
        let set = variables.iter().find(|(variable, _)| *variable == name);
        let given = set.map(|(_, value)| (*value).to_owned());
        given.or_else(|| (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| endpoint.to_owned()))
    });
    Telemetry::start(&settings.unwrap().unwrap()).unwrap()
}
