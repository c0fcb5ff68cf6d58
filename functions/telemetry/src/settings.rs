//! Settings from the `OTEL_` variables, with the names and meanings of OpenTelemetry's specification.
//!
//! They are read through a function that is passed in. An empty variable is one that is not set. What
//! cannot be used is one line that names the variable; headers are secrets, so their values are in no
//! message. How often and how much at once is exported, the SDK reads by itself (`OTEL_BSP_...`,
//! `OTEL_METRIC_EXPORT_INTERVAL`).

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::trace::Sampler;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

/// The specification's time for an export, retries included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The service name unless the variables give another.
const SERVICE_NAME: &str = "cicada";

/// The signals, and where each goes.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    pub(crate) traces: Option<Signal>,
    pub(crate) metrics: Option<Signal>,
    pub(crate) sampler: Sampler,
    pub(crate) temporality: Temporality,
    /// The attributes of the process; a later one replaces an earlier one of the same name.
    pub(crate) resource: Vec<(String, String)>,
}

/// Where one signal goes.
#[derive(Clone)]
pub(crate) struct Signal {
    pub(crate) endpoint: Url,
    pub(crate) headers: HashMap<String, String>,
    /// For one export, retries included.
    pub(crate) timeout: Duration,
    pub(crate) is_compressed: bool,
}

/// A variable that cannot be used: one line that names it and says what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct SettingError {
    variable: String,
    problem: String,
}

impl TelemetrySettings {
    /// The settings that the variables ask for; nothing unless one of the endpoints is set.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, SettingError> {
        let variables = Variables(lookup);
        if variables.is_true("OTEL_SDK_DISABLED") {
            return Ok(None);
        }
        let traces = variables.signal("TRACES", "v1/traces")?;
        let metrics = variables.signal("METRICS", "v1/metrics")?;
        if traces.is_none() && metrics.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            traces,
            metrics,
            sampler: variables.sampler()?,
            temporality: variables.temporality()?,
            resource: variables.resource()?,
        }))
    }
}

impl TelemetrySettings {
    /// The hosts that anything goes to.
    pub fn hosts(&self) -> Vec<&str> {
        let signals = [&self.traces, &self.metrics].into_iter().flatten();
        let mut hosts: Vec<_> = signals
            .filter_map(|signal| signal.endpoint.host_str())
            .collect();
        hosts.dedup();
        hosts
    }
}

/// Without what is secret.
impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.headers.keys().collect();
        names.sort();
        f.debug_struct("Signal")
            .field("host", &self.endpoint.host_str())
            .field("headers", &names)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    fn text(&self, variable: &str) -> Option<String> {
        let value = (self.0)(variable)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn is_true(&self, variable: &str) -> bool {
        let value = self.text(variable);
        value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A variable of one signal, or the one for all of them, with its name.
    fn of_signal(&self, signal: &str, name: &str) -> Option<(String, String)> {
        let own = format!("OTEL_EXPORTER_OTLP_{signal}_{name}");
        let shared = format!("OTEL_EXPORTER_OTLP_{name}");
        [own, shared]
            .into_iter()
            .find_map(|variable| Some((self.text(&variable)?, variable)))
            .map(|(value, variable)| (variable, value))
    }

    /// Where a signal goes, if it goes anywhere.
    fn signal(&self, signal: &str, path: &str) -> Result<Option<Signal>, SettingError> {
        let exporter = format!("OTEL_{signal}_EXPORTER");
        match self.text(&exporter).as_deref() {
            None | Some("otlp") => {}
            Some("none") => return Ok(None),
            Some(other) => return Err(unusable(&exporter, other, "otlp or none")),
        }
        let Some(endpoint) = self.endpoint(signal, path)? else {
            return Ok(None);
        };
        if let Some((variable, protocol)) = self.of_signal(signal, "PROTOCOL")
            && protocol != "http/protobuf"
        {
            return Err(unusable(&variable, &protocol, "http/protobuf"));
        }
        let is_compressed = match self.of_signal(signal, "COMPRESSION") {
            None => false,
            Some((variable, value)) => match value.as_str() {
                "gzip" => true,
                "none" => false,
                other => return Err(unusable(&variable, other, "gzip or none")),
            },
        };
        let timeout = match self.of_signal(signal, "TIMEOUT") {
            None => TIMEOUT,
            Some((variable, value)) => Duration::from_millis(parsed(
                &variable,
                &value,
                "a whole number of milliseconds",
                |millis: &u64| *millis > 0,
            )?),
        };
        let headers = match self.of_signal(signal, "HEADERS") {
            None => HashMap::new(),
            Some((variable, value)) => headers(&variable, &value)?,
        };
        Ok(Some(Signal {
            endpoint,
            headers,
            timeout,
            is_compressed,
        }))
    }

    /// A signal's own endpoint as it stands, or the common one with the signal's path.
    fn endpoint(&self, signal: &str, path: &str) -> Result<Option<Url>, SettingError> {
        let Some((variable, value)) = self.of_signal(signal, "ENDPOINT") else {
            return Ok(None);
        };
        let is_own = variable.contains(signal);
        let text = match is_own {
            true => value.clone(),
            false => format!("{}/{path}", value.trim_end_matches('/')),
        };
        let url = Url::parse(&text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        url.map(Some).ok_or_else(|| SettingError {
            // it may hold a password
            problem: "is no URL: write one such as https://otlp.nr-data.net".into(),
            variable,
        })
    }

    fn sampler(&self) -> Result<Sampler, SettingError> {
        const NAMES: &str =
            "always_on, always_off or traceidratio, or one of them with parentbased_";
        let Some(name) = self.text("OTEL_TRACES_SAMPLER") else {
            return Ok(Sampler::AlwaysOn);
        };
        // an iteration has no parent
        match name.strip_prefix("parentbased_").unwrap_or(&name) {
            "always_on" => Ok(Sampler::AlwaysOn),
            "always_off" => Ok(Sampler::AlwaysOff),
            "traceidratio" => {
                let variable = "OTEL_TRACES_SAMPLER_ARG";
                let ratio = match self.text(variable) {
                    None => 1.0,
                    Some(value) => parsed(variable, &value, "a number from 0 to 1", |ratio| {
                        (0.0..=1.0).contains(ratio)
                    })?,
                };
                Ok(Sampler::TraceIdRatioBased(ratio))
            }
            _ => Err(unusable("OTEL_TRACES_SAMPLER", &name, NAMES)),
        }
    }

    /// Delta unless something else is asked for: it is what New Relic wants, and what figures of
    /// functions that come and go can be added up from.
    fn temporality(&self) -> Result<Temporality, SettingError> {
        let variable = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        let Some(value) = self.text(variable) else {
            return Ok(Temporality::Delta);
        };
        match value.to_ascii_lowercase().as_str() {
            "delta" => Ok(Temporality::Delta),
            "cumulative" => Ok(Temporality::Cumulative),
            "lowmemory" => Ok(Temporality::LowMemory),
            _ => Err(unusable(variable, &value, "delta, cumulative or lowmemory")),
        }
    }

    fn resource(&self) -> Result<Vec<(String, String)>, SettingError> {
        let variable = "OTEL_RESOURCE_ATTRIBUTES";
        let mut resource = vec![("service.name".to_owned(), SERVICE_NAME.to_owned())];
        resource.extend(self.function());
        if let Some(text) = self.text(variable) {
            resource.extend(pairs(&text).ok_or_else(|| no_pairs(variable))?);
        }
        if let Some(name) = self.text("OTEL_SERVICE_NAME") {
            resource.push(("service.name".to_owned(), name));
        }
        Ok(resource)
    }

    /// The attributes of the function, where Lambda names one.
    fn function(&self) -> Vec<(String, String)> {
        let Some(name) = self.text("AWS_LAMBDA_FUNCTION_NAME") else {
            return Vec::new();
        };
        let mut attributes = vec![
            ("cloud.provider".to_owned(), "aws".to_owned()),
            ("cloud.platform".to_owned(), "aws_lambda".to_owned()),
            ("faas.name".to_owned(), name),
        ];
        for (attribute, variable) in [
            ("faas.version", "AWS_LAMBDA_FUNCTION_VERSION"),
            ("faas.instance", "AWS_LAMBDA_LOG_STREAM_NAME"),
            ("cloud.region", "AWS_REGION"),
        ] {
            let value = self.text(variable);
            attributes.extend(value.map(|value| (attribute.to_owned(), value)));
        }
        attributes
    }
}

/// `name=value`, several separated by commas, values percent-encoded.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let entries = text.split(',').map(str::trim);
    let entries = entries.filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let (name, value) = entry.split_once('=')?;
            let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
            let name = name.trim();
            (!name.is_empty()).then(|| (name.to_owned(), value.into_owned()))
        })
        .collect()
}

fn headers(variable: &str, text: &str) -> Result<HashMap<String, String>, SettingError> {
    let headers = pairs(text).ok_or_else(|| no_pairs(variable))?;
    for (name, value) in &headers {
        if HeaderName::from_str(name).is_err() || HeaderValue::from_str(value).is_err() {
            return Err(no_pairs(variable));
        }
    }
    Ok(headers.into_iter().collect())
}

fn no_pairs(variable: &str) -> SettingError {
    SettingError {
        variable: variable.to_owned(),
        problem: "cannot be read: write name=value, several separated by commas".to_owned(),
    }
}

fn parsed<V: FromStr>(
    variable: &str,
    value: &str,
    instead: &str,
    is_good: impl Fn(&V) -> bool,
) -> Result<V, SettingError> {
    let parsed = value.parse().ok().filter(is_good);
    parsed.ok_or_else(|| unusable(variable, value, instead))
}

fn unusable(variable: &str, value: &str, instead: &str) -> SettingError {
    SettingError {
        variable: variable.to_owned(),
        problem: format!("is {value:?}: write {instead}"),
    }
}

#[cfg(test)]
mod tests;
