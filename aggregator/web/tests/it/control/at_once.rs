//! Where one process does all, changes hold from the instant they are made.

use std::sync::Arc;
use std::time::Duration;

use control::ControlSettings;
use statistics::state::State;
use testing::MemoryStore;
use traffic::clock::Clock;
use traffic::tick::GRAIN;

use crate::cicada::{Cicada, epoch, workload};

fn alone() -> Cicada {
    let store = Arc::<MemoryStore>::default();
    let clock = Clock::following_tokio(epoch());
    Cicada::on(store, ControlSettings::new(workload()), clock)
}

#[tokio::test(start_paused = true)]
async fn a_start_a_change_and_a_stop_hold_from_now() {
    let cicada = alone();
    let asked = cicada.clock.now();
    cicada
        .started("user_count=600&spawn_rate=1000&run_time=1m")
        .await;
    let run = cicada.run().await;
    assert_eq!((run.created_at, run.starts()), (asked, asked));
    assert_eq!(run.ends(), Some(asked + Duration::from_secs(60)));
    let sent = cicada.wake_ups();
    assert_eq!(sent[0].slot, run.first_slot(), "which has begun");

    cicada.pass(2.6).await;
    let asked = cicada.clock.now();
    cicada.started("user_count=900&spawn_rate=1000").await;
    let run = cicada.run().await;
    assert_eq!(run.segments[1].from, asked);
    assert_eq!(run.ends(), None);
    let new = cicada.wake_ups();
    let present = run.slots().of(asked);
    assert!(new.iter().any(|wake_up| wake_up.slot == present));

    // at the very same instant, what was begun before stays planned
    cicada.started("user_count=901&spawn_rate=1000").await;
    let run = cicada.run().await;
    assert_eq!(run.segments.len(), 3);
    assert!(run.segments[2].from > asked);

    cicada.pass(1.3).await;
    let asked = cicada.clock.now();
    cicada.control.stop().await.expect("the store works");
    assert_eq!(cicada.clock.now(), asked, "nothing is waited for");
    assert_eq!(cicada.run().await.stopped_at, Some(asked));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_stopping_until_nothing_of_it_may_begin_any_more() {
    let cicada = alone();
    cicada.started("user_count=6&spawn_rate=1000").await;
    cicada.pass(2.0).await;
    cicada.control.stop().await.expect("the store works");
    let state = async || cicada.get("/stats/requests").await.json()["state"].clone();
    assert_eq!(state().await, "stopping");
    // a start does not wait for the end of the run before
    let before = cicada.run().await;
    tokio::time::sleep(GRAIN + Duration::from_millis(301)).await;
    assert_eq!(state().await, "stopped");
    // of what nobody executed here nothing can come any more
    let ledger = cicada.get("/ledger").await.json();
    assert_eq!(ledger["pending"], 0);
    assert!(ledger["missing"].as_u64() > Some(0));
    let current = cicada.get("/stats/requests").await.json();
    let current = &current["current_response_time_percentiles"];
    assert!(current["response_time_percentile_0.5"].is_null());
    let asked = cicada.clock.now();
    cicada.started("user_count=6&spawn_rate=1000").await;
    assert_eq!(cicada.run().await.starts(), asked);
    assert_ne!(cicada.run().await.id, before.id);
    assert_ne!(cicada.state().await, State::Stopped);
}
