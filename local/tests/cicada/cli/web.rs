//! Where it serves, what it starts by itself, and when it ends.

use std::time::Duration;

use futures_util::future::join_all;
use testing::Recorder;
use tokio::net::TcpListener;

use super::{all_recorded, folder, headless, ledger};
use crate::harness::{Cicada, LIMIT, rows};

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_where_it_is_told() {
    let cases = [
        ("--web-host 127.0.0.1 -P 0", "", "http://127.0.0.1:"),
        ("--web-host localhost --web-port 0", "", "http://127.0.0.1:"),
        ("-P 0", "127.0.0.1", "http://127.0.0.1:"),
        ("--web-host [::1] -P 0", "", "http://[::1]:"),
        ("--web-host ::1 -P 0", "", "http://[::1]:"),
        ("--web-host * -P 0", "127.0.0.1", "http://localhost:"),
        ("-P 0", "*", "http://localhost:"),
        ("-P 0", "", "http://localhost:"),
    ];
    let serve = cases.map(async |(line, web_host, url)| {
        let cicada = Cicada::bare()
            .args(line)
            .env("LOCUST_WEB_HOST", web_host)
            .serve()
            .await;
        assert!(
            cicada.url().starts_with(url),
            "{line} {web_host}: {}",
            cicada.url()
        );
        assert_eq!(cicada.status("/health").await.0, 200);
        if url.contains("localhost") {
            let port = cicada.url().rsplit_once(':').unwrap().1;
            for address in ["127.0.0.1", "[::1]"] {
                let health = reqwest::get(format!("http://{address}:{port}/health")).await;
                assert_eq!(health.unwrap().status(), 200, "{address}");
            }
        }
        // nothing is started that nobody asked for
        assert_eq!(cicada.get("/stats/requests").await["state"], "ready");
        assert_eq!(cicada.terminate().await, 0);
    });
    join_all(serve).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_port_is_also_a_variable() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let cicada = Cicada::bare()
        .args("--web-host 127.0.0.1")
        .env("LOCUST_WEB_PORT", &port);
    let cicada = cicada.serve().await;
    assert_eq!(cicada.url(), format!("http://127.0.0.1:{port}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_headless_run_serves_nothing_and_ends_with_the_run() {
    let (_folder, workload) = folder();
    let recorder = Recorder::start().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let line = "--web-host 127.0.0.1 -t 1 Paced -P";
    let by_flag = headless(&workload, &recorder).args(line).arg(&port);
    let by_variable = Cicada::bare()
        .env("LOCUST_HEADLESS", "true")
        .file(&workload);
    let by_variable = by_variable
        .env("SHOP_URL", recorder.url())
        .args(line)
        .arg(&port);
    for output in join_all([by_flag.run(), by_variable.run()]).await {
        assert_eq!(ledger(&output), all_recorded(2));
        assert_eq!(output.status.code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn autostart_starts_at_once_and_goes_on_serving() {
    let (_folder, workload) = folder();
    let recorder = Recorder::start().await;
    let start = async |cicada: Cicada| {
        let cicada = cicada.file(&workload).env("SHOP_URL", recorder.url());
        let cicada = cicada.args("-u 2 -r 1000 -t 2 Paced").serve().await;
        let ended = |answer: &serde_json::Value| answer["state"] == "stopped";
        let statistics = cicada.until("/stats/requests", LIMIT, ended).await;
        assert_eq!(rows(&statistics)["Aggregated"], (8, 0));
        // it would end within a fifth of a second if it did not stay
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(cicada.status("/health").await.0, 200);
        assert_eq!(cicada.terminate().await, 0);
    };
    let by_flag = start(Cicada::new().args("--autostart --autoquit -1"));
    let by_variable = start(Cicada::new().env("LOCUST_AUTOSTART", "1"));
    tokio::join!(by_flag, by_variable);
}

#[tokio::test(flavor = "multi_thread")]
async fn autoquit_ends_it_some_time_after_the_run() {
    let (_folder, workload) = folder();
    let recorder = Recorder::start().await;
    let start = async |cicada: Cicada, class: &str, code| {
        let cicada = cicada.file(&workload).env("SHOP_URL", recorder.url());
        let cicada = cicada.args("--autostart -t 1").arg(class).serve().await;
        let ended = |answer: &serde_json::Value| answer["state"] == "stopped";
        cicada.until("/stats/requests", LIMIT, ended).await;
        assert_eq!(cicada.ends(LIMIT).await, code);
    };
    let by_flag = start(Cicada::new().args("--autoquit 2"), "Paced", 0);
    let by_variable = start(Cicada::new().env("LOCUST_AUTOQUIT", "1"), "Broken", 1);
    tokio::join!(by_flag, by_variable);
}
