//! Where traffic may be sent, and that nothing is sent anywhere else.

use aggregator::control::{AllowedHosts, ClassSettings, Settings};

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

#[test]
fn a_host_an_origin_and_a_wildcard_allow_what_they_say() {
    for (allowed, yes, no) in [
        (
            "shop.test",
            "http://shop.test https://shop.test:8443/base http://SHOP.test. http://shop.test:1",
            "http://shop.test.evil http://a.shop.test http://xshop.test http://shop.tes",
        ),
        (
            "shop.test:8000",
            "http://shop.test:8000 https://shop.test:8000",
            "http://shop.test https://shop.test http://shop.test:8001",
        ),
        (
            "shop.test:80",
            "http://shop.test http://shop.test:80",
            "https://shop.test http://shop.test:81",
        ),
        (
            "https://shop.test",
            "https://shop.test https://shop.test:443/x",
            "http://shop.test http://shop.test:443 https://shop.test:444",
        ),
        (
            "http://shop.test:8000/",
            "http://shop.test:8000",
            "https://shop.test:8000 http://shop.test",
        ),
        (
            "*.Shop.test",
            "http://a.shop.test https://a.b.shop.test:9",
            "http://shop.test http://.shop.test http://ashop.test http://a.shop.test.evil",
        ),
        (
            "*.shop.test:8000",
            "http://a.shop.test:8000",
            "http://a.shop.test http://shop.test:8000",
        ),
        ("*", "http://anything:1 https://at.all", "ftp://a nonsense"),
        (
            "127.0.0.1",
            "http://127.0.0.1:1 http://127.1",
            "http://127.0.0.2 http://localhost",
        ),
        (
            "[::1]:8000, a",
            "http://[::1]:8000 http://a",
            "http://[::1] http://[::2]:8000",
        ),
        ("[::1]", "http://[::1]:7", "http://[::2]"),
        (
            "bücher.test",
            "http://b%C3%BCcher.test http://xn--bcher-kva.test",
            "http://bucher.test",
        ),
        (
            "shop.test",
            "http://shop.test",
            "http://shop.test@evil.test http://evil.test#shop.test",
        ),
    ] {
        let allowed_hosts = list(allowed);
        for url in yes.split_whitespace() {
            assert!(allowed_hosts.allows(url), "{allowed} and {url}");
        }
        for url in no.split_whitespace() {
            assert!(!allowed_hosts.allows(url), "{allowed} and {url}");
        }
        // it can be typed as it is shown
        assert_eq!(list(&allowed_hosts.to_string()), allowed_hosts, "{allowed}");
    }
}

#[test]
fn no_list_allows_all_hosts() {
    for text in ["", "  "] {
        assert!(list(text).allows("http://anything:1"));
        assert_eq!(list(text), AllowedHosts::default());
    }
}

#[test]
fn what_is_no_host_is_named() {
    for text in [
        ",",
        "a,",
        "a b",
        "http://",
        "ftp://a",
        "a/path",
        "http://a/path",
        "a:port",
        "a:99999",
        "a?b",
        "me@a",
        "http://me:secret@a",
        "*a",
        "*.",
        "*:x",
        "a.*",
        "https://*",
        "[::1",
        "a\\b",
    ] {
        let error = text.parse::<AllowedHosts>().expect_err(text).to_string();
        assert!(error.starts_with("CICADA_ALLOWED_HOSTS names "), "{error}");
        assert!(error.contains("shop.example.com"), "{error}");
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
