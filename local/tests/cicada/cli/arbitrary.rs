//! Whatever is typed is understood, or refused in one line that names a flag or the classes.

use std::sync::{Arc, LazyLock};

use clap::Parser as _;
use local::options::{self, Options};
use local::settings::{self, ProgramSettings};
use proptest::prelude::*;
use traffic::workload::Workload;

static WORKLOAD: LazyLock<Arc<Workload>> = LazyLock::new(|| {
    let options = Options::parse_from(["cicada"]);
    let nothing_set = Arc::new(|_: &str| None);
    let workload = settings::workload(&options, &(nothing_set as _));
    Arc::new(workload.expect("the built-in workload is right"))
});

const FLAGS: [&str; 16] = [
    "-H",
    "-u",
    "-r",
    "-t",
    "--config-users",
    "--web-host",
    "-P",
    "--autoquit",
    "--seed",
    "--loglevel",
    "-s",
    "--exit-code-on-error",
    "--headless",
    "--equal-weights",
    "--autostart",
    "--only-summary",
];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        "[0-9]{1,25}[hms]?[0-9]{0,3}[ms]?",
        r#"(https?://)?[a-z0-9:@\[\].%/?#-]{0,20}"#,
        r#"\[?\{"(user_class_name|weight|host|x)": ?("ModelAUser"|"Model"|-?[0-9]{1,12}|null)\}?\]?"#,
        "(Target|Model|Chat)[A-Za-z]{0,9}",
    ]
}

fn argument() -> impl Strategy<Value = Vec<String>> {
    let flag = prop_oneof![8 => prop::sample::select(&FLAGS[..]).prop_map(str::to_owned),
                           1 => "--?[a-z-]{0,12}"];
    prop_oneof![
        4 => (flag.clone(), value()).prop_map(|(flag, value)| vec![flag, value]),
        1 => flag.prop_map(|flag| vec![flag]),
        1 => value().prop_map(|value| vec![value]),
    ]
}

/// What is said about a command line, if it cannot be used.
fn said(arguments: &[String]) -> Option<String> {
    let line = std::iter::once("cicada").chain(arguments.iter().map(String::as_str));
    match Options::try_parse_from(line) {
        Err(error) => error
            .use_stderr()
            .then(|| options::mistake_of("cicada", &error)),
        Ok(options) => ProgramSettings::resolve(&options, Arc::clone(&WORKLOAD))
            .err()
            .map(|error| error.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_is_typed_is_understood_or_refused_in_one_line(
        arguments in prop::collection::vec(argument(), 0..5)
    ) {
        let arguments = arguments.concat();
        if let Some(said) = said(&arguments) {
            prop_assert_eq!(said.lines().count(), 1, "{:?}", said);
            let names_something = said.contains('-') || said.starts_with("CLASS ");
            prop_assert!(names_something, "{:?} of {:?}", said, arguments);
        }
    }
}
