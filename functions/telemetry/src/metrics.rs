//! Metrics: how long requests took, as the semantic conventions have it, and what of Cicada's own the
//! ledger counts.
//!
//! | metric | kind | attributes |
//! | --- | --- | --- |
//! | `http.client.request.duration` | histogram, s | `http.request.method`, `server.address`, `server.port`, `http.response.status_code`, `error.type`, `cicada.request.name`, `cicada.user_class` |
//! | `cicada.iterations` | counter | `cicada.user_class`, `cicada.fate`: `done`, `skipped` or `cut_off` |
//! | `cicada.lateness` | histogram, s | `cicada.user_class` |
//! | `cicada.users` | gauge | `cicada.user_class` |
//!
//! Those of language models are `gen_ai`'s, and those of workloads `custom_metrics`'.

use opentelemetry::metrics::{Counter, Gauge, Histogram, MeterProvider as _};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use opentelemetry_semantic_conventions::metric::HTTP_CLIENT_REQUEST_DURATION;
use traffic::record::Fate;
use traffic::telemetry::{Iteration, RequestEnd};

use crate::attributes::{self, USER_CLASS};
use crate::client::Client;
use crate::custom_metrics::CustomMetrics;
use crate::gen_ai::GenAiMetrics;
use crate::settings::Signal;

/// The conventions' buckets in seconds, and three for agents that take their time.
const DURATION_BUCKETS: [f64; 17] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0,
    120.0,
];

/// Cicada's own delay is mostly below a millisecond.
const LATENESS_BUCKETS: [f64; 10] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0,
];

/// The fate of an iteration whose user was busy.
pub(crate) const SKIPPED: &str = "skipped";

/// The metrics, and what exports them.
pub(crate) struct Metrics {
    provider: SdkMeterProvider,
    duration: Histogram<f64>,
    lateness: Histogram<f64>,
    iterations: Counter<u64>,
    users: Gauge<u64>,
    gen_ai: GenAiMetrics,
    custom: CustomMetrics,
}

impl Metrics {
    /// Starts exporting once a minute, or as often as `OTEL_METRIC_EXPORT_INTERVAL` says.
    pub(crate) fn start(
        signal: &Signal,
        client: Client,
        temporality: Temporality,
        resource: Resource,
        scope: InstrumentationScope,
    ) -> Result<Self, ExporterBuildError> {
        let mut exporter = MetricExporter::builder()
            .with_http()
            .with_http_client(client.within(signal.timeout))
            .with_endpoint(signal.endpoint.as_str())
            .with_headers(signal.headers.clone())
            .with_timeout(signal.timeout)
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .with_temporality(temporality);
        if signal.is_compressed {
            exporter = exporter.with_compression(opentelemetry_otlp::Compression::Gzip);
        }
        let provider = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(exporter.build()?).build())
            .with_resource(resource)
            .build();
        let meter = provider.meter_with_scope(scope);
        Ok(Self {
            gen_ai: GenAiMetrics::new(&meter),
            duration: meter
                .f64_histogram(HTTP_CLIENT_REQUEST_DURATION)
                .with_unit("s")
                .with_description("Duration of HTTP client requests.")
                .with_boundaries(DURATION_BUCKETS.to_vec())
                .build(),
            lateness: meter
                .f64_histogram("cicada.lateness")
                .with_unit("s")
                .with_description(
                    "How long after its instant an iteration's first request was sent.",
                )
                .with_boundaries(LATENESS_BUCKETS.to_vec())
                .build(),
            iterations: meter
                .u64_counter("cicada.iterations")
                .with_unit("{iteration}")
                .with_description("Iterations by what became of them.")
                .build(),
            users: meter
                .u64_gauge("cicada.users")
                .with_unit("{user}")
                .with_description("Users that are active.")
                .build(),
            custom: CustomMetrics::new(meter),
            provider,
        })
    }

    pub(crate) fn request(&self, iteration: &Iteration<'_>, request: &RequestEnd<'_>) {
        if let Some(lateness) = request.lateness {
            let class = KeyValue::new(USER_CLASS, iteration.class.to_owned());
            self.lateness.record(lateness.as_secs_f64(), &[class]);
        }
        let attributes = attributes::of(iteration, request);
        self.duration
            .record(request.response_time.as_secs_f64(), &attributes);
        self.gen_ai.request(request);
        self.custom.request(iteration, request);
    }

    pub(crate) fn iteration(&self, class: &str, fate: &'static str) {
        let attributes = [
            KeyValue::new(USER_CLASS, class.to_owned()),
            KeyValue::new("cicada.fate", fate),
        ];
        self.iterations.add(1, &attributes);
    }

    pub(crate) fn users(&self, class: &str, count: u64) {
        let class = KeyValue::new(USER_CLASS, class.to_owned());
        self.users.record(count, &[class]);
    }

    /// Exports what was counted; waits until that is done, and says whether it went well.
    pub(crate) fn flush(&self) -> bool {
        self.provider.force_flush().is_ok()
    }

    /// The same, and nothing is counted any more.
    pub(crate) fn shut_down(&self) -> bool {
        self.provider.shutdown().is_ok()
    }
}

/// The name that an iteration which was not skipped is counted under.
pub(crate) fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Done => "done",
        Fate::Skipped => SKIPPED,
        Fate::CutOff => "cut_off",
        Fate::Failed => "failed",
    }
}
