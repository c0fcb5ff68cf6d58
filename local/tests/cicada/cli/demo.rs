//! The demo starts stand-ins and sends them all six classes, whoever has its usual ports.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use testing::assert_adds_up;

use crate::harness::Cicada;

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_brings_its_own_targets() {
    // if somebody else has it, it is just as taken
    let _taken = TcpListener::bind("127.0.0.1:8000");
    let cicada = Cicada::new()
        .args("--demo -u 60 -r 60 -t 4 --stop-timeout 1")
        .serve()
        .await;
    cicada
        .until_logged("the stand-in targets take free ports instead")
        .await;
    cicada
        .until_logged("stand-in target-app at http://127.0.0.1:")
        .await;
    cicada
        .until_logged("stand-in ai-agent at http://127.0.0.1:")
        .await;
    let limit = Duration::from_secs(120);
    cicada.until_stopped(limit).await;
    let ledger = cicada.until_settled(limit).await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["missing"], 0, "{ledger:#}");
    let classes: BTreeSet<_> = ledger["classes"].as_object().unwrap().keys().collect();
    assert_eq!(classes.len(), 6);
    let statistics = cicada.get("/stats/requests").await;
    assert!(
        statistics["stats"].as_array().unwrap().len() > 8,
        "{statistics:#}"
    );
    assert_eq!(statistics["errors"], serde_json::json!([]));
    assert_eq!(cicada.terminate().await, 0);
}
