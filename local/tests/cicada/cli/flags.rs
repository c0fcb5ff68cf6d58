//! What a run is made of: users, rates, times, classes, hosts, exit codes, from flags and variables.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use futures_util::future::join_all;
use testing::Recorder;

use super::{all_recorded, folder, headless, ledger, stderr};
use crate::harness::Cicada;

/// A line as in a shell: first the variables, then the arguments; `|` parts what is one argument.
fn typed(mut cicada: Cicada, line: &str) -> Cicada {
    for word in line.split_whitespace() {
        cicada = match word.split_once('=') {
            Some((name, value)) if name.starts_with("LOCUST_") => {
                cicada.env(name, value.replace('|', " "))
            }
            _ => cicada.arg(word.replace('|', " ")),
        };
    }
    cicada
}

async fn run(workload: &Path, line: &str) -> (Output, Recorder) {
    let recorder = Recorder::start().await;
    let cicada = typed(headless(workload, &recorder), "--only-summary");
    let output = typed(cicada, line).run().await;
    (output, recorder)
}

#[tokio::test(flavor = "multi_thread")]
async fn users_spawn_rate_and_run_time_make_the_plan() {
    let (_folder, workload) = folder();
    // each user is due twice a second, from the moment it is started
    let cases = [
        ("-t 2 Paced", 4),
        ("-u 4 -r 1000 -t 2 Paced", 16),
        ("-u 4 -r 1000 -t 3s Paced", 24),
        ("--users 4 --spawn-rate 2 --run-time 2s Paced", 10),
        (
            "LOCUST_USERS=4 LOCUST_SPAWN_RATE=2 LOCUST_RUN_TIME=2 Paced",
            10,
        ),
        (
            "LOCUST_USERS=9 LOCUST_SPAWN_RATE=9 LOCUST_RUN_TIME=9 -u 4 -r 2 -t 2 Paced",
            10,
        ),
    ];
    let planned = cases.map(async |(line, planned)| {
        let (output, recorder) = run(&workload, line).await;
        assert_eq!(ledger(&output), all_recorded(planned), "{line}");
        assert_eq!(recorder.seen().len() as u64, planned, "{line}");
        assert_eq!(output.status.code(), Some(0), "{line}");
    });
    join_all(planned).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_time_has_each_of_locusts_forms() {
    let (_folder, workload) = folder();
    let cases = [
        ("20", 20),
        ("20s", 20),
        ("3m", 180),
        ("2h", 7_200),
        ("1h20m", 4_800),
    ];
    let starts = cases.map(async |(time, seconds)| {
        let cicada = Cicada::new().file(&workload);
        let cicada = cicada
            .args("--autostart Other -u 0 -t")
            .arg(time)
            .serve()
            .await;
        cicada
            .until_logged(&format!("Run time limit set to {seconds} seconds\n"))
            .await;
        assert_eq!(cicada.terminate().await, 0);
    });
    join_all(starts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_have_the_users_that_the_options_give_them() {
    let (folder, workload) = folder();
    let fixed = r#"[{"user_class_name":"Paced","fixed_count":3},{"user_class_name":"Other"}]"#;
    let file = folder.path().join("users.json");
    std::fs::write(&file, fixed).unwrap();
    let file = file.display();
    let light = r#"{"user_class_name":"Other","weight":1}"#;
    let light_again = r#"{"user_class_name":"Paced","weight":3}"#;
    let cases = [
        ("Paced Other".into(), (6, 2)),
        ("LOCUST_USER_CLASSES=Paced|Other".into(), (6, 2)),
        ("LOCUST_USER_CLASSES=Paced|Other Other".into(), (8, 0)),
        ("Paced Other --equal-weights".into(), (4, 4)),
        (format!("Paced Other --config-users {light}"), (4, 4)),
        (
            format!("Paced Other --config-users {light} {light_again}"),
            (2, 6),
        ),
        (format!("Paced Other LOCUST_CONFIG_USERS={light}"), (4, 4)),
        (format!("Paced Other --config-users {fixed}"), (5, 3)),
        (format!("Paced Other --config-users {file}"), (5, 3)),
        (format!("Paced Other LOCUST_CONFIG_USERS={file}"), (5, 3)),
    ];
    let runs = cases.map(async |(line, (other, paced)): (String, _)| {
        let (output, recorder) = run(&workload, &format!("-u 8 -r 1000 -t 1 {line}")).await;
        let expected = [("Other", other), ("Paced", paced)].map(|(class, n)| (class.into(), n));
        let mut expected = BTreeMap::from(expected);
        expected.retain(|_, users| *users > 0);
        assert_eq!(recorder.users(), expected, "{line}: {}", stderr(&output));
    });
    join_all(runs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_the_workloads_the_commands_or_the_classes() {
    let (_folder, workload) = folder();
    let cases = [
        ("", [1, 1], [0, 0]),
        ("-H URL", [0, 0], [1, 1]),
        ("--host URL/", [0, 0], [1, 1]),
        ("LOCUST_HOST=URL", [0, 0], [1, 1]),
        (
            r#"--config-users {"user_class_name":"Other","host":"URL"}"#,
            [0, 1],
            [1, 0],
        ),
    ];
    let runs = cases.map(async |(line, own, elsewhere)| {
        let other = Recorder::start().await;
        let line = format!("-u 2 -r 1000 -t 1 Paced Other --equal-weights {line}");
        let (output, recorder) = run(&workload, &line.replace("URL", other.url())).await;
        assert_eq!(ledger(&output), all_recorded(4), "{line}");
        let users = |recorder: &Recorder| {
            let users = recorder.users();
            ["Other", "Paced"].map(|class| users.get(class).copied().unwrap_or_default())
        };
        assert_eq!(
            (users(&recorder), users(&other)),
            (own, elsewhere),
            "{line}"
        );
    });
    join_all(runs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_says_whether_a_request_failed() {
    let (_folder, workload) = folder();
    let cases = [
        ("Paced", 0),
        ("Paced --exit-code-on-error 7", 0),
        ("Paced Broken", 1),
        ("Broken --exit-code-on-error 7", 7),
        ("Broken LOCUST_EXIT_CODE_ON_ERROR=9", 9),
        ("Broken --exit-code-on-error 0", 0),
    ];
    let runs = cases.map(async |(line, code)| {
        let (output, _recorder) = run(&workload, &format!("-u 2 -t 1 {line}")).await;
        assert_eq!(output.status.code(), Some(code), "{line}");
        let last = format!("Shutting down (exit code {code})\n");
        assert!(
            stderr(&output).ends_with(&last),
            "{line}: {}",
            stderr(&output)
        );
    });
    join_all(runs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_outlives_the_stop_timeout_is_cut_off() {
    let (_folder, workload) = folder();
    let cases = ["--stop-timeout 1", "-s 1s", "LOCUST_STOP_TIMEOUT=1"];
    let runs = cases.map(async |line| {
        let line = format!("-u 2 -r 1000 -t 1 Slow {line}");
        // it ends, though its requests would take an hour
        let (output, _recorder) = run(&workload, &line).await;
        let expected = "4 planned = 2 recorded + 2 skipped + 0 missing";
        assert_eq!(ledger(&output), expected, "{line}");
        let cut_off = "\n2 of the recorded were cut off by the stop timeout\n";
        assert!(
            stderr(&output).contains(cut_off),
            "{line}: {}",
            stderr(&output)
        );
    });
    join_all(runs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_its_level_and_its_place() {
    let (folder, workload) = folder();
    let file = folder.path().join("new/folder/cicada.log");
    let file = file.display();
    let cases = [
        (String::new(), ["INFO", ""]),
        ("LOCUST_LOGLEVEL=DEBUG".into(), ["INFO DEBUG", ""]),
        ("--loglevel debug".into(), ["INFO DEBUG", ""]),
        ("-L WARNING".into(), ["", ""]),
        (format!("--logfile {file}"), ["", "INFO"]),
        (format!("LOCUST_LOGFILE={file}.other"), ["", "INFO"]),
    ];
    let runs = cases.map(async |(line, expected): (String, [&str; 2])| {
        let (output, _recorder) = run(&workload, &format!("-t 1 Paced {line}")).await;
        let path = line.rsplit([' ', '=']).next().unwrap();
        let logged = std::fs::read_to_string(path).unwrap_or_default();
        let levels = [stderr(&output), logged].map(|log| {
            let levels = ["INFO", "DEBUG"]
                .into_iter()
                .filter(|level| log.contains(&format!("/{level}/")));
            levels.collect::<Vec<_>>().join(" ")
        });
        assert_eq!(levels, expected, "{line}: {}", stderr(&output));
    });
    join_all(runs).await;
}
