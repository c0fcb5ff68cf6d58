//! Spans and metrics of the traffic, sent by OTLP to where the `OTEL_` variables say.
//!
//! [`Telemetry`] is an [`Observer`] on the official OpenTelemetry SDK. What it is told goes into bounded
//! queues; threads of the SDK's empty them, and the process's runtime sends. So traffic waits for
//! nothing: what a collector does not take in time is dropped, and said in the log once a minute.
//! The crate decides what spans and metrics look like; ids and when there is something to tell are
//! [`traffic::telemetry`]'s.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::time::Instant;
use traffic::telemetry::{Exporter, Iteration, IterationEnd, Observer, RequestEnd, TraceId};

mod attributes;
mod client;
mod custom_metrics;
mod error;
mod gen_ai;
mod metrics;
#[cfg(feature = "receiver")]
pub mod receiver;
mod settings;
mod spans;
mod url;

use client::{Client, Exports};
pub use error::StartError;
use metrics::Metrics;
pub use settings::{SettingError, TelemetrySettings};
use spans::Spans;

/// A collector that has not taken everything in time is not waited for again so soon.
const PATIENT_AGAIN: Duration = Duration::from_secs(60);

/// Makes spans and metrics of what it observes, and exports them.
pub struct Telemetry {
    parts: Arc<Parts>,
    exports: Arc<Exports>,
    /// Until then no flush is waited for.
    impatient_until: Mutex<Option<Instant>>,
}

struct Parts {
    spans: Option<Spans>,
    metrics: Option<Metrics>,
}

impl Telemetry {
    /// Starts what `settings` ask for. The runtime that it is called on sends what is exported: while it
    /// does not run, nothing leaves.
    pub fn start(settings: &TelemetrySettings) -> Result<Self, StartError> {
        let exports = Arc::new(Exports::default());
        let client = Client::new(Handle::current(), Arc::clone(&exports))?;
        let resource = resource(settings);
        let scope = InstrumentationScope::builder("cicada")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let spans = settings.traces.as_ref().map(|signal| {
            let sampler = settings.sampler.clone();
            Spans::start(signal, client.clone(), sampler, &resource, scope.clone())
        });
        let metrics = settings.metrics.as_ref().map(|signal| {
            let temporality = settings.temporality;
            Metrics::start(signal, client, temporality, resource.clone(), scope.clone())
        });
        let parts = Parts {
            spans: spans.transpose()?,
            metrics: metrics.transpose()?,
        };
        Ok(Self {
            parts: Arc::new(parts),
            exports,
            impatient_until: Mutex::default(),
        })
    }

    /// Notes how many users of a class there are now.
    pub fn users(&self, class: &str, count: u64) {
        if let Some(metrics) = &self.parts.metrics {
            metrics.users(class, count);
        }
    }

    /// Returns when everything is exported, or that has failed, or `within` is over. After a failure it
    /// returns at once for a minute: what is exported then goes out besides.
    async fn flush_now(&self, within: Duration) {
        if self
            .impatient_until
            .lock()
            .is_some_and(|until| Instant::now() < until)
        {
            return;
        }
        let is_done = self.in_time(within, Parts::flush).await;
        *self.impatient_until.lock() = (!is_done).then(|| Instant::now() + PATIENT_AGAIN);
    }

    /// Exports what is left, and ends; returns at the latest when `within` is over.
    pub async fn shut_down(&self, within: Duration) {
        self.in_time(within, Parts::shut_down).await;
        let told = self.parts.spans.as_ref().map_or(0, Spans::told);
        let exported = self.exports.spans_exported();
        if exported < told {
            tracing::warn!(
                lost = told - exported,
                "spans were not exported: sample fewer by OTEL_TRACES_SAMPLER, or see what the collector says"
            );
        }
    }

    /// Does something that blocks, on a thread that nobody waits for; true if it went well in time.
    async fn in_time(&self, within: Duration, work: fn(&Parts) -> bool) -> bool {
        let (done, is_done) = tokio::sync::oneshot::channel();
        let parts = Arc::clone(&self.parts);
        let thread = std::thread::Builder::new().name("telemetry".into());
        let spawned = thread.spawn(move || {
            // nobody waits any more if it took too long
            let _ = done.send(work(&parts));
        });
        spawned.is_ok() && matches!(tokio::time::timeout(within, is_done).await, Ok(Ok(true)))
    }
}

impl Parts {
    fn flush(&self) -> bool {
        self.both(Spans::flush, Metrics::flush)
    }

    fn shut_down(&self) -> bool {
        self.both(Spans::shut_down, Metrics::shut_down)
    }

    /// Both at once, each as long as it takes.
    fn both(&self, spans: fn(&Spans) -> bool, metrics: fn(&Metrics) -> bool) -> bool {
        std::thread::scope(|scope| {
            let spans = scope.spawn(|| self.spans.as_ref().is_none_or(spans));
            let metrics = self.metrics.as_ref().is_none_or(metrics);
            spans.join().unwrap_or(false) && metrics
        })
    }
}

impl Observer for Telemetry {
    fn samples(&self, trace: TraceId) -> bool {
        let spans = self.parts.spans.as_ref();
        spans.is_none_or(|spans| spans.samples(trace))
    }

    fn request(&self, iteration: &Iteration<'_>, request: &RequestEnd<'_>) {
        if let Some(metrics) = &self.parts.metrics {
            metrics.request(iteration, request);
        }
        if let Some(spans) = &self.parts.spans {
            spans.request(iteration, request);
        }
    }

    fn iteration(&self, iteration: &Iteration<'_>, end: &IterationEnd<'_>) {
        if let Some(metrics) = &self.parts.metrics {
            metrics.iteration(iteration.class, metrics::fate(end.fate));
        }
        if let Some(spans) = &self.parts.spans {
            spans.iteration(iteration, end);
        }
    }

    fn skipped(&self, class: &str) {
        if let Some(metrics) = &self.parts.metrics {
            metrics.iteration(class, metrics::SKIPPED);
        }
    }
}

impl Exporter for Telemetry {
    fn flush(&self, within: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.flush_now(within))
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("spans", &self.parts.spans.is_some())
            .field("metrics", &self.parts.metrics.is_some())
            .finish_non_exhaustive()
    }
}

/// The attributes of the process.
fn resource(settings: &TelemetrySettings) -> Resource {
    let instance = format!("{:032x}", rand::random::<u128>());
    let text = |name: &'static str, value: String| KeyValue::new(name, value);
    let given = settings.resource.iter();
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes([
            text("service.version", env!("CARGO_PKG_VERSION").into()),
            text("service.instance.id", instance),
        ])
        .with_attributes(
            given.map(|(name, value)| KeyValue::new(name.clone(), Value::from(value.clone()))),
        )
        .build()
}
