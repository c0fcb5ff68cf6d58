//! What is printed has the form of what Locust itself prints, asked beside it.

use std::path::Path;
use std::process::Output;

use testing::Recorder;
use tokio::process::Command;

use super::{folder, headless, stderr, stdout};
use crate::harness::Cicada;

/// Runs the real Locust with the same classes.
pub(super) async fn locust(line: &str, shop: &str) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(testing::tools::locusts_python());
    command.args(["-m", "locust", "--loglevel", "CRITICAL", "-f"]);
    command.arg(folder.join("tests/cicada/cli/locustfile.py"));
    command
        .args(line.split_whitespace())
        .env("SHOP_URL", shop)
        .kill_on_drop(true);
    command.output().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn task_ratios_are_locusts_to_the_character() {
    let (_folder, workload) = folder();
    let recorder = Recorder::start().await;
    for line in ["", "-u 11", "-u 100", "Other", "-u 3 Many"] {
        for flag in ["--show-task-ratio", "--show-task-ratio-json"] {
            let line = format!("{flag} {line}");
            let ours = headless(&workload, &recorder).args(&line);
            let (ours, theirs) = tokio::join!(ours.run(), locust(&line, recorder.url()));
            assert_eq!(stdout(&ours), stdout(&theirs), "{line}");
            assert_eq!(ours.status.code(), Some(0));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_headless_run_prints_what_locust_prints() {
    let (_folder, workload) = folder();
    let recorder = Recorder::start().await;
    let line = "--headless -u 8 -r 100 -t 3 Broken Other Paced";
    let ours = headless(&workload, &recorder);
    let ours = ours.args("--loglevel CRITICAL").args(line);
    let (ours, theirs) = tokio::join!(ours.run(), locust(line, recorder.url()));
    let (ours, theirs) = (stderr(&ours), stderr(&theirs));
    let (ours, ledger) = ours.split_once("\nLedger: ").unwrap();
    // a busy machine is said so
    let lines = ledger.trim().lines();
    let lines = lines.filter(|line| !line.starts_with("response times include"));
    assert_eq!(lines.count(), 1);
    let tables = |text: &str| text.matches("# fails").count();
    assert!(tables(ours) >= 3, "{ours}");
    assert!(tables(&theirs) >= 2, "{theirs}");
    // before anything has happened, every character is the same
    let first = |text: &str| text.lines().take(5).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(first(ours), first(&theirs));
    assert_eq!(summary(ours), summary(&theirs), "{ours}\n{theirs}");
}

/// The layout of what is printed at the end.
fn summary(text: &str) -> Vec<String> {
    let begins = text
        .rfind("Type     Name")
        .and_then(|percentiles| text[..percentiles].rfind("Type     Name"));
    let (tables, errors) = text[begins.unwrap()..]
        .split_once("Error report\n")
        .unwrap();
    let errors = errors
        .trim_end()
        .lines()
        .map(|line| match line.split_once(": ") {
            // how often it was is a figure, and what went wrong has other words
            Some((what, _)) => what[18..].to_owned(),
            None => line.to_owned(),
        });
    tables
        .lines()
        .map(|line| layout(line, 60))
        .chain(errors)
        .collect()
}

/// A line without its figures: what stands before `column`, and where the words after it end.
fn layout(line: &str, column: usize) -> String {
    let line: String = line
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    if !line.contains('0') {
        return line;
    }
    let ends = line.char_indices().filter(|&(at, character)| {
        let ends = line[at + 1..]
            .chars()
            .next()
            .is_none_or(|next| next == ' ' || next == '|');
        at >= column && character != ' ' && ends
    });
    let ends: Vec<usize> = ends.map(|(at, _)| at).collect();
    format!("{} {ends:?}", line[..column].trim_end())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_that_scripts_wait_for_are_locusts() {
    let (_folder, workload) = folder();
    let recorder = Recorder::start().await;
    let line = "--headless -u 8 -r 16 -t 2 Broken Other Paced";
    let ours = headless(&workload, &recorder).args(line);
    let with_log = format!("{line} --loglevel INFO");
    let (ours, theirs) = tokio::join!(ours.run(), locust(&with_log, recorder.url()));
    let messages = |output: &Output| -> Vec<String> {
        let known = [
            "Ramping to ",
            "All users spawned: ",
            "Run time limit ",
            "--run-time limit ",
            "Shutting down ",
        ];
        let log = stderr(output);
        let messages = log
            .lines()
            .filter_map(|line| Some(line.split_once("/INFO/")?.1.split_once(": ")?.1));
        let known = messages.filter(|message| known.iter().any(|start| message.starts_with(start)));
        // what Cicada adds stands behind it
        let mut known: Vec<_> = known
            .map(|message| message.split(" run=").next().unwrap().to_owned())
            .collect();
        known.sort();
        known
    };
    let said = messages(&ours);
    assert_eq!(said, messages(&theirs));
    assert_eq!(said.len(), 5, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_the_users_says_so_and_when_they_are_there() {
    let (_folder, workload) = folder();
    let recorder = Recorder::start().await;
    let served = Cicada::bare()
        .arg("-f")
        .arg(&workload)
        .env("SHOP_URL", recorder.url());
    let cicada = served.serve().await;
    cicada
        .swarm("user_count=2&spawn_rate=100&user_classes=Paced")
        .await;
    cicada
        .until_logged("All users spawned: {\"Paced\": 2} (2 total users)")
        .await;
    cicada
        .swarm("user_count=5&spawn_rate=100&user_classes=Paced")
        .await;
    cicada
        .until_logged("Ramping to 5 users at a rate of 100.00 per second")
        .await;
    cicada
        .until_logged("All users spawned: {\"Paced\": 5} (5 total users)")
        .await;
    cicada
        .swarm("user_count=1&spawn_rate=100&run_time=1&user_classes=Paced")
        .await;
    cicada
        .until_logged("--run-time limit reached, stopping test")
        .await;
    let log = cicada.log();
    assert_eq!(log.matches("All users spawned").count(), 3, "{log}");
    assert_eq!(cicada.terminate().await, 0);
}
