//! How many connections users have, and where they lead.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::harness::{Cicada, LIMIT};
use crate::raw::Raw;
use crate::traffic::{serving, serving_by};

/// Users who look at a host; `more` are further lines of `[defaults]`.
fn lookers(wait: &str, more: &str) -> String {
    format!(
        r#"
        [hosts.agent]
        url = "http://127.0.0.1:9"
        env = "AI_AGENT_URL"
        [defaults]
        {more}
        [class.Looker]
        host = "agent"
        wait = "{wait}"
        task.look.request = "GET /status"
        "#
    )
}

/// Runs 60 users for 12 s; how many connections there were, and the most requests on one.
async fn of_sixty_users(more: &str) -> (usize, usize) {
    let raw = Raw::start().await;
    let cicada = serving(&lookers("between(1, 3)", more), raw.url()).await;
    cicada
        .swarm("user_count=60&spawn_rate=60&run_time=12s")
        .await;
    cicada
        .until("/stats/requests", LIMIT, |answer| {
            answer["state"] == "stopped"
        })
        .await;
    let mut requests = vec![0; raw.connections()];
    raw.seen()
        .iter()
        .for_each(|request| requests[request.connection] += 1);
    assert!(raw.count() > 200, "{} requests", raw.count());
    (requests.len(), requests.into_iter().max().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_user_has_its_own_connection_unless_the_workload_shares_them() {
    let (own, shared) = tokio::join!(
        of_sixty_users(""),
        of_sixty_users(r#"connections = "shared""#)
    );
    println!("own: {own:?} connections and requests on one; shared: {shared:?}");
    assert_eq!(own.0, 60);
    assert!(own.1 < 13, "{own:?}");
    // as many as are in a request at once, which are more where the machine is busy
    assert!(shared.0 < 45 && shared.1 > own.1, "{shared:?}");
}

/// The name stands in a file of hosts that only this `cicada` sees, by a mount namespace of its own.
#[tokio::test(flavor = "multi_thread")]
async fn busy_users_follow_a_name_that_moves() {
    let Some((before, after)) = servers_on_one_port().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    let lead_to = |address: &str| {
        let text = format!("127.0.0.1 localhost\n{address} agent.test\n");
        std::fs::write(&hosts, text).unwrap();
    };
    lead_to("127.0.0.1");
    let Some(wrapper) = with_own_hosts(&hosts) else {
        return;
    };
    let port = before.url().rsplit_once(':').unwrap().1.to_owned();
    let cicada = Cicada::new().wrapped(wrapper.each_ref().map(String::as_str));
    let workload = lookers("constant_pacing(0.5)", r#"max_connection_age = "5s""#);
    let cicada = serving_by(cicada, &workload, &format!("http://agent.test:{port}")).await;
    cicada.swarm("user_count=10&spawn_rate=10").await;
    let began = Instant::now();
    while before.count() < 60 {
        assert!(began.elapsed() < LIMIT);
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(after.count(), 0);
    lead_to("127.0.0.2");
    let moved = Instant::now();
    // all ten have come over when the new address has had ten rounds, and the old one no request meanwhile
    let (mut at_old, mut at_new) = (before.count(), after.count());
    while after.count() < at_new + 100 {
        assert!(
            moved.elapsed() < LIMIT,
            "{} requests at the old address, {} at the new one",
            before.count(),
            after.count()
        );
        sleep(Duration::from_millis(50)).await;
        if before.count() != at_old {
            (at_old, at_new) = (before.count(), after.count());
        }
    }
    assert_eq!(cicada.counts().await["Aggregated"].1, 0, "none failed");
}

/// Two recorders with the same port on two addresses of this machine.
async fn servers_on_one_port() -> Option<(Raw, Raw)> {
    if std::net::TcpListener::bind("127.0.0.2:0").is_err() {
        eprintln!("skipped: this machine has no 127.0.0.2");
        return None;
    }
    let before = Raw::start().await;
    let port = before.url().rsplit_once(':').unwrap().1.to_owned();
    let after = Raw::answering(&format!("127.0.0.2:{port}"), |_| crate::raw::Answer::Kept).await;
    Some((before, after))
}

/// What starts a program for which this file is `/etc/hosts`; nothing where that is not allowed.
fn with_own_hosts(hosts: &Path) -> Option<[String; 7]> {
    let script = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
    let hosts = hosts.display().to_string();
    let wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", script];
    let tried = std::process::Command::new(wrapper[0])
        .args(&wrapper[1..])
        .args([&hosts, "true"])
        .output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        eprintln!(
            "skipped: a mount namespace is not allowed here (unshare --map-root-user --mount)"
        );
        return None;
    }
    let mut all = wrapper.map(str::to_owned).to_vec();
    all.push(hosts);
    all.try_into().ok()
}
