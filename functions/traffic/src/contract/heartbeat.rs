//! The contract of [`Heartbeat`]'s switch; that it beats is for each adapter's own tests to show.
//!
//! Every function takes a heartbeat that was never switched.

use std::future::Future;

use crate::ports::{Heartbeat, HeartbeatError};

/// Runs every sentence of the contract, each on a heartbeat of its own from `open`.
pub async fn all<H, F>(open: impl Fn() -> F)
where
    H: Heartbeat,
    F: Future<Output = H>,
{
    a_new_heartbeat_is_off(&open().await).await;
    switching_twice_changes_nothing(&open().await).await;
    it_can_be_switched_on_and_off_again_and_again(&open().await).await;
}

/// Nothing runs, and nothing costs, before somebody asks for it.
pub async fn a_new_heartbeat_is_off(heartbeat: &impl Heartbeat) {
    assert!(!ok(heartbeat.is_on().await));
}

/// Whoever wants it on or off need not know how it is.
pub async fn switching_twice_changes_nothing(heartbeat: &impl Heartbeat) {
    for _ in 0..2 {
        ok(heartbeat.turn_off().await);
        assert!(!ok(heartbeat.is_on().await));
    }
    for _ in 0..2 {
        ok(heartbeat.turn_on().await);
        assert!(ok(heartbeat.is_on().await));
    }
}

/// One run after the other.
pub async fn it_can_be_switched_on_and_off_again_and_again(heartbeat: &impl Heartbeat) {
    for _ in 0..3 {
        ok(heartbeat.turn_on().await);
        assert!(ok(heartbeat.is_on().await));
        ok(heartbeat.turn_off().await);
        assert!(!ok(heartbeat.is_on().await));
    }
}

#[track_caller]
fn ok<T>(result: Result<T, HeartbeatError>) -> T {
    result.unwrap_or_else(|error| panic!("the heartbeat failed: {error:?}"))
}
