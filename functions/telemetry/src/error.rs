//! Errors at the start of telemetry.

use opentelemetry_otlp::ExporterBuildError;
use traffic::transport::HttpError;

/// Errors at the start of telemetry.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The HTTP client does not like something else.
    #[error("the HTTP client of the telemetry cannot be made")]
    Client(#[from] reqwest::Error),
    /// OpenTelemetry does not like a setting.
    #[error("telemetry cannot be exported: check the OTEL_ variables")]
    Exporter(#[from] ExporterBuildError),
}
