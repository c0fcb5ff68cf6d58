//! Which classes run, and how many users each has.

use control::{ClassSettings, ControlSettings};
use serde_json::json;
use traffic::run_rules::{Limits, RunRules};

use crate::cicada::{Cicada, equal_workload, workload};

const ALL: [&str; 6] = [
    "ChatModelAUser",
    "ChatModelBUser",
    "ModelAUser",
    "ModelBUser",
    "PassiveLoadUser",
    "TargetAppUser",
];

async fn users(cicada: &Cicada) -> Vec<(String, u32)> {
    cicada.settle().await;
    cicada.users().await
}

fn of(counts: &[(&str, u32)]) -> Vec<(String, u32)> {
    counts
        .iter()
        .map(|(name, count)| ((*name).into(), *count))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn user_classes_of_a_form_are_the_ones_that_run() {
    let cicada = Cicada::new();
    let form = "user_count=10&spawn_rate=100&user_classes=ModelBUser&user_classes=ModelAUser";
    let answer = cicada.started(form).await;
    assert_eq!(answer["user_classes"], json!(["ModelAUser", "ModelBUser"]));
    assert_eq!(
        users(&cicada).await,
        of(&[("ModelAUser", 5), ("ModelBUser", 5)])
    );
    // a change that names none keeps them, as in Locust
    let answer = cicada.started("user_count=20&spawn_rate=100").await;
    assert_eq!(answer.get("user_classes"), None);
    assert_eq!(
        users(&cicada).await,
        of(&[("ModelAUser", 10), ("ModelBUser", 10)])
    );
    // a new run that names none has all
    cicada.post("/stop").await;
    cicada.settle().await;
    cicada.started("user_count=6&spawn_rate=100").await;
    assert_eq!(users(&cicada).await, of(&ALL.map(|name| (name, 1))));
}

#[tokio::test(start_paused = true)]
async fn exact_users_per_class_add_up_to_the_user_count() {
    let cicada = Cicada::new();
    let counts = json!({"ModelAUser": 3, "PassiveLoadUser": 1, "ModelBUser": 0});
    let body = json!({"spawn_rate": 100, "user_classes_count": counts});
    let answer = cicada.json(&body).await.json();
    assert_eq!(answer["success"], true, "{answer}");
    assert_eq!(
        answer["user_classes"],
        json!(["ModelAUser", "PassiveLoadUser"])
    );
    assert_eq!(
        users(&cicada).await,
        of(&[("ModelAUser", 3), ("PassiveLoadUser", 1)])
    );
    let form = r#"spawn_rate=100&user_count=7&user_classes_count={"ModelAUser":3,"ModelBUser":4}"#;
    cicada.started(form).await;
    assert_eq!(
        users(&cicada).await,
        of(&[("ModelAUser", 3), ("ModelBUser", 4)])
    );
    let nobody = json!({"spawn_rate": 1e3, "user_classes_count": {"ModelAUser": 0}});
    assert_eq!(cicada.json(&nobody).await.json()["success"], true);
    assert_eq!(users(&cicada).await, of(&[]));
}

#[tokio::test(start_paused = true)]
async fn exact_users_that_make_no_sense_are_refused() {
    let cicada = Cicada::new();
    for (form, words) in [
        (
            r#"user_classes_count={"ModelAUser":3}&user_count=4"#,
            "user_count is 4",
        ),
        (
            r#"user_classes_count={"ModelAUser":3}&user_classes=ModelAUser"#,
            "user_classes_count",
        ),
        (
            r#"user_classes_count={"ModelAUsers":3}"#,
            "perhaps ModelAUser",
        ),
        (r#"user_classes_count={"ModelAUser":-3}"#, "-3"),
        (r#"user_classes_count={"ModelAUser":1.5}"#, "1.5"),
        (
            r#"user_classes_count={"ModelAUser":5000000000}"#,
            "5000000000",
        ),
        (
            r#"user_classes_count={"ModelAUser":600000,"ModelBUser":600000}"#,
            "1000000",
        ),
        ("user_classes_count=[1]", "JSON object"),
        ("user_classes_count={", "JSON object"),
    ] {
        let answer = cicada.form(&format!("spawn_rate=1&{form}")).await;
        let json = answer.json();
        assert_eq!(
            (answer.status.as_u16(), &json["success"]),
            (200, &json!(false)),
            "{form}"
        );
        let message = json["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{form}: {message}");
    }
    assert!(cicada.store_is_empty().await);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_class_is_refused_with_the_known_ones() {
    let cicada = Cicada::new();
    let form = "user_count=1&spawn_rate=1&user_classes=ModelAUser&user_classes=%3Cb%3E";
    let json = cicada.form(form).await.json();
    assert_eq!(json["success"], false);
    let message = json["message"].as_str().unwrap_or_default();
    assert!(ALL.iter().all(|name| message.contains(name)), "{message}");
    assert!(cicada.store_is_empty().await);
}

#[tokio::test(start_paused = true)]
async fn settings_choose_classes_weights_and_fixed_counts() {
    let json = r#"[{"user_class_name": "ModelAUser", "weight": 3},
        {"user_class_name": "PassiveLoadUser", "fixed_count": 2},
        {"user_class_name": "ModelBUser", "weight": 0}]"#;
    let settings = ControlSettings {
        classes: [
            "TargetAppUser",
            "ModelAUser",
            "PassiveLoadUser",
            "ModelBUser",
        ]
        .map(String::from)
        .into(),
        class_settings: ClassSettings::parse(json).unwrap(),
        ..ControlSettings::new(workload())
    };
    let cicada = Cicada::with(settings.clone());
    cicada.started("user_count=10&spawn_rate=100").await;
    let expected = of(&[
        ("ModelAUser", 6),
        ("PassiveLoadUser", 2),
        ("TargetAppUser", 2),
    ]);
    assert_eq!(users(&cicada).await, expected);
    // with equal weights a class without one runs, too, as in Locust
    let cicada = Cicada::with(ControlSettings {
        workload: equal_workload(),
        ..settings
    });
    cicada.started("user_count=11&spawn_rate=100").await;
    let equal = [
        ("ModelAUser", 3),
        ("ModelBUser", 3),
        ("PassiveLoadUser", 2),
        ("TargetAppUser", 3),
    ];
    assert_eq!(users(&cicada).await, of(&equal));
}

#[tokio::test(start_paused = true)]
async fn what_exceeds_the_limits_is_refused() {
    let limits = Limits {
        max_users: 50,
        max_spawn_rate: 5.0,
        ..Limits::default()
    };
    let cicada = Cicada::with(ControlSettings {
        rules: RunRules {
            limits,
            ..RunRules::default()
        },
        ..ControlSettings::new(workload())
    });
    for (form, words) in [
        (
            "user_count=51&spawn_rate=1",
            "user_count is above the limit of 50 users",
        ),
        (
            "user_count=99999999999999999999&spawn_rate=1",
            "user_count is above",
        ),
        (
            "user_count=50&spawn_rate=5.1",
            "spawn_rate is above the limit of 5 users a second",
        ),
    ] {
        let json = cicada.form(form).await.json();
        assert_eq!(json["success"], false, "{form}");
        let message = json["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{form}: {message}");
    }
    cicada.started("user_count=50&spawn_rate=5").await;
}
