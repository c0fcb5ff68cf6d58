//! What `--otel` and `--profile` mean to telemetry: they stand in for variables that are not set.

use std::sync::Arc;

use traffic::runs::Environment;

use crate::options::OtherOptions;

/// Where OpenTelemetry's specification sends what no variable sends elsewhere.
const USUAL_ENDPOINT: &str = "http://localhost:4318";

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// The environment that telemetry reads.
pub(crate) fn with_options(process: &Environment, options: &OtherOptions) -> Environment {
    let is_set = |name: &str| process(name).is_some_and(|value| !value.trim().is_empty());
    let has_endpoint = [
        ENDPOINT,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    ]
    .into_iter()
    .any(is_set);
    let is_asked_for = options.otel && !has_endpoint;
    let profile = options.profile.clone().filter(|name| !name.is_empty());
    let process = Arc::clone(process);
    Arc::new(move |name| match (name, &profile) {
        (ENDPOINT, _) if is_asked_for => Some(USUAL_ENDPOINT.to_owned()),
        (ATTRIBUTES, Some(profile)) => {
            let others = process(ATTRIBUTES).filter(|others| !others.trim().is_empty());
            let own = format!("profile={}", percent_encoded(profile));
            Some(others.map_or(own.clone(), |others| format!("{others},{own}")))
        }
        _ => process(name),
    })
}

/// The value of a resource attribute, as the specification has it in a variable.
fn percent_encoded(value: &str) -> String {
    let encoded = value.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::options::Options;

    fn read(line: &str, variables: &'static [(&str, &str)]) -> [Option<String>; 2] {
        let options = Options::parse_from(format!("cicada {line}").split(' '));
        let process: Environment = Arc::new(|name| {
            let set = variables.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned())
        });
        let read = with_options(&process, &options.other);
        [read(ENDPOINT), read(ATTRIBUTES)]
    }

    #[test]
    fn otel_exports_to_where_the_specification_says_unless_a_variable_says_otherwise() {
        assert_eq!(read("-L INFO", &[]), [None, None]);
        assert_eq!(read("--otel", &[]), [Some(USUAL_ENDPOINT.into()), None]);
        assert_eq!(
            read(
                "--otel",
                &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a:1")]
            )[0],
            None
        );
        assert_eq!(
            read("--otel", &[(ENDPOINT, "http://a:1")])[0].as_deref(),
            Some("http://a:1")
        );
    }

    #[test]
    fn a_profile_is_an_attribute_beside_the_others() {
        assert_eq!(
            read("--profile big,one", &[])[1].as_deref(),
            Some("profile=big%2Cone")
        );
        let others = read("--profile b", &[(ATTRIBUTES, "team=a")]);
        assert_eq!(others[1].as_deref(), Some("team=a,profile=b"));
    }
}
