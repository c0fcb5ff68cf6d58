//! Thresholds: the exit code, the lines at the end, the JSON, the report and `/thresholds` say the same.

use serde_json::Value;
use testing::Recorder;

use super::{folder, headless, stderr, stdout};

#[tokio::test(flavor = "multi_thread")]
async fn thresholds_decide_the_exit_code_and_stand_in_every_output() {
    let (folder, workload) = folder();
    let recorder = Recorder::start().await;
    let run = || headless(&workload, &recorder).args("-t 2 Paced Broken -u 2");
    let report = folder.path().join("report.html");
    let (without, holds, fails) = (
        run(),
        run().args("--threshold fail_ratio<0.9 --threshold max<60000 --threshold missing<1"),
        run()
            .args("--threshold fail_ratio<0.1 --threshold average<60000 --json --html")
            .arg(&report)
            .arg("--threshold")
            .arg("p95<60000 of GET /broken"),
    );
    let (without, holds, fails) = tokio::join!(without.run(), holds.run(), fails.run());

    // without thresholds a failed request decides
    assert_eq!(without.status.code(), Some(1));
    assert!(!stderr(&without).contains("Threshold"));
    assert_eq!(holds.status.code(), Some(0));
    let text = stderr(&holds);
    assert!(
        text.contains("Threshold fail_ratio<0.9: holds, it is 0."),
        "{text}"
    );
    assert!(
        text.contains("Threshold missing<1: holds, it is 0\n"),
        "{text}"
    );
    assert_eq!(fails.status.code(), Some(3));
    let tables = String::from_utf8_lossy(&fails.stderr);
    assert!(
        tables.contains("Threshold fail_ratio<0.1: FAILS, it is 0."),
        "{tables}"
    );
    assert!(
        tables.contains("Threshold p95<60000 of GET /broken: holds, it is "),
        "{tables}"
    );

    let json: Value = serde_json::from_str(&stdout(&fails)).unwrap();
    let holds = |number: usize| json["thresholds"][number]["holds"].as_bool();
    assert_eq!(
        [0, 1, 2, 3].map(holds),
        [Some(false), Some(true), Some(true), None]
    );
    assert_eq!(json["thresholds"][2]["row"], "GET /broken");
    assert!(
        json["statistics"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty())
    );
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("<h2>Thresholds</h2>"));
    assert!(report.contains("<td class=\"left\">fail_ratio&lt;0.1</td>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_that_cannot_be_met_by_any_request_fails_and_a_mistake_is_one_line() {
    let (_folder, workload) = folder();
    let recorder = Recorder::start().await;
    let run = || headless(&workload, &recorder).args("-t 1 Paced -u 1");
    let (silent, unknown, wrong) = (
        run().arg("--threshold").arg("p95<60000 of GET /broken"),
        run().arg("--threshold").arg("p95<60000 of GET /nowhere"),
        run().arg("--threshold").arg("p95>60000"),
    );
    let (silent, unknown, wrong) = tokio::join!(silent.run(), unknown.run(), wrong.run());

    assert_eq!(silent.status.code(), Some(3));
    let text = stderr(&silent);
    let said = "Threshold p95<60000 of GET /broken: FAILS, there was no request";
    assert!(text.contains(said), "{text}");
    for (output, said) in [
        (
            unknown,
            "--threshold names \"GET /nowhere\", and the workload has no request of this name",
        ),
        (
            wrong,
            "write a figure and the number that it must stay below, such as 'p95<500'",
        ),
    ] {
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(said), "{text}");
    }
}
