//! `POST /user` beside Locust's: the same answers, and the same runs after them.

use serde_json::json;

use super::Expected::{Refused, Same, SameStatus, Superset};
use super::{Step, compare, get, post_json, request, swarm};

/// A run with these settings, and how its users are shared out.
fn run_with(settings: &[serde_json::Value], users: u64) -> Vec<Step> {
    let mut steps: Vec<Step> = settings
        .iter()
        .map(|settings| post_json("/user", settings.to_string(), Same))
        .collect();
    steps.extend([
        swarm(format!("user_count={users}&spawn_rate=1000"), Same),
        Step::Settle,
        get("/tasks", Same),
        get("/stats/requests", Superset),
        request("POST", "/stop", Same),
        Step::Settle,
    ]);
    steps
}

#[tokio::test(start_paused = true)]
async fn a_class_is_changed_for_the_runs_that_follow() {
    let of = |class: &str, settings: serde_json::Value| {
        let mut settings = settings;
        settings["user_class_name"] = class.into();
        settings
    };
    let mut steps = Vec::new();
    // all fields, as Locust's page sends them
    let all =
        json!({"host": "http://ai-agent:8001", "weight": 3, "fixed_count": 0, "tasks": ["chat"]});
    steps.extend(run_with(&[of("ChatModelAUser", all)], 16));
    // what was set stays set
    steps.extend(run_with(&[of("TargetAppUser", json!({"weight": 5}))], 12));
    steps.extend(run_with(&[of("ModelBUser", json!({"fixed_count": 7}))], 20));
    let two = json!({"tasks": ["get_products", "get_health"]});
    steps.extend(run_with(&[of("TargetAppUser", two)], 12));
    let one = of(
        "TargetAppUser",
        json!({"tasks": ["create_order"], "weight": 1}),
    );
    steps.extend(run_with(
        &[one, of("ModelBUser", json!({"fixed_count": 0}))],
        12,
    ));
    // and comes back with the weights that the tasks had
    let tasks = [
        "get_health",
        "get_orders",
        "get_products",
        "create_order",
        "get_specific_product",
    ];
    steps.extend(run_with(
        &[of("TargetAppUser", json!({"tasks": tasks}))],
        12,
    ));
    steps.extend(run_with(&[of("PassiveLoadUser", json!({}))], 7));
    compare(false, &steps).await;
}

/// Locust answers all of these with 500 and what Python says; we say what is wrong.
#[tokio::test(start_paused = true)]
async fn what_breaks_locust_is_refused_in_words() {
    let mut steps = Vec::new();
    for (body, words) in [
        ("", "body is not valid JSON"),
        ("user_class_name=ModelAUser", "body is not valid JSON"),
        ("[]", "body is not a JSON object"),
        ("\"ModelAUser\"", "body is not a JSON object"),
        ("{}", "user_class_name is missing"),
        (r#"{"weight": 3}"#, "user_class_name is missing"),
        (r#"{"user_class_name": null}"#, "user_class_name is missing"),
        (
            r#"{"user_class_name": "ModelAUsr", "weight": 3}"#,
            "perhaps ModelAUser was meant",
        ),
    ] {
        steps.push(post_json("/user", body, Refused(words)));
    }
    steps.extend([
        get("/user", SameStatus),
        request("PUT", "/user", SameStatus),
        request("DELETE", "/user", SameStatus),
        get("/tasks", Same),
    ]);
    compare(false, &steps).await;
}
