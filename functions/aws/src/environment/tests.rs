//! Every variable, each mistake in it, and the exact line.

use std::sync::Arc;

use super::*;

/// A deployment's variables, with some changed.
fn variables(changed: &[(&str, &str)]) -> Variables {
    let mut values = vec![
        ("CICADA_TABLE".to_owned(), "cicada-demo".to_owned()),
        (
            "CICADA_QUEUE_URL".to_owned(),
            "https://sqs.eu-central-1.amazonaws.com/123456789012/cicada-demo-wake-ups".to_owned(),
        ),
        ("CICADA_SCHEDULE_GROUP".to_owned(), "cicada-demo".to_owned()),
    ];
    for (name, value) in changed {
        values.retain(|(known, _)| known != name);
        values.push(((*name).to_owned(), (*value).to_owned()));
    }
    Variables::new(Arc::new(move |name: &str| {
        let found = values.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }))
}

fn mistake(changed: &[(&str, &str)]) -> String {
    let variables = variables(changed);
    let read = LogFilter::read(&variables).map(|_| ());
    let read = read.and_then(|()| FanOutSettings::read(&variables).map(|_| ()));
    read.expect_err("there is a mistake").to_string()
}

#[test]
fn what_is_not_set_has_its_default() {
    let settings = FanOutSettings::read(&variables(&[("CICADA_TICKS_PER_MESSAGE", "  ")]));
    let settings = settings.expect("all is set");
    assert_eq!(settings.store.table, "cicada-demo");
    assert_eq!(settings.store.retention, Duration::from_secs(30 * 86_400));
    assert_eq!(settings.queue.ticks_per_message, 10);
    assert_eq!(settings.schedules.heartbeat, "heartbeat");
    assert_eq!(settings.schedules.target, None);
}

#[test]
fn what_is_set_is_used() {
    let settings = FanOutSettings::read(&variables(&[
        ("CICADA_TABLE", " other "),
        ("CICADA_RETENTION_DAYS", "1"),
        ("CICADA_TICKS_PER_MESSAGE", "100"),
        ("CICADA_HEARTBEAT", "pulse"),
        (
            "CICADA_AGGREGATOR_ARN",
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:cicada-demo-aggregator",
        ),
        (
            "CICADA_SCHEDULER_ROLE_ARN",
            "arn:aws-cn:iam::123456789012:role/schedules",
        ),
    ]));
    let settings = settings.expect("all can be used");
    assert_eq!(settings.store.table, "other");
    assert_eq!(settings.store.retention, Duration::from_secs(86_400));
    assert_eq!(settings.queue.ticks_per_message, 100);
    assert_eq!(settings.schedules.heartbeat, "pulse");
    let target = settings.schedules.target.expect("both are set");
    assert!(target.function_arn.ends_with("cicada-demo-aggregator"));
    assert!(target.role_arn.ends_with("role/schedules"));
}

/// A variable, what it is set to, and the line.
const MISTAKES: &[((&str, &str), &str)] = &[
    (
        ("CICADA_TABLE", ""),
        "CICADA_TABLE is not set: deploy with infra/deploy, or set it to the table's name",
    ),
    (
        ("CICADA_TABLE", "no/table"),
        "CICADA_TABLE is \"no/table\": deploy with infra/deploy, or set it to the table's name",
    ),
    (
        ("CICADA_RETENTION_DAYS", "0"),
        "CICADA_RETENTION_DAYS is \"0\": write a number of days from 1 to 3650, or leave it \
         out for 30",
    ),
    (
        ("CICADA_RETENTION_DAYS", "a week"),
        "CICADA_RETENTION_DAYS is \"a week\": write a number of days from 1 to 3650, or leave \
         it out for 30",
    ),
    (
        ("CICADA_QUEUE_URL", " "),
        "CICADA_QUEUE_URL is not set: deploy with infra/deploy, or set it to the queue's URL, \
         such as https://sqs.REGION.amazonaws.com/...",
    ),
    (
        ("CICADA_QUEUE_URL", "cicada-demo-wake-ups"),
        "CICADA_QUEUE_URL is \"cicada-demo-wake-ups\": deploy with infra/deploy, or set it to \
         the queue's URL, such as https://sqs.REGION.amazonaws.com/...",
    ),
    (
        ("CICADA_TICKS_PER_MESSAGE", "101"),
        "CICADA_TICKS_PER_MESSAGE is \"101\": write a number from 1 to 100, or leave it out \
         for 10",
    ),
    (
        ("CICADA_SCHEDULE_GROUP", ""),
        "CICADA_SCHEDULE_GROUP is not set: deploy with infra/deploy, or set it to the name of \
         the group of schedules",
    ),
    (
        ("CICADA_SCHEDULE_GROUP", "two words"),
        "CICADA_SCHEDULE_GROUP is \"two words\": deploy with infra/deploy, or set it to the \
         name of the group of schedules",
    ),
    (
        ("CICADA_HEARTBEAT", "a/b"),
        "CICADA_HEARTBEAT is \"a/b\": write the name of a schedule, or leave it out for \
         heartbeat",
    ),
    (
        ("CICADA_LOG", "loud"),
        "CICADA_LOG is \"loud\": write error, warn, info or debug, or levels by target such \
         as warn,aws=debug",
    ),
    (
        ("CICADA_LOG", "info,aws=loud"),
        "CICADA_LOG is \"info,aws=loud\": write error, warn, info or debug, or levels by \
         target such as warn,aws=debug",
    ),
    (
        ("CICADA_AGGREGATOR_ARN", "cicada-demo-aggregator"),
        "CICADA_AGGREGATOR_ARN is \"cicada-demo-aggregator\": deploy with infra/deploy, or \
         set it to the ARN of the function aggregator, arn:aws:lambda:...",
    ),
    (
        (
            "CICADA_AGGREGATOR_ARN",
            "arn:aws:lambda:eu-central-1:123456789012:function:cicada-demo-aggregator",
        ),
        "CICADA_SCHEDULER_ROLE_ARN is not set: deploy with infra/deploy, or set it to the ARN \
         of the schedules' role, arn:aws:iam:...",
    ),
    (
        (
            "CICADA_SCHEDULER_ROLE_ARN",
            "arn:aws:iam::123456789012:role/x",
        ),
        "CICADA_AGGREGATOR_ARN is not set: deploy with infra/deploy, or set it to the ARN of \
         the function aggregator, arn:aws:lambda:...",
    ),
];

#[test]
fn every_mistake_is_one_line_that_names_the_variable_and_what_to_write() {
    for (changed, line) in MISTAKES {
        assert_eq!(&mistake(&[*changed]), line);
    }
}

#[test]
fn a_region_that_is_not_configured_is_named() {
    let config = SdkConfig::builder().build();
    let error = check_region(&config).expect_err("there is none");
    assert_eq!(
        error.to_string(),
        "AWS_REGION is not set: set it to the region of the deployment, such as eu-central-1"
    );
}

#[test]
fn a_secret_is_not_shown() {
    let variables = variables(&[("LOCUST_BASIC_AUTH", "demo: pass word ")]);
    let secret = variables.secret("LOCUST_BASIC_AUTH").expect("it is set");
    assert_eq!(secret.reveal(), "demo: pass word ");
    assert_eq!(format!("{secret:?}"), "***");
    assert_eq!(format!("{:#?}", Some(secret)), "Some(\n    ***,\n)");
}

#[test]
fn filters_are_levels_or_levels_by_target() {
    for filter in [
        "info",
        "WARN",
        "off",
        "warn,aws=debug",
        "aws=trace, traffic=error",
    ] {
        let read = LogFilter::read(&variables(&[("CICADA_LOG", filter)]));
        assert!(read.is_ok(), "{filter}: {read:?}");
    }
}

mod lines {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::super::JsonLines;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that are logged meanwhile.
    fn logged(action: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let writer = written.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(JsonLines)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), action);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("middle: {0}")]
    struct Middle(#[source] io::Error);

    #[test]
    fn a_line_has_a_constant_text_and_fields_of_their_types() {
        let lines = logged(|| {
            tracing::info!(wake_ups = 7_u64, ratio = 0.5, host = %"a \"b\"\n", "planned ahead");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["level"], "INFO");
        assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'));
        let fields = json!({
            "message": "planned ahead", "wake_ups": 7, "ratio": 0.5, "host": "a \"b\"\n",
        });
        assert_eq!(lines[0]["fields"], fields);
    }

    #[test]
    fn an_error_shows_all_that_caused_it_and_each_once() {
        let error = Outer(Middle(io::Error::other("the cause")));
        let error: &(dyn std::error::Error + 'static) = &error;
        let lines = logged(|| tracing::error!(error, "not done"));
        assert_eq!(lines[0]["fields"]["error"], "outer: middle: the cause");
    }
}
