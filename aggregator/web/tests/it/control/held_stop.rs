//! Stops that cannot be written.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use control::{ControlSettings, Stop};
use statistics::state::State;
use testing::{Calls, FaultyStore, MemoryStore};
use traffic::clock::Clock;
use traffic::ports::{RunStore as _, StoreError};

use crate::cicada::{Cicada, epoch, workload};

fn failures() -> [fn() -> StoreError; 3] {
    [
        || StoreError::Full("no space".into()),
        || StoreError::ReadOnly("read-only".into()),
        || StoreError::Unavailable("no answer".into()),
    ]
}

/// The store of a process that does all.
fn alone() -> FaultyStore {
    FaultyStore::over(MemoryStore::default())
}

async fn running(store: FaultyStore) -> Cicada<FaultyStore> {
    let clock = Clock::following_tokio(epoch());
    let cicada = Cicada::on(Arc::new(store), ControlSettings::new(workload()), clock);
    cicada.started("user_count=60&spawn_rate=60").await;
    cicada.settle().await;
    cicada
}

/// The state as the process knows it, whatever the store says.
async fn state(cicada: &Cicada<FaultyStore>) -> State {
    let run = cicada.control.run().await.expect("it is known");
    cicada.control.state(run.as_deref())
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_cannot_be_written_holds_and_is_written_with_its_instant() {
    for failure in failures() {
        let cicada = running(alone()).await;
        let id = cicada.run().await.id;
        cicada.store.fail_with(Calls::All, failure);
        let stop = cicada.control.stop().await.unwrap();
        assert!(matches!(stop, Stop::Held(_)), "{stop:?}");
        assert_eq!(state(&cicada).await, State::Stopping);
        cicada.pass(2.0).await;
        assert_eq!(state(&cicada).await, State::Stopped);
        let held = cicada.deployment.runs.get(&id).await.unwrap();
        let end = held.plan.run().stopped_at.expect("it is stopped here");
        let first = held.plan.run().slots().of(end);
        let due = (0..60).flat_map(|slot| held.plan.slot(first.plus(slot)));
        let ticks = due.filter(|(.., due)| due.iter().any(|due| due.at >= end));
        assert_eq!(ticks.count(), 0);

        // asked again it is the same stop, however long it takes
        cicada.pass(60.0).await;
        assert!(matches!(cicada.control.stop().await, Ok(Stop::Held(_))));
        assert!(cicada.control.write_held_stops().await.is_err());
        assert_eq!(state(&cicada).await, State::Stopped);

        cicada.store.recover();
        assert_eq!(cicada.run().await.stopped_at, None);
        assert_eq!(state(&cicada).await, State::Stopped);
        cicada.control.write_held_stops().await.unwrap();
        assert_eq!(cicada.run().await.stopped_at, Some(end));
        assert_eq!(cicada.control.unwritten_stop(), None);
        assert!(matches!(cicada.control.stop().await, Ok(Stop::Written)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_says_that_a_stop_is_not_written_yet() {
    let cicada = running(alone()).await;
    cicada
        .store
        .fail_with(Calls::All, || StoreError::Full("no space".into()));
    let full = "the store is full: make room on its disk";
    let answer = cicada.post("/stop").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["success"], true);
    let expected = format!(
        "Test stopped: nothing more is sent, but the stop could not be written yet and will be: {full}"
    );
    assert_eq!(answer.json()["message"], *expected);
    let health = cicada.get("/health").await;
    assert_eq!(health.status, StatusCode::SERVICE_UNAVAILABLE);
    let expected = format!(
        "nothing more is sent, but the stop of the run could not be written yet and will be: {full}"
    );
    assert_eq!(health.json()["message"], *expected);
    // nothing can be started that could not be stopped
    let swarm = cicada.form("user_count=1&spawn_rate=1").await;
    assert_eq!(swarm.json()["success"], false);

    cicada.store.recover();
    cicada.control.write_held_stops().await.unwrap();
    assert_eq!(cicada.get("/health").await.status, StatusCode::OK);
    assert_eq!(cicada.post("/stop").await.json()["message"], "Test stopped");
}

#[tokio::test(start_paused = true)]
async fn a_change_after_a_held_stop_is_a_run_of_its_own() {
    let cicada = running(alone()).await;
    let old = cicada.run().await.id;
    cicada
        .store
        .fail_with(Calls::All, || StoreError::Full("no space".into()));
    cicada.control.stop().await.unwrap();
    cicada.store.recover();
    cicada.started("user_count=6&spawn_rate=6").await;
    assert_ne!(cicada.run().await.id, old);
    let old = cicada.store.run(&old).await.unwrap();
    assert!(old.expect("it is stored").stopped_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn without_the_table_other_processes_are_not_stopped_and_the_answer_says_so() {
    let several = MemoryStore::with_marker_lead(Duration::from_millis(200));
    let cicada = running(FaultyStore::over(several)).await;
    cicada
        .store
        .fail_with(Calls::All, || StoreError::Unavailable("no answer".into()));
    let answer = cicada.post("/stop").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert_eq!(
        message,
        "the run is not stopped, and its traffic goes on: try again, for the store does not answer for now"
    );
    cicada.store.recover();
    assert_eq!(cicada.state().await, State::Running);
    assert_eq!(cicada.post("/stop").await.json()["message"], "Test stopped");
}
