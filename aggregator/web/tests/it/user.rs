//! `POST /user`: what it refuses, what it leaves alone, and who sees it.

use std::sync::Arc;

use control::{ClassSettings, ControlSettings};
use serde_json::{Value, json};
use traffic::clock::Clock;
use traffic::host_allowlist::AllowedHosts;
use traffic::run_rules::RunRules;
use traffic::workload::BUILT_IN;

use crate::cicada::{Answer, Cicada, epoch, workload};

async fn post(cicada: &Cicada, settings: &Value) -> Answer {
    let body = settings.to_string();
    cicada
        .call("POST", "/user", Some("application/json"), body)
        .await
}

/// Settings that are taken.
async fn set(cicada: &Cicada, settings: Value) {
    let answer = post(cicada, &settings).await;
    let got = (answer.status.as_u16(), answer.body.as_str());
    assert_eq!(got, (201, "{}"), "{settings}");
}

/// What a refused one is told.
async fn refused(cicada: &Cicada, settings: Value) -> String {
    let answer = post(cicada, &settings).await;
    assert_eq!(answer.status, 400, "{settings}: {}", answer.body);
    assert_eq!(answer.json()["success"], false);
    let json = answer.json();
    json["message"].as_str().expect("it says why").to_owned()
}

async fn text(cicada: &Cicada) -> String {
    cicada.get("/workload").await.body
}

/// How many users of a class there are among so many.
async fn users_of(cicada: &Cicada, class: &str, user_count: u32) -> u32 {
    let form = format!("user_count={user_count}&spawn_rate=1000");
    cicada.started(&form).await;
    cicada.settle().await;
    let users = cicada.users().await;
    let users = users.into_iter().find(|(name, _)| name == class);
    cicada.get("/stop").await;
    cicada.pass(5.0).await;
    users.map_or(0, |(_, users)| users)
}

#[tokio::test(start_paused = true)]
async fn what_is_set_is_part_of_the_workload_and_the_rest_stays_as_written() {
    let cicada = Cicada::new();
    set(
        &cicada,
        json!({"user_class_name": "ModelAUser", "weight": 3, "host": "http://b.test/"}),
    )
    .await;
    set(
        &cicada,
        json!({"user_class_name": "TargetAppUser", "tasks": ["get_orders", "get_health"]}),
    )
    .await;
    let added = "\n# What POST /user has set: it holds in place of what the class itself says.\n\
        [user.ModelAUser]\nweight = 3\nhost = \"http://b.test/\"\n\n\
        [user.TargetAppUser]\ntasks = [\"get_health\", \"get_orders\"]\n";
    assert_eq!(text(&cicada).await, format!("{BUILT_IN}{added}"));
}

#[tokio::test(start_paused = true)]
async fn what_is_so_already_changes_nothing() {
    let cicada = Cicada::new();
    let all = json!({"user_class_name": "ModelAUser", "weight": 1, "fixed_count": 0,
        "host": "http://AI-AGENT:8001/", "tasks": ["check_and_repair"]});
    set(&cicada, all).await;
    assert_eq!(text(&cicada).await, BUILT_IN);
    let changed = json!({"user_class_name": "ModelAUser", "weight": "2", "fixed_count": 4.0});
    set(&cicada, changed.clone()).await;
    let once = text(&cicada).await;
    set(&cicada, changed).await;
    assert_eq!(text(&cicada).await, once);
    // null, and an empty host, take back what was set
    set(
        &cicada,
        json!({"user_class_name": "ModelAUser", "weight": null, "fixed_count": null, "host": ""}),
    )
    .await;
    assert_eq!(text(&cicada).await, BUILT_IN);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_on_keeps_what_it_began_with() {
    let cicada = Cicada::new();
    cicada.started("user_count=12&spawn_rate=1000").await;
    cicada.settle().await;
    let before = (cicada.users().await, cicada.run().await.workload);
    set(
        &cicada,
        json!({"user_class_name": "ModelAUser", "fixed_count": 6, "host": "http://b.test"}),
    )
    .await;
    cicada
        .started("user_count=12&spawn_rate=1000&run_time=10")
        .await;
    cicada.settle().await;
    let run = cicada.run().await;
    assert_eq!((cicada.users().await, run.workload), before);
    assert_eq!(run.segments[1].hosts, []);
    cicada.pass(30.0).await;

    assert_eq!(users_of(&cicada, "ModelAUser", 12).await, 6);
    let run = cicada.loaded().await;
    let class = run.workload.class("ModelAUser").expect("it is there");
    assert_eq!(class.host().url().as_str(), "http://b.test/");
}

#[tokio::test(start_paused = true)]
async fn a_class_with_weight_0_does_not_run_and_one_is_left() {
    let cicada = Cicada::new();
    for class in workload().classes().iter().skip(1) {
        set(
            &cicada,
            json!({"user_class_name": &**class.name(), "weight": 0}),
        )
        .await;
    }
    let only = workload().classes()[0].name().to_string();
    assert_eq!(users_of(&cicada, &only, 9).await, 9);
    let message = refused(&cicada, json!({"user_class_name": only, "weight": 0})).await;
    assert!(message.contains("leaves no class"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn what_was_set_later_holds_before_the_command_line() {
    let configured =
        r#"[{"user_class_name": "ModelAUser", "fixed_count": 2, "host": "http://cli.test"}]"#;
    let cicada = Cicada::with(ControlSettings {
        class_settings: ClassSettings::parse(configured).expect("it is valid"),
        ..ControlSettings::new(workload())
    });
    assert_eq!(users_of(&cicada, "ModelAUser", 12).await, 2);
    assert_eq!(cicada.run().await.segments[0].hosts.len(), 1);
    // the class's own host is another one than is in force
    set(
        &cicada,
        json!({"user_class_name": "ModelAUser", "fixed_count": 5, "host": "http://ai-agent:8001"}),
    )
    .await;
    assert_eq!(users_of(&cicada, "ModelAUser", 12).await, 5);
    assert_eq!(cicada.run().await.segments[0].hosts, []);
}

#[tokio::test(start_paused = true)]
async fn processes_on_one_store_agree() {
    let clock = Clock::following_tokio(epoch());
    let store = crate::cicada::shared_store();
    let process = || {
        Cicada::on(
            Arc::clone(&store),
            ControlSettings::new(workload()),
            clock.clone(),
        )
    };
    let (one, other) = (process(), process());
    set(
        &one,
        json!({"user_class_name": "ModelAUser", "fixed_count": 3}),
    )
    .await;
    set(
        &other,
        json!({"user_class_name": "ModelBUser", "fixed_count": 4}),
    )
    .await;
    one.pass(1.0).await;
    assert_eq!(text(&one).await, text(&other).await);
    assert_eq!(users_of(&one, "ModelAUser", 12).await, 3);
    assert_eq!(users_of(&process(), "ModelBUser", 12).await, 4);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_with_its_name_and_changes_nothing() {
    let cicada = Cicada::with(ControlSettings {
        rules: RunRules {
            allowed_hosts: "ai-agent,target-app"
                .parse::<AllowedHosts>()
                .expect("a list"),
            ..RunRules::default()
        },
        ..ControlSettings::new(workload())
    });
    for (settings, words) in [
        (json!({"weight": -1}), "weight is -1"),
        (json!({"weight": 10_001}), "weight must be at most 10000"),
        (json!({"weight": 1.5}), "weight is 1.5"),
        (json!({"weight": "heavy"}), "weight is \"heavy\""),
        (json!({"weight": [1]}), "weight is a list"),
        (
            json!({"fixed_count": 1_000_001}),
            "fixed_count must be at most 1000000",
        ),
        (json!({"fixed_count": 1e300}), "fixed_count must be at most"),
        (json!({"host": 1}), "host is 1"),
        (
            json!({"host": "localhost:8000"}),
            "host \"localhost:8000\" is no base URL",
        ),
        (json!({"host": "http://evil.test"}), "is not allowed"),
        (
            json!({"tasks": []}),
            "tasks names none: leave at least one of check_and_repair",
        ),
        (
            json!({"tasks": "check_and_repair"}),
            "tasks is \"check_and_repair\"",
        ),
        (
            json!({"tasks": ["check"]}),
            "tasks names \"check\", which ModelAUser does not have",
        ),
        (json!({"tasks": [1]}), "tasks is 1"),
        (
            json!({"wait_time": 1}),
            "body has the unknown field \"wait_time\"",
        ),
        (json!({"user_class_name": "]\n[hosts.x"}), "unknown class"),
        (json!({"user_class_name": 7}), "user_class_name is 7"),
    ] {
        let mut settings = settings;
        if settings.get("user_class_name").is_none() {
            settings["user_class_name"] = "ModelAUser".into();
        }
        let message = refused(&cicada, settings.clone()).await;
        assert!(message.contains(words), "{settings}: {message}");
    }
    assert_eq!(text(&cicada).await, BUILT_IN);
}
