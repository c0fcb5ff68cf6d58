//! Load shapes on the command line: chosen by `--shape`, a variable or as a class is, over when they end.

use std::path::PathBuf;

use testing::{Recorder, Seen};

use super::{WORKLOAD, all_recorded, folder, headless, ledger, stderr, stdout};
use crate::harness::Cicada;

/// Six users, then two for as long.
const STEPS: &str = "\n[shape.Steps]\nstages = [\n\
    { duration = '2s', users = 6, spawn_rate = 6 },\n\
    { duration = '4s', users = 2, spawn_rate = 6 },\n]\n\
    [shape.Day]\ntime_zone = 'Asia/Tokyo'\ndaily = { '04:00' = 2, '16:00' = 10 }\n";

fn with_shapes() -> (tempfile::TempDir, PathBuf) {
    let (folder, workload) = folder();
    std::fs::write(&workload, format!("{WORKLOAD}{STEPS}")).unwrap();
    (folder, workload)
}

/// What the targets see of a shape that comes to its end, and the line of the ledger.
async fn seen(name: &str) -> (Vec<Seen>, String) {
    let (_folder, workload) = with_shapes();
    let recorder = Recorder::start().await;
    let cicada = headless(&workload, &recorder).args("--only-summary --seed 5 Paced Other");
    let output = cicada.arg(name).run().await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    (recorder.seen(), ledger(&output))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shape_ends_the_program_and_the_same_seed_gives_the_same_requests() {
    // a shape is named as a class is, or by its option
    let ((first, books), (second, _)) = tokio::join!(seen("Steps"), seen("--shape=Steps"));
    assert_eq!(first, second);
    // twice a second: 21 of the first stage, 8 of the two who stay, and 2 of those who leave
    assert_eq!(first.len(), 31);
    assert_eq!(books, all_recorded(31));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_spawn_rate_are_ignored_with_a_word_and_a_run_time_is_not() {
    let (_folder, workload) = with_shapes();
    let recorder = Recorder::start().await;
    let output = headless(&workload, &recorder)
        .args("--only-summary -u 500 -r 100 -t 2")
        .env("LOCUST_SHAPE", "Day")
        .run()
        .await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let log = stderr(&output);
    for line in [
        "--users and --spawn-rate are ignored: the shape Day says how many",
        "the shape Day is on",
        "Run time limit set to 2 seconds",
    ] {
        assert!(log.contains(line), "{line} is not in\n{log}");
    }
    assert!((1..=10).contains(&recorder.seen().len()));
}

#[tokio::test]
async fn shapes_are_listed_and_what_their_stages_come_to_is_checked() {
    let (_folder, workload) = with_shapes();
    let cicada = || Cicada::bare().file(&workload);
    let listed = stdout(&cicada().arg("--list").run().await);
    assert!(
        listed.ends_with("    Slow\nAvailable Shapes:\n    Day\n    Steps\n"),
        "{listed}"
    );
    let checked = stdout(&cicada().arg("--check").run().await);
    assert!(
        checked.ends_with(
            "    Day: day after day, 2 to 10 users by the time of Asia/Tokyo\n    \
             Steps: 2 stages in 4 s, up to 6 users\n        \
             0 to 2 s: 6 users, 6 a second\n        \
             2 to 4 s: 2 users, 6 a second\n"
        ),
        "{checked}"
    );
    let ratios = cicada().args("--show-task-ratio Steps").run().await;
    assert!(
        stdout(&ratios).contains("Paced"),
        "all classes are selected"
    );
}

#[tokio::test]
async fn a_shape_that_cannot_be_chosen_ends_it_with_one_line() {
    let (_folder, workload) = with_shapes();
    for (arguments, said) in [
        (
            "--shape Step",
            "--shape names the unknown shape \"Step\", perhaps Steps was meant; the workload has Day, Steps",
        ),
        (
            "--shape Day Steps",
            "--shape is given more than once, Day and Steps: name one",
        ),
        (
            "--headless --shape Steps --max-users 5",
            "shape_class names Steps, which has up to 6 users, above the limit of 5",
        ),
    ] {
        let cicada = Cicada::bare().file(&workload).args(arguments);
        let output = cicada.arg("--loglevel").arg("ERROR").run().await;
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert_eq!(stderr(&output), format!("cicada: {said}\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adaptive_load_logs_each_decision_and_json_has_them() {
    let (_folder, workload) = folder();
    let climb = "\n[shape.Climb]\nadaptive = { start = 6, step = 6, every = '2s', until = 'p95 < 60000', at_most = 12 }\n";
    std::fs::write(&workload, format!("{WORKLOAD}{climb}")).unwrap();
    let recorder = Recorder::start().await;
    let cicada = headless(&workload, &recorder).args("--shape Climb -t 14 --json Paced");
    let output = cicada.run().await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let adaptive = &json["adaptive"];
    assert_eq!(adaptive["users"], 12, "{adaptive}");
    assert_eq!(adaptive["is_settled"], true);
    let decisions = adaptive["decisions"].as_array().unwrap();
    assert_eq!(decisions.len(), 2);
    let log = stderr(&output);
    for decision in decisions {
        let reason = decision["reason"].as_str().unwrap();
        assert!(log.contains(reason), "{reason} is not in\n{log}");
    }
    let first = decisions[0]["reason"].as_str().unwrap();
    assert!(first.ends_with(" at 6 users: on to 12"), "{first}");
    let sent = recorder.seen().len() as u64;
    assert_eq!(ledger(&output), all_recorded(sent));
}
