//! What can be asked of it without a run.

use super::{folder, stderr, stdout};
use crate::harness::Cicada;

async fn answer(cicada: Cicada) -> String {
    let output = cicada.run().await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    stdout(&output)
}

#[tokio::test]
async fn the_list_has_the_classes_of_the_workload_in_its_order() {
    let own = "Available Users:\n    Many\n    Broken\n    Other\n    Paced\n    Slow\n";
    let (_folder, workload) = folder();
    let file = workload.display().to_string();
    for flag in ["-f", "--workload", "--locustfile"] {
        assert_eq!(
            answer(Cicada::bare().arg(flag).arg(&file).arg("-l")).await,
            own
        );
    }
    let by_variable = Cicada::bare().env("LOCUST_LOCUSTFILE", &file).arg("--list");
    assert_eq!(answer(by_variable).await, own);
    let built_in = "Available Users:\n    TargetAppUser\n    ModelAUser\n    ModelBUser\n    \
                    ChatModelAUser\n    ChatModelBUser\n    PassiveLoadUser\nAvailable Shapes:\n    \
                    DailyCurve\n    StepLoad\n";
    // as in Locust, nothing else needs to be right
    assert_eq!(
        answer(Cicada::bare().args("--list Elephant -H nowhere")).await,
        built_in
    );
}

#[tokio::test]
async fn a_check_says_what_a_right_workload_has() {
    let (_folder, workload) = folder();
    let cicada = Cicada::bare()
        .file(&workload)
        .env("SHOP_URL", "http://shop:8000");
    let said = answer(cicada.arg("--check")).await;
    let (first, rest) = said.split_once('\n').unwrap();
    let version = first
        .strip_prefix("The workload is valid: version ")
        .unwrap();
    assert_eq!(version.len(), 16);
    let shop = "constant_pacing(0.5) to http://shop:8000/";
    let expected = format!(
        "    Broken: {shop}, 1 task with 1 request\n    Many: {shop}, 3 tasks with 3 requests\n    \
         Other: {shop}, 1 task with 1 request\n    Paced: {shop}, 1 task with 1 request\n    \
         Slow: {shop}, 1 task with 1 request\n"
    );
    assert_eq!(rest, expected);
}

#[tokio::test]
async fn version_and_help_are_answers() {
    let version = format!("cicada {}\n", local::options::VERSION);
    let commit = version.strip_prefix(concat!("cicada ", env!("CARGO_PKG_VERSION")));
    let commit = commit.expect("the version stands first").trim();
    assert!(
        commit.is_empty() || commit.starts_with('(') && commit.ends_with(')'),
        "{version}"
    );
    assert_eq!(answer(Cicada::bare().arg("-V")).await, version);
    assert_eq!(answer(Cicada::bare().arg("--version")).await, version);
    let help = answer(Cicada::bare().arg("--help")).await;
    let short = ["-f", "-H", "-u", "-r", "-t", "-l", "-P", "-L", "-s", "-V"];
    let long = [
        "--workload",
        "--host",
        "--users",
        "--spawn-rate",
        "--run-time",
        "--headless",
        "--autostart",
        "--autoquit",
        "--web-host",
        "--web-port",
        "--check",
        "--list",
        "--show-task-ratio",
        "--show-task-ratio-json",
        "--only-summary",
        "--stop-timeout",
        "--exit-code-on-error",
        "--loglevel",
        "--logfile",
        "--config-users",
        "--equal-weights",
        "--db",
        "--seed",
        "--demo",
    ];
    let words: Vec<&str> = help.split([' ', ',', '\n']).collect();
    for flag in short.iter().chain(&long) {
        assert!(words.contains(flag), "{flag} is not in\n{help}");
    }
}
