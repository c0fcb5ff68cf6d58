//! Log lines as JSON: constant text plus fields, and under an error all that caused it.
//!
//! The form is that of tracing-subscriber's own JSON, which metric filters and consoles know. That one
//! leaves the causes of an error out, and they are what says what to do.

use std::fmt;
use std::io;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::SubscriberInitExt as _;
use traffic::error_chain::one_line;

use super::variables::{SettingError, Variables, unusable};

/// The variable with the level, and levels for parts of the program.
pub const LOG: &str = "CICADA_LOG";

/// The level that is logged, and other levels for parts of the program.
#[derive(Clone, Debug)]
pub struct LogFilter(Targets);

impl LogFilter {
    /// Reads `CICADA_LOG`: a level such as `info`, or levels by target such as `warn,aws=debug`.
    pub fn read(variables: &Variables) -> Result<Self, SettingError> {
        let Some(text) = variables.text(LOG) else {
            return Ok(Self::default());
        };
        let instead =
            "write error, warn, info or debug, or levels by target such as warn,aws=debug";
        match text.parse::<Targets>() {
            // a word that is no level would be taken for a target, of which everything is logged
            Ok(targets) if is_explicit(&text) => Ok(Self(targets)),
            _ => Err(unusable(LOG, &text, instead)),
        }
    }
}

/// True if every part of a filter is a level, or gives a target one.
fn is_explicit(text: &str) -> bool {
    text.split(',').all(|part| {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        level.trim().parse::<LevelFilter>().is_ok()
    })
}

impl Default for LogFilter {
    fn default() -> Self {
        Self(Targets::new().with_default(LevelFilter::INFO))
    }
}

/// Starts logging to the standard output, and to `further`, a layer of the process's own.
///
/// A filter that cannot be used is no reason to be silent: it is returned once logging has started.
pub fn start_logging<L>(variables: &Variables, further: L) -> Result<(), SettingError>
where
    L: Layer<Registry> + Send + Sync,
{
    let filter = LogFilter::read(variables);
    let LogFilter(targets) = filter.clone().unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer()
        .event_format(JsonLines)
        .with_writer(io::stdout);
    let started = tracing_subscriber::registry()
        .with(further)
        .with(lines)
        .with(targets)
        .try_init();
    if started.is_err() {
        // somebody was faster, in this very process: then theirs is used
        tracing::debug!("logging had been started before");
    }
    filter.map(|_| ())
}

/// Formats events as one JSON object a line: `timestamp`, `level`, `target`, and `fields` with the
/// message.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonLines;

#[derive(Serialize)]
struct Line<'e> {
    timestamp: String,
    level: &'e str,
    fields: Map<String, Value>,
    target: &'e str,
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut fields = LogFields::default();
        event.record(&mut fields);
        let line = Line {
            timestamp,
            level: event.metadata().level().as_str(),
            fields: fields.0,
            target: event.metadata().target(),
        };
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

/// An event's fields.
#[derive(Default)]
struct LogFields(Map<String, Value>);

impl LogFields {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for LogFields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinity
        self.add(field, json!(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, one_line(value));
    }
}
