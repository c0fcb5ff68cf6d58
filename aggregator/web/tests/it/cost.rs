//! `/cost`: the estimate of the command, asked for by parameters.

use std::time::Duration;

use control::ControlSettings;
use cost::{Architecture, Prices, Question};
use serde_json::{Value, json};
use traffic::workload::Workload;

use crate::cicada::{Cicada, workload};

async fn estimate(cicada: &Cicada, query: &str) -> Value {
    let answer = cicada.get(&format!("/cost?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    answer.json()
}

/// What the command prints for a question.
fn printed(question: &Question, workload: &std::sync::Arc<Workload>) -> Value {
    let estimate = question.estimate(workload, &Prices::built_in(), 10_000);
    serde_json::to_value(estimate.expect("it can be answered")).expect("an estimate is JSON")
}

#[tokio::test]
async fn it_is_what_the_command_prints() {
    let cicada = Cicada::new();
    let question = Question {
        users: Some(12),
        hours: "8/day".parse().expect("hours"),
        ..Question::default()
    };
    let expected = printed(&question, &workload());
    assert_eq!(estimate(&cicada, "users=12&hours=8/day").await, expected);
    // of a repeated one the first counts, and an empty one is none
    let same = "users=12&users=900&hours=8%2Fday&region=&watch_hours=";
    assert_eq!(estimate(&cicada, same).await, expected);

    let question = Question {
        class_counts: vec![r#"{"ModelAUser": 2}"#.into(), "TargetAppUser=3".into()],
        spawn_rate: Some(0.01),
        hours: "40/week".parse().expect("hours"),
        watch_hours: Some("2/week".parse().expect("hours")),
        response_time: vec!["0.5".into(), "Chat (Model A)=4".into()],
        memory: Some(256),
        architecture: Architecture::Arm,
        ticks_per_message: 5,
        block_size: 50,
        retention_days: 7,
        alarms: 0,
        region: Some("eu-central-1".into()),
        ..Question::default()
    };
    let query = "class_counts=%7B%22ModelAUser%22:2%7D&class_counts=TargetAppUser%3D3&hours=40/week\
        &watch_hours=2/week&response_time=0.5&response_time=Chat+(Model+A)%3D4&memory=256&spawn_rate=0.01\
        &architecture=arm64&ticks_per_message=5&block_size=50&retention_days=7&alarms=0\
        &region=eu-central-1";
    let estimate = estimate(&cicada, query).await;
    assert_eq!(estimate, printed(&question, &workload()));
    assert_eq!(estimate["users"], 5);
    assert_eq!(estimate["region"], "eu-central-1");
}

#[tokio::test]
async fn it_is_about_the_workload_that_the_next_run_has() {
    let cicada = Cicada::with(ControlSettings::new(workload()));
    let source =
        "hosts.h = 'http://h'\n[class.Only]\nwait = 'constant_pacing(10)'\ntask.t.request = '/'\n";
    let put = cicada.call("PUT", "/workload", None, source).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let body = estimate(&cicada, "class_counts=Only=4").await;
    assert_eq!(body["users"], 4);
    // four users every ten seconds, all the time
    let iterations = body["iterations"].as_f64().expect("a number");
    let expected = 0.4 * 3_600.0 * 730.0;
    assert!(
        (iterations / expected - 1.0).abs() < 0.02,
        "{iterations} {expected}"
    );
}

/// Questions that cannot be answered, and words of what is said.
const MISTAKES: &[(&str, &str)] = &[
    ("", "users is missing"),
    ("users=0", "users must be a whole number from 1 to 10000"),
    (
        "users=10001",
        "users must be a whole number from 1 to 10000",
    ),
    ("users=-1", "users is \"-1\": write a whole number"),
    ("users=1e3", "users is \"1e3\""),
    ("users=99999999999999999999999", "users is"),
    (
        "users=1&class_counts=ModelAUser=1",
        "class_counts is given beside users",
    ),
    ("class_counts=ModelAUsr=1", "perhaps ModelAUser was meant"),
    ("class_counts=ModelAUser", "neither JSON nor CLASS=N"),
    (
        "class_counts={\"ModelAUser\":-1}",
        "class_counts is not JSON such as",
    ),
    (
        "class_counts={\"ModelAUser\":18446744073709551615,\"ModelBUser\":9}",
        "must come to 1 to 10000",
    ),
    ("class_counts=ModelAUser=0", "must come to 1 to 10000"),
    (
        "users=1&hours=25/day",
        "hours is \"25/day\": write hours such as 8/day",
    ),
    ("users=1&hours=nan/day", "hours is \"nan/day\""),
    (
        "users=1&hours=8/day&watch_hours=9/day",
        "watch_hours 9/day is more than traffic is on for, 8/day",
    ),
    ("users=1&response_time=soon", "is no response time"),
    (
        "users=1&response_time=Nobody=1",
        "neither a class nor a request",
    ),
    (
        "users=1&memory=64",
        "memory must be a whole number from 128 to 10240",
    ),
    (
        "users=1&architecture=z80",
        "architecture must be x86_64 or arm64",
    ),
    ("users=1&ticks_per_message=0", "ticks_per_message must be"),
    (
        "users=1&block_size=101",
        "block_size must be a whole number from 1 to 100",
    ),
    (
        "users=501&block_size=1",
        "block_size makes more than 500 blocks of 501 users",
    ),
    (
        "users=1&spawn_rate=fast",
        "spawn_rate is \"fast\": write a number",
    ),
    (
        "users=1&spawn_rate=0",
        "spawn_rate must be a number from 0.001 to 10000",
    ),
    (
        "shape=DailyCurve&spawn_rate=1",
        "shape is given beside spawn_rate",
    ),
    (
        "users=1&region=eu-nowhere-1",
        "region names \"eu-nowhere-1\", whose prices are not known; those of us-east-1, ",
    ),
    ("users=1&retention_days=4000", "retention_days must be"),
    ("users=1&alarms=10001", "alarms must be"),
    (
        "user=1",
        "query has the unknown parameter \"user\": write one of users, class_counts, shape, spawn_rate",
    ),
];

#[tokio::test]
async fn a_parameter_that_cannot_be_used_is_named() {
    let cicada = Cicada::new();
    for (query, words) in MISTAKES {
        let query = query
            .replace('"', "%22")
            .replace('{', "%7B")
            .replace('}', "%7D");
        let answer = cicada.get(&format!("/cost?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        let json = answer.json();
        let message = json["message"].as_str().expect("a text");
        assert!(message.contains(words), "{query}: {message}");
        assert_eq!(json["success"], json!(false));
    }
}

/// The runtime has one thread: what others ask is answered in the meantime, and in their turn all are.
#[tokio::test]
async fn many_at_once_are_estimated_one_after_the_other_and_hold_nobody_up() {
    let cicada = Cicada::new();
    let queries = [20, 21, 22].map(|users| format!("/cost?users={users}"));
    let [one, two, three] = [0, 1, 2].map(|number: usize| cicada.get(&queries[number]));
    let others = async {
        let mut answered = 0;
        loop {
            assert_eq!(cicada.get("/stats/requests").await.status, 200);
            answered += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
            if answered >= 20 {
                return;
            }
        }
    };
    let (one, two, three, ()) = tokio::join!(one, two, three, others);
    let users = [one, two, three].map(|answer| answer.json()["users"].clone());
    assert_eq!(users, [20, 21, 22]);
}
