//! Configuration files are read as Locust reads them, and Locust's options that Cicada lacks say what takes their place.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use clap::CommandFactory as _;
use local::absent_options::instead_of;
use local::config_files;
use local::options::Options;
use serde_json::{Value, json};

use super::{folder, headless, stderr};
use crate::harness::Cicada;
use testing::Recorder;

/// Files of a folder, and a command line.
struct Case {
    files: Vec<(&'static str, &'static str)>,
    arguments: &'static str,
}

fn cases() -> Vec<Case> {
    let case = |files, arguments| Case { files, arguments };
    let lines = "# a comment\n; and another\n[section]\n---\nusers = 7\nspawn-rate: 2.5 # a comment\nloglevel debug\n\
                 --host = 'http://localhost:1'\nheadless\n";
    vec![
        case(vec![], ""),
        case(vec![("locust.conf", lines)], ""),
        case(vec![("locust.conf", lines)], "-u 9 -L error"),
        case(
            vec![
                ("home/.locust.conf", "users = 1\nspawn-rate = 1"),
                ("locust.conf", "users = 2\nheadless = true"),
                (
                    "pyproject.toml",
                    "[tool.locust]\nspawn-rate = 4\nheadless = false",
                ),
            ],
            "",
        ),
        case(
            vec![
                ("locust.conf", "users = 2"),
                ("own.conf", "users = 3\nhost = \"http://localhost:2\""),
            ],
            "--config own.conf",
        ),
        case(
            vec![(
                "own.toml",
                "[tool.locust]\nusers = 5\nhost = 'http://localhost:3'",
            )],
            "--config own.toml",
        ),
        case(vec![("pyproject.toml", "[project]\nname = 'x'")], "Paced"),
    ]
}

/// The options of a command line in a folder, in which the user's home is too.
fn options(folder: &Path, arguments: &[&str]) -> Result<Options, clap::Error> {
    let home = folder.join("home").into_os_string();
    let typed: Vec<OsString> = ["cicada"]
        .iter()
        .chain(arguments)
        .map(OsString::from)
        .collect();
    config_files::options(&typed, folder, &|name| {
        (name == "HOME").then(|| home.clone())
    })
}

fn asked(folder: &Path, arguments: &[&str]) -> Value {
    let options = options(folder, arguments).unwrap();
    let (common, web) = (&options.common, &options.web);
    json!([
        common.users,
        common.spawn_rate,
        options.output.loglevel,
        common.host,
        web.headless,
        options.user_classes
    ])
}

#[test]
fn configuration_files_have_the_meaning_that_locust_gives_them() {
    let folders = tempfile::tempdir().unwrap();
    let mut questions = Vec::new();
    let mut ours = Vec::new();
    for (number, case) in cases().into_iter().enumerate() {
        let folder = folders.path().join(number.to_string());
        std::fs::create_dir_all(folder.join("home")).unwrap();
        for (name, text) in &case.files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let arguments: Vec<&str> = case.arguments.split_whitespace().collect();
        questions.push(json!({ "folder": folder, "arguments": arguments }));
        ours.push(asked(&folder, &arguments));
    }
    let answers: Value = testing::tools::ask("config_files.py", &json!(questions));
    assert_eq!(json!(ours), answers["answers"]);

    // each of Locust's options is ours, or says what takes its place
    let command = Options::command();
    let ours: BTreeSet<&str> = command
        .get_arguments()
        .flat_map(|option| {
            let aliases = option.get_all_aliases().unwrap_or_default();
            option.get_long().into_iter().chain(aliases)
        })
        .collect();
    let theirs = answers["options"].as_array().unwrap();
    assert!(theirs.len() > 50, "{theirs:?}");
    for option in theirs.iter().map(|option| option.as_str().unwrap()) {
        let name = option.trim_start_matches("--");
        let is_known = ours.contains(name) || matches!(name, "help" | "version");
        assert!(is_known || instead_of(option).is_some(), "{option}");
        assert!(!(is_known && instead_of(option).is_some()), "{option}");
    }
}

#[test]
fn a_mistake_in_a_configuration_file_is_one_line_that_names_the_file() {
    for (text, said) in [
        (
            "users = many",
            "invalid value 'many' for '--users <N>': must be a whole number",
        ),
        (
            "userz = 1",
            "\"userz\" is no option: cicada --help lists them",
        ),
        (
            "headless = perhaps",
            "headless is \"perhaps\": write true or false",
        ),
        ("users = [1, 2]", "users is a list: write one value"),
        ("version", "version cannot stand in a file"),
        (
            "processes = 4",
            "processes is an option of Locust's: one Cicada sends all of the traffic",
        ),
        ("= 4", "line 1: write a key and a value"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("locust.conf"), text).unwrap();
        let error = options(folder.path(), &[]).unwrap_err();
        let line = local::options::mistake_of("cicada", &error);
        assert!(
            line.contains("locust.conf") && line.contains(said),
            "{line}"
        );
        assert!(!line.contains('\n'), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_overrides_a_file_and_the_command_line_both() {
    let (folder, workload) = folder();
    let recorder = Recorder::start().await;
    std::fs::write(
        folder.path().join("locust.conf"),
        "users = 2\nspawn-rate = 9",
    )
    .unwrap();
    let run = || {
        headless(&workload, &recorder)
            .within(folder.path())
            .args("-t 1 Paced")
    };
    let (file, variable, typed) = (
        run(),
        run().env("LOCUST_USERS", "3"),
        run().env("LOCUST_USERS", "3").args("-u 4"),
    );
    let (file, variable, typed) = tokio::join!(file.run(), variable.run(), typed.run());
    for (output, users) in [(file, 2), (variable, 3), (typed, 4)] {
        let log = stderr(&output);
        assert!(
            log.contains(&format!(
                "Ramping to {users} users at a rate of 9.00 per second"
            )),
            "{log}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_would_change_the_traffic_is_not_passed_over() {
    for (run, said) in [
        (
            Cicada::bare().args("--processes 4"),
            "--processes is an option of Locust's: one Cicada sends all",
        ),
        (
            Cicada::bare().args("--worker"),
            "--worker is an option of Locust's: one Cicada sends all",
        ),
        (
            Cicada::bare().env("LOCUST_MODE_WORKER", "1"),
            "the variable LOCUST_MODE_WORKER is Locust's: one Cicada",
        ),
        (
            Cicada::bare().args("-T fast"),
            "no task has the tags that are asked for",
        ),
    ] {
        let output = run.run().await;
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(said), "{text}");
    }
}
