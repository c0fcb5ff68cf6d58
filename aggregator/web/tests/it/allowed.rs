//! Where traffic may be sent, and that nothing is sent anywhere else.

use std::sync::Arc;

use control::{ClassSettings, ControlSettings};
use testing::MemoryStore;
use traffic::clock::Clock;
use traffic::credentials::Keyring;
use traffic::host_allowlist::AllowedHosts;
use traffic::run_rules::{Limits, RunRules};
use traffic::workload::{BUILT_IN, Workload};

use crate::cicada::{Cicada, epoch, workload};

fn list(text: &str) -> AllowedHosts {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn only(hosts: &str) -> ControlSettings {
    ControlSettings {
        rules: RunRules {
            allowed_hosts: list(hosts),
            ..RunRules::default()
        },
        ..ControlSettings::new(workload())
    }
}

#[tokio::test(start_paused = true)]
async fn a_swarm_to_a_host_that_is_not_allowed_is_refused_with_host_and_setting() {
    let cicada = Cicada::with(only("target-app:8000, *.demo.test"));
    for (form, words) in [
        ("", "\"http://ai-agent:8001\" of ChatModelAUser"),
        (
            "&host=http://evil.test",
            "\"http://evil.test\" of ChatModelAUser",
        ),
        (
            "&host=http://target-app:8001&user_classes=ModelAUser",
            "http://target-app:8001",
        ),
        (
            "&user_classes=ModelAUser&user_classes=ChatModelBUser",
            "of ChatModelBUser",
        ),
    ] {
        let answer = cicada
            .form(&format!("user_count=2&spawn_rate=2{form}"))
            .await;
        let json = answer.json();
        assert_eq!(json["success"], false, "{form}");
        let message = json["message"].as_str().unwrap_or_default();
        assert!(
            message.starts_with("host ") && message.contains(words),
            "{message}"
        );
        let setting =
            "CICADA_ALLOWED_HOSTS (--allowed-hosts) has only target-app:8000, *.demo.test";
        assert!(message.ends_with(setting), "{message}");
    }
    assert!(cicada.store_is_empty().await);
    cicada
        .started("user_count=2&spawn_rate=2&user_classes=TargetAppUser")
        .await;
    // and a change of what runs
    let json = cicada
        .form("user_count=3&spawn_rate=2&host=http://evil.test")
        .await
        .json();
    assert_eq!(json["success"], false);
    assert_eq!(cicada.run().await.segments.len(), 1);
    cicada
        .started("user_count=3&spawn_rate=2&host=https://all.demo.test&user_classes=ModelAUser")
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_configured_for_a_class_must_be_allowed_too() {
    let config = r#"{"user_class_name": "TargetAppUser", "host": "http://own.test"}"#;
    let cicada = Cicada::with(ControlSettings {
        class_settings: ClassSettings::parse(config).expect("it is valid"),
        ..only("ai-agent")
    });
    let one = "user_count=2&spawn_rate=2&user_classes=";
    let json = cicada.form(&format!("{one}TargetAppUser")).await.json();
    let message = json["message"].as_str().unwrap_or_default();
    assert!(message.contains("http://own.test"), "{message}");
    cicada.started(&format!("{one}PassiveLoadUser")).await;
}

#[tokio::test(start_paused = true)]
async fn a_host_with_a_password_is_refused_where_nothing_keeps_it_secret() {
    let cicada = Cicada::new();
    let one = "user_count=2&spawn_rate=2&user_classes=ModelAUser&host=http://me:s3cret@shop.test";
    let answer = cicada.form(one).await;
    let json = answer.json();
    assert_eq!(json["success"], false);
    let message = json["message"].as_str().unwrap_or_default();
    assert!(message.contains("TARGET_APP_URL"), "{message}");
    assert!(!answer.body.contains("s3cret"), "{}", answer.body);
    assert!(cicada.store_is_empty().await);
}

#[tokio::test(start_paused = true)]
async fn a_run_has_its_host_and_the_keyring_its_password() {
    let keyring = Keyring::default();
    let cicada = Cicada::with(ControlSettings {
        rules: RunRules {
            keyring: Some(keyring.clone()),
            ..RunRules::default()
        },
        ..ControlSettings::new(workload())
    });
    cicada
        .started(
            "user_count=2&spawn_rate=2&user_classes=ModelAUser&host=http://me:s3cret@shop.test/",
        )
        .await;
    let run = cicada.run().await;
    assert_eq!(run.segments[0].host.as_deref(), Some("http://shop.test"));
    let noted = (String::new(), "http://shop.test/".to_owned());
    assert!(run.segments[0].hosts.contains(&noted), "{run:?}");
    let url = reqwest::Url::parse("http://shop.test").expect("it is a URL");
    assert!(keyring.find("ModelAUser", &url, true).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_run_with_a_later_stage_above_the_limit_does_not_go_on() {
    let shape = "[shape.Steps]\nstages = [\n\
        { duration = 60, users = 2, spawn_rate = 1 },\n\
        { duration = 120, users = 50, spawn_rate = 1 },\n]\n";
    let source = format!("{BUILT_IN}\n{shape}");
    let steps = Workload::parse(&source, "steps", &|_| None).expect("it is valid");
    let steps = Arc::new(steps);
    let store = Arc::<MemoryStore>::default();
    let clock = Clock::following_tokio(epoch());
    let settings = |max_users| ControlSettings {
        rules: RunRules {
            limits: Limits {
                max_users,
                ..Limits::default()
            },
            ..RunRules::default()
        },
        ..ControlSettings::new(Arc::clone(&steps))
    };
    let first = Cicada::on(Arc::clone(&store), settings(50), clock.clone());
    first.started("shape_class=Steps").await;
    first.pass(5.0).await;
    let fits = Cicada::on(Arc::clone(&store), settings(50), clock.clone());
    assert!(
        !fits
            .control
            .end_what_does_not_fit()
            .await
            .expect("the store answers")
    );
    let strict = Cicada::on(Arc::clone(&store), settings(49), clock.clone());
    assert!(
        strict
            .control
            .end_what_does_not_fit()
            .await
            .expect("the store answers")
    );
    let run = strict.run().await;
    assert!(run.is_over(clock.now()), "{run:?}");
    assert!(
        !strict
            .control
            .end_what_does_not_fit()
            .await
            .expect("the store answers")
    );
}
