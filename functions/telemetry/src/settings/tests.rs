//! What the variables mean, and what is said of those that mean nothing.

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Option<TelemetrySettings>, SettingError> {
    let lookup = |name: &str| {
        let set = variables.iter().find(|(variable, _)| *variable == name);
        set.map(|(_, value)| (*value).to_owned())
    };
    TelemetrySettings::read(&lookup)
}

fn settings(variables: &[(&str, &str)]) -> TelemetrySettings {
    let with_endpoint = [
        variables,
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")],
    ]
    .concat();
    read(&with_endpoint).unwrap().unwrap()
}

fn mistake(variables: &[(&str, &str)]) -> String {
    let with_endpoint = [
        variables,
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")],
    ]
    .concat();
    read(&with_endpoint).unwrap_err().to_string()
}

#[test]
fn without_an_endpoint_nothing_is_exported() {
    assert!(read(&[]).unwrap().is_none());
    let others = [
        ("OTEL_SERVICE_NAME", "demo"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", " "),
    ];
    assert!(read(&others).unwrap().is_none());
}

#[test]
fn what_is_disabled_exports_nothing_whatever_else_is_said() {
    let disabled = [
        ("OTEL_SDK_DISABLED", "TRUE"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"),
    ];
    assert!(read(&disabled).unwrap().is_none());
}

#[test]
fn the_common_endpoint_gets_each_signals_path() {
    for base in ["https://otlp.nr-data.net", "https://otlp.nr-data.net/"] {
        let settings = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", base)])
            .unwrap()
            .unwrap();
        let endpoint = |signal: Option<Signal>| signal.unwrap().endpoint.to_string();
        assert_eq!(
            endpoint(settings.traces),
            "https://otlp.nr-data.net/v1/traces"
        );
        assert_eq!(
            endpoint(settings.metrics),
            "https://otlp.nr-data.net/v1/metrics"
        );
    }
}

#[test]
fn a_signals_own_endpoint_is_taken_as_it_stands_and_only_that_signal_goes_out() {
    let settings = read(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/mine")]);
    let settings = settings.unwrap().unwrap();
    assert_eq!(
        settings.traces.unwrap().endpoint.as_str(),
        "http://c:4318/mine"
    );
    assert!(settings.metrics.is_none());
}

#[test]
fn a_signal_can_be_left_out() {
    let settings = settings(&[("OTEL_METRICS_EXPORTER", "none")]);
    assert!(settings.traces.is_some() && settings.metrics.is_none());
}

#[test]
fn headers_are_percent_decoded_and_a_signals_own_hold() {
    let settings = settings(&[
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%3Db%20c , x-two=2,"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "api-key=other"),
    ]);
    let headers = settings.traces.unwrap().headers;
    assert_eq!((&*headers["api-key"], &*headers["x-two"]), ("a=b c", "2"));
    assert_eq!(settings.metrics.unwrap().headers["api-key"], "other");
}

#[test]
fn secrets_are_in_no_message_and_no_debug_output() {
    let secret = [("OTEL_EXPORTER_OTLP_HEADERS", "api-key=NRAK-1")];
    assert!(!format!("{:?}", settings(&secret)).contains("NRAK"));
    for wrong in ["NRAK-1", "api-key=NRAK%0A", "a b=NRAK", "=NRAK"] {
        let said = mistake(&[("OTEL_EXPORTER_OTLP_HEADERS", wrong)]);
        assert_eq!(
            said,
            "OTEL_EXPORTER_OTLP_HEADERS cannot be read: write name=value, several separated by commas"
        );
    }
    let said = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "ann:open@c")]).unwrap_err();
    assert!(!said.to_string().contains("open"), "{said}");
}

#[test]
fn what_cannot_be_used_is_named() {
    for (variable, value, said) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "write http/protobuf"),
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "0",
            "write a whole number of milliseconds",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
            "zstd",
            "write gzip or none",
        ),
        ("OTEL_TRACES_EXPORTER", "zipkin", "write otlp or none"),
        (
            "OTEL_TRACES_SAMPLER",
            "sometimes",
            "write always_on, always_off or traceidratio, or one of them with parentbased_",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "beta",
            "write delta, cumulative or lowmemory",
        ),
    ] {
        let expected = format!("{variable} is {value:?}: {said}");
        assert_eq!(mistake(&[(variable, value)]), expected);
    }
    let said = mistake(&[
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
    ]);
    assert_eq!(
        said,
        "OTEL_TRACES_SAMPLER_ARG is \"2\": write a number from 0 to 1"
    );
    let said = mistake(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://c")]);
    assert_eq!(
        said,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is no URL: write one such as https://otlp.nr-data.net"
    );
}

#[test]
fn a_sampler_is_read_with_its_argument() {
    let sampler = |name, ratio| {
        let variables = [
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", ratio),
        ];
        settings(&variables).sampler
    };
    assert!(matches!(settings(&[]).sampler, Sampler::AlwaysOn));
    assert!(matches!(
        sampler("parentbased_always_off", ""),
        Sampler::AlwaysOff
    ));
    assert!(matches!(
        sampler("traceidratio", ""),
        Sampler::TraceIdRatioBased(1.0)
    ));
    let Sampler::TraceIdRatioBased(ratio) = sampler("parentbased_traceidratio", "0.25") else {
        panic!("it has a ratio");
    };
    assert_eq!(ratio, 0.25);
}

#[test]
fn metrics_are_deltas_unless_cumulative_ones_are_asked_for() {
    let variable = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    assert_eq!(settings(&[]).temporality, Temporality::Delta);
    let cumulative = settings(&[(variable, "Cumulative")]);
    assert_eq!(cumulative.temporality, Temporality::Cumulative);
}

#[test]
fn the_process_says_what_it_is_told_to_say() {
    let resource = |variables: &[(&str, &str)]| {
        let attributes = settings(variables).resource.into_iter();
        attributes.collect::<HashMap<String, String>>()
    };
    assert_eq!(resource(&[])["service.name"], "cicada");
    let given = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,team=b%20c");
    assert_eq!(resource(&[given])["service.name"], "a");
    let both = resource(&[given, ("OTEL_SERVICE_NAME", "demo")]);
    assert_eq!((&*both["service.name"], &*both["team"]), ("demo", "b c"));
    let function = resource(&[
        ("AWS_LAMBDA_FUNCTION_NAME", "cicada-tick"),
        ("AWS_REGION", "eu-west-1"),
    ]);
    assert_eq!(function["faas.name"], "cicada-tick");
    assert_eq!(function["cloud.region"], "eu-west-1");
}
