//! `cicada cost`: a table for people, JSON for programs, and one line for each mistake.

use serde_json::Value;

use super::{folder, stderr, stdout};
use crate::harness::Cicada;

async fn answer(arguments: &str) -> String {
    let output = Cicada::bare().arg("cost").args(arguments).run().await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    stdout(&output)
}

async fn json(arguments: &str) -> Value {
    serde_json::from_str(&answer(&format!("{arguments} --json")).await).unwrap()
}

async fn refusal<const N: usize>(arguments: [&str; N]) -> String {
    let cicada = arguments
        .into_iter()
        .fold(Cicada::bare().arg("cost"), Cicada::arg);
    let output = cicada.run().await;
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert_eq!(stdout(&output), "");
    let said = stderr(&output);
    assert_eq!(said.lines().count(), 1, "{said}");
    said.strip_prefix("cicada: ").unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn the_table_has_every_service_a_total_and_what_it_stands_beside() {
    let table = answer("--users 12 --hours 8/day").await;
    for said in [
        "Lambda",
        "DynamoDB",
        "SQS",
        "Scheduler",
        "CloudWatch",
        "Total",
        "Fargate",
        "12 users for 243.3",
    ] {
        assert!(table.contains(said), "{said} is not in\n{table}");
    }
}

#[tokio::test]
async fn options_change_what_they_name() {
    let usual = json("-u 12").await;
    let usd = |estimate: &Value| estimate["usd"].as_f64().unwrap();
    assert_eq!(usual["users"], 12);
    for cheaper in [
        "--architecture arm64",
        "--hours 40/week",
        "--watch-hours 0/day",
        "--alarms 0",
        "--retention-days 1",
        "--response-time 0.01",
    ] {
        assert!(
            usd(&json(&format!("-u 12 {cheaper}")).await) < usd(&usual),
            "{cheaper}"
        );
    }
    for dearer in [
        "--memory 512",
        "--ticks-per-message 1",
        "--block-size 1",
        "--response-time ModelAUser=20",
    ] {
        assert!(
            usd(&json(&format!("-u 12 {dearer}")).await) > usd(&usual),
            "{dearer}"
        );
    }
    let frankfurt = json("-u 12 --region eu-central-1").await;
    assert_eq!(frankfurt["region"], "eu-central-1");
    assert!(usd(&frankfurt) > usd(&usual));
    // a ramp of 3.3 of the 8 hours has half of the users on average
    let iterations = |estimate: &Value| estimate["iterations"].as_f64().unwrap();
    let traffic = "--class-counts TargetAppUser=12 --hours 8/day";
    let ramp = json(&format!("{traffic} --spawn-rate 0.001")).await;
    let share = iterations(&ramp) / iterations(&json(traffic).await);
    assert!((0.78..0.83).contains(&share), "{share}");
}

#[tokio::test]
async fn class_counts_are_taken_as_json_or_one_by_one() {
    let output = Cicada::bare()
        .args("cost --json --class-counts")
        .arg(r#"{"ModelAUser": 2, "TargetAppUser": 1}"#);
    let by_json: Value = serde_json::from_str(&stdout(&output.run().await)).unwrap();
    assert_eq!(by_json["users"], 3);
    assert_eq!(
        by_json,
        json("--class-counts ModelAUser=2 TargetAppUser=1").await
    );
}

#[tokio::test]
async fn own_workloads_and_own_prices_are_used() {
    let (folder, workload) = folder();
    let built_in = include_str!("../../../../aggregator/cost/src/prices-2026-11.toml");
    let prices = folder.path().join("prices.toml");
    std::fs::write(
        &prices,
        built_in.replace("million_requests = 0.40", "million_requests = 4.00"),
    )
    .unwrap();
    let arguments = format!("-f {} --class-counts Paced=1", workload.display());
    let usual = json(&arguments).await;
    let dear = json(&format!("{arguments} --prices {}", prices.display())).await;
    let sqs = |estimate: &Value| -> f64 {
        let lines = estimate["lines"].as_array().unwrap().iter();
        let of_sqs = lines.filter(|line| line["service"] == "SQS");
        of_sqs.map(|line| line["usd"].as_f64().unwrap()).sum()
    };
    assert!((sqs(&dear) / sqs(&usual) - 10.0).abs() < 1e-6);
}

#[tokio::test]
async fn a_mistake_is_one_line_that_says_what_to_write() {
    let cases = [
        (refusal([]).await, "--users <N>"),
        (refusal(["-u", "x"]).await, "'--users <N>'"),
        (
            refusal(["-u", "0"]).await,
            "--users must be a whole number from 1 to 1000000",
        ),
        (
            refusal(["-u", "1", "--hours", "25/day"]).await,
            "write hours such as 8/day",
        ),
        (
            refusal(["-u", "1", "--hours", "1/day", "--watch-hours", "2/day"]).await,
            "--watch-hours 2/day is more than traffic is on for, 1/day",
        ),
        (
            refusal(["--class-counts", "TargetApUser=1"]).await,
            "perhaps TargetAppUser was meant",
        ),
        (
            refusal(["--class-counts", "TargetAppUser"]).await,
            "neither JSON nor CLASS=N",
        ),
        (
            refusal(["--class-counts", "{\"TargetAppUser\": -1}"]).await,
            "not JSON such as",
        ),
        (
            refusal(["--class-counts", "TargetAppUser=0"]).await,
            "must come to 1 to 1000000",
        ),
        (
            refusal(["-u", "1", "--response-time", "Nobody=1"]).await,
            "neither a class nor a request",
        ),
        (
            refusal(["-u", "1", "--response-time", "soon"]).await,
            "is no response time",
        ),
        (
            refusal(["-u", "1", "--prices", "/nowhere.toml"]).await,
            "--prices file /nowhere.toml cannot be read",
        ),
        (
            refusal(["-u", "1", "-f", "/nowhere.toml"]).await,
            "/nowhere.toml cannot be read",
        ),
        (
            refusal(["-u", "1", "--quux"]).await,
            "(see cicada cost --help)",
        ),
    ];
    for (said, expected) in cases {
        assert!(said.contains(expected), "{expected:?} is not in {said:?}");
    }
}

#[tokio::test]
async fn its_help_is_its_own_and_the_programs_names_it() {
    let own = answer("--help").await;
    assert!(
        own.contains("Usage: cicada cost") && own.contains("--class-counts"),
        "{own}"
    );
    let programs = stdout(&Cicada::bare().arg("--help").run().await);
    assert!(programs.contains("cicada cost --help"), "{programs}");
}

#[tokio::test]
async fn the_word_means_the_command_only_where_it_comes_first() {
    let output = Cicada::bare().args("--list cost").run().await;
    assert!(stdout(&output).starts_with("Available Users:"));
}

#[tokio::test]
async fn a_shape_is_estimated_by_its_users_on_average() {
    let daily = json("--shape DailyCurve").await;
    // between its 6 and its 36, and nearer to the working day's
    let users = daily["users"].as_u64().unwrap();
    assert!((18..=26).contains(&users), "{users}");
    let said = refusal(["--shape", "DailyCurv"]).await;
    assert_eq!(
        said,
        "--shape names the unknown shape \"DailyCurv\", perhaps DailyCurve was meant; the workload has \
         DailyCurve, StepLoad"
    );
    let said = refusal(["--shape", "DailyCurve", "-u", "5"]).await;
    assert!(said.contains("cannot be used with"), "{said}");
}
