//! Names that a door without a password knows, and those that anybody may have given this machine.

use web::api::Names;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_name_that_may_be_anybodys_changes_and_reads_nothing_without_a_password() {
    let cicada = Cicada::new();
    cicada.started("user_count=6&spawn_rate=6").await;
    cicada.settle().await;
    let before = cicada.run().await;
    for host in [
        "evil.example",
        "evil.example:8089",
        "127.0.0.1.evil.example:8089",
        "localhost.evil.example",
        "cicada.evil.example.",
        "demo@localhost",
        "notlocal.host",
        "xn--80ak6aa92e.com",
    ] {
        for (method, path) in CHANGES {
            let answer = sent(&cicada, rebound(method, path, host)).await;
            assert_eq!(answer.status, 403, "{method} {path} {host}");
        }
        for path in READS {
            let read = sent(&cicada, rebound("GET", path, host)).await;
            assert_eq!(read.status, 403, "{path} {host}");
        }
    }
    assert_eq!(cicada.run().await, before);
    // what a browser sends to a plain HTTP address that is its page's own says no more than the name
    let asked = Request::get("/workload").header("host", "evil.example:8089");
    let answer = sent(&cicada, asked).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.json()["message"],
        "nothing is shown under the name evil.example:8089, which may be anybody's: use an address \
         of this machine, name it in CICADA_WEB_NAMES (--web-names), or set LOCUST_BASIC_AUTH"
    );
    let answer = sent(&cicada, rebound("POST", "/swarm", "evil.example:8089")).await;
    assert_eq!(
        answer.json()["message"],
        "changes are not taken under the name evil.example:8089, which may be anybody's: use an \
         address of this machine, name it in CICADA_WEB_NAMES (--web-names), or set \
         LOCUST_BASIC_AUTH"
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_can_only_be_our_own_changes_all() {
    let cicada = Cicada::new();
    for host in [
        "localhost",
        "LOCALHOST:8089",
        "localhost.:8089",
        "127.0.0.1:8089",
        "192.168.1.5",
        "[::1]:8089",
        "[fe80::1]",
        // a container's, a service's, and a machine's in a private network
        "cicada:8089",
        "cicada.default.svc.cluster.local",
        "host.docker.internal:8089",
        "cicada.localhost",
        "demo.home.arpa",
        "laptop.lan",
    ] {
        let answer = sent(&cicada, rebound("POST", "/swarm", host)).await;
        assert_eq!(answer.status, 200, "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_names_are_given_or_have_a_password() {
    let behind = |door| {
        let clock = Clock::following_tokio(epoch());
        Cicada::<MemoryStore>::behind(
            door,
            crate::cicada::shared_store(),
            ControlSettings::new(workload()),
            clock,
        )
    };
    let named = |names: &str| Door::default().with_names(names.parse().expect(names));
    for (names, host, status) in [
        ("cicada.example.com", "cicada.example.com:8089", 200),
        ("a.example, Cicada.Example.com", "cicada.EXAMPLE.com.", 200),
        ("cicada.example.com", "evil.example", 403),
        ("cicada.example.com", "evil.cicada.example.com", 403),
        ("", "cicada.example.com", 403),
        ("*", "evil.example", 200),
    ] {
        let answer = sent(&behind(named(names)), rebound("POST", "/swarm", host)).await;
        assert_eq!(answer.status, status, "{names:?} {host}");
    }
    let asked = rebound("POST", "/swarm", "cicada.example.com").header("authorization", RIGHT);
    assert_eq!(sent(&locked(), asked).await.status, 200);
    for bad in [
        "cicada.example.com:8089",
        "http://cicada",
        "a..b",
        "a b",
        "ä",
        "*.example.com",
    ] {
        let error = bad.parse::<Names>().expect_err(bad).to_string();
        assert!(error.starts_with("CICADA_WEB_NAMES has "), "{error}");
    }
}
