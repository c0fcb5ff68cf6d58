//! Where a swarm's `host` sends whose traffic.

use control::{ClassSettings, ControlSettings};
use serde_json::json;

use crate::cicada::{Cicada, workload};

const TWO: &str = "user_count=2&spawn_rate=2&user_classes=ModelAUser&user_classes=TargetAppUser";

/// The overrides of the newest segment.
async fn overrides(cicada: &Cicada) -> Vec<(String, String)> {
    let run = cicada.run().await;
    run.segments
        .last()
        .expect("a run has segments")
        .hosts
        .clone()
}

fn both(host: &str) -> Vec<(String, String)> {
    [("ModelAUser", host), ("TargetAppUser", host)]
        .map(|(class, host)| (class.into(), host.into()))
        .into()
}

#[tokio::test(start_paused = true)]
async fn a_host_overrides_that_of_every_class() {
    for (host, url) in [
        ("http://localhost:1234", "http://localhost:1234"),
        ("https://example.test/base/", "https://example.test/base"),
        ("http%3A%2F%2F%3Cb%3Ea.test%3C%2Fb%3E", "http://ba.test/b"),
    ] {
        let cicada = Cicada::new();
        let answer = cicada.started(&format!("{TWO}&host={host}")).await;
        assert_eq!(overrides(&cicada).await, both(url), "{host}");
        let said = answer["host"].as_str().unwrap_or_default();
        assert!(!said.contains(['<', '>']), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_of_the_workload_moves_nobodys_traffic() {
    for host in [
        "http://target-app:8000",
        "http://target-app:8000/",
        "HTTP://Target-App:8000",
        "http://ai-agent:8001",
    ] {
        let cicada = Cicada::new();
        let answer = cicada.started(&format!("{TWO}&host={host}")).await;
        assert_eq!(answer["host"], host);
        assert_eq!(overrides(&cicada).await, [], "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_base_url_is_refused() {
    let cicada = Cicada::new();
    for host in [
        "localhost:8000",
        "target-app",
        "ftp://target-app",
        "http://",
        "//target-app",
        "http://a:99999",
        "http://a?b=c",
        "%00",
        "http://[::1",
    ] {
        let json = cicada.form(&format!("{TWO}&host={host}")).await.json();
        assert_eq!(json["success"], false, "{host}");
        let message = json["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("host "), "{host}: {message}");
        assert_eq!(json["host"], json!(null), "what was refused was not said");
    }
    assert!(cicada.store_is_empty().await);
}

#[tokio::test(start_paused = true)]
async fn a_swarm_that_says_no_host_keeps_the_last_one() {
    let cicada = Cicada::new();
    cicada.started(&format!("{TWO}&host=http://a:1")).await;
    cicada.settle().await;
    let answer = cicada.started("user_count=4&spawn_rate=2").await;
    assert_eq!(answer["host"], "http://a:1");
    assert_eq!(overrides(&cicada).await, both("http://a:1"));
    // also in another process, or after a restart
    let restarted = Cicada::on(
        cicada.store.clone(),
        ControlSettings::new(workload()),
        cicada.clock.clone(),
    );
    let answer = restarted.started("user_count=6&spawn_rate=2").await;
    assert_eq!(answer["host"], "http://a:1");
    assert_eq!(overrides(&restarted).await, both("http://a:1"));
    // the first process has not heard of what the second one was told
    restarted
        .started("user_count=6&spawn_rate=2&host=http://b:2")
        .await;
    assert_eq!(
        cicada.started("user_count=8&spawn_rate=2").await["host"],
        "http://b:2"
    );
    // and in the next run
    cicada.post("/stop").await;
    cicada.settle().await;
    assert_eq!(cicada.started(TWO).await["host"], "http://b:2");
    assert_eq!(overrides(&cicada).await, both("http://b:2"));
    // an empty one gives every class its own again
    assert_eq!(cicada.started(&format!("{TWO}&host=")).await["host"], "");
    assert_eq!(overrides(&cicada).await, []);
    // and so does one that only says what is so
    cicada.started(&format!("{TWO}&host=http://c:3")).await;
    cicada
        .started(&format!("{TWO}&host=http://ai-agent:8001"))
        .await;
    assert_eq!(overrides(&cicada).await, []);
    assert_eq!(cicada.started(TWO).await["host"], "http://ai-agent:8001");
}

#[tokio::test(start_paused = true)]
async fn configured_hosts_hold_until_a_swarm_says_another() {
    let class_settings =
        ClassSettings::parse(r#"{"user_class_name": "ModelAUser", "host": "http://own:1/"}"#);
    let settings = ControlSettings {
        class_settings: class_settings.unwrap(),
        ..ControlSettings::new(workload())
    };
    let cicada = Cicada::with(settings.clone());
    cicada.started(TWO).await;
    let own = [("ModelAUser".to_owned(), "http://own:1".to_owned())];
    assert_eq!(overrides(&cicada).await, own);
    cicada
        .started(&format!("{TWO}&host=http://target-app:8000"))
        .await;
    assert_eq!(overrides(&cicada).await, own);
    cicada.started(&format!("{TWO}&host=http://all:2")).await;
    assert_eq!(overrides(&cicada).await, both("http://all:2"));
    let cicada = Cicada::with(ControlSettings {
        host: Some("http://all:3".into()),
        ..settings
    });
    assert_eq!(cicada.started(TWO).await["host"], "http://all:3");
    assert_eq!(overrides(&cicada).await, both("http://all:3"));
}
