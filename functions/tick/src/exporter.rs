//! The exporter of spans and metrics: made if the function was built with `otel` and the variables name a collector.

use std::sync::Arc;

use aws::environment::Variables;
use traffic::telemetry::Exporter;

/// The exporter of spans and metrics, if there is to be one. It must be called on the runtime that is to send them.
#[cfg(feature = "otel")]
pub fn exporter(variables: &Variables) -> anyhow::Result<Option<Arc<dyn Exporter>>> {
    let Some(settings) = telemetry::TelemetrySettings::read(&*variables.lookup())? else {
        return Ok(None);
    };
    let telemetry = telemetry::Telemetry::start(&settings)?;
    Ok(Some(Arc::new(telemetry)))
}

/// Nothing exports: the function was built without.
#[cfg(not(feature = "otel"))]
pub fn exporter(variables: &Variables) -> anyhow::Result<Option<Arc<dyn Exporter>>> {
    if variables.text("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
        tracing::warn!(
            "spans and metrics are not exported: build the function with --features otel"
        );
    }
    Ok(None)
}
