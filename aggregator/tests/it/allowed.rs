//! Where traffic may be sent, and that nothing is sent anywhere else.

use aggregator::control::{ClassSettings, Settings};
use traffic::host_allowlist::AllowedHosts;

use crate::cicada::{Cicada, workload};

fn list(text: &str) -> AllowedHosts {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn only(hosts: &str) -> Settings {
    Settings {
        allowed_hosts: list(hosts),
        ..Settings::new(workload())
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
    let cicada = Cicada::with(Settings {
        class_settings: ClassSettings::parse(config).expect("it is valid"),
        ..only("ai-agent")
    });
    let one = "user_count=2&spawn_rate=2&user_classes=";
    let json = cicada.form(&format!("{one}TargetAppUser")).await.json();
    let message = json["message"].as_str().unwrap_or_default();
    assert!(message.contains("http://own.test"), "{message}");
    cicada.started(&format!("{one}PassiveLoadUser")).await;
}
