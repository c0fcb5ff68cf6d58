//! The same seed gives the same requests, down to their bodies; another one gives others.

use testing::{Recorder, Seen};

use super::{all_recorded, ledger};
use crate::harness::Cicada;

async fn requests(seed: u64) -> Vec<Seen> {
    let recorder = Recorder::start().await;
    let output = Cicada::bare()
        .args("--headless --only-summary -u 60 -r 30 -t 4 --seed")
        .arg(seed.to_string())
        .env("TARGET_APP_URL", recorder.url())
        .env("AI_AGENT_URL", recorder.url())
        .run()
        .await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let ledger = ledger(&output);
    let planned: u64 = ledger.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(ledger, all_recorded(planned));
    recorder.seen()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_gives_the_same_requests() {
    let (first, second, other) = tokio::join!(requests(7), requests(7), requests(8));
    assert!(first.len() > 50, "only {} requests", first.len());
    assert_eq!(first, second);
    assert_ne!(first, other);
}
