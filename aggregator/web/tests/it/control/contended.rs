//! The control among other processes on the same store, and on one that fails.

use std::sync::Arc;
use std::time::Duration;

use control::{ControlSettings, Refusal, Swarmed};
use futures_util::future::join_all;
use statistics::state::State;
use testing::{Calls, FaultyStore};
use traffic::clock::Clock;
use traffic::ports::{RunStore as _, StoreError};
use traffic::run::Run;

use crate::cicada::{Cicada, FORM, epoch, users, workload};

#[tokio::test(start_paused = true)]
async fn of_processes_that_start_at_once_one_run_stays() {
    let store = Arc::<FaultyStore>::default();
    let clock = Clock::following_tokio(epoch());
    let settings = || ControlSettings::new(workload());
    let process = |_| Cicada::on(Arc::clone(&store), settings(), clock.clone());
    let processes: Vec<_> = (0..5).map(process).collect();
    let swarms = processes.iter().zip(1..).map(|(process, count)| {
        let swarm = process.control.swarm(users(count, 1.0));
        async move {
            // they do not all ask in the same instant
            for _ in 0..count * 3 {
                tokio::task::yield_now().await;
            }
            swarm.await
        }
    });
    for swarmed in join_all(swarms).await {
        swarmed.unwrap();
    }
    let ids = store.run_ids(None, 100).await.unwrap();
    let mut on = Vec::new();
    for id in &ids {
        let run: Run = store.run(id).await.unwrap().expect("it was listed");
        if run.stopped_at.is_none() {
            on.push(run);
        } else {
            assert!(run.ends() <= Some(run.starts()), "it never begins");
        }
    }
    assert_eq!(on.len(), 1, "{on:?}");
    assert_eq!(Some(&on[0].id), ids.first());
}

#[tokio::test(start_paused = true)]
async fn changes_by_several_processes_all_count() {
    let store = Arc::<FaultyStore>::default();
    let clock = Clock::following_tokio(epoch());
    let settings = || ControlSettings::new(workload());
    let process = |_| Cicada::on(Arc::clone(&store), settings(), clock.clone());
    let processes: Vec<Cicada<FaultyStore>> = (0..4).map(process).collect();
    processes[0].control.swarm(users(6, 6.0)).await.unwrap();
    processes[0].settle().await;
    let revision = processes[0].run().await.revision;
    let resets = processes.iter().map(|process| process.control.reset());
    assert!(join_all(resets).await.iter().all(Result::is_ok));
    assert_eq!(processes[0].run().await.revision, revision + 4);
    let stopped = processes[1].control.stop();
    let resized = processes[2].control.swarm(users(60, 6.0));
    let (stopped, resized) = tokio::join!(stopped, resized);
    stopped.unwrap();
    resized.unwrap();
    let run = processes[3].run().await;
    // whoever came second saw what the first had done
    let resized_first = run.stopped_at.is_some() && run.segments.len() == 2;
    let stopped_first = run.segments[0].user_count == 60;
    assert!(resized_first || stopped_first, "{run:?}");
}

#[tokio::test(start_paused = true)]
async fn a_swarm_goes_on_when_its_client_has_gone() {
    let store = Arc::<FaultyStore>::default();
    let clock = Clock::following_tokio(epoch());
    let cicada = Cicada::on(Arc::clone(&store), ControlSettings::new(workload()), clock);
    let request = cicada.form("user_count=6&spawn_rate=6");
    let gone = tokio::time::timeout(Duration::ZERO, request).await;
    assert!(gone.is_err(), "the answer did not come at once");
    cicada.pass(5.0).await;
    assert_eq!(cicada.state().await, State::Running);
    assert!(cicada.beats().await);
    assert!(!cicada.wake_ups().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_said_and_changes_nothing() {
    let store = Arc::<FaultyStore>::default();
    let clock = Clock::following_tokio(epoch());
    let cicada = Cicada::on(Arc::clone(&store), ControlSettings::new(workload()), clock);
    store.fail_with(Calls::All, || {
        StoreError::Full("SQLITE_FULL at /secret/cicada.db".into())
    });
    let refusal = cicada.control.swarm(users(6, 6.0)).await;
    assert!(matches!(refusal, Err(Refusal::Store(StoreError::Full(_)))));
    for (method, path) in [
        ("POST", "/swarm"),
        ("POST", "/stop"),
        ("GET", "/stats/requests"),
        ("GET", "/stats/reset"),
        ("GET", "/exceptions"),
        ("GET", "/ledger"),
        ("GET", "/tasks"),
        ("GET", "/health"),
        ("GET", "/"),
    ] {
        let form = Some(FORM);
        let answer = cicada
            .call(method, path, form, "user_count=6&spawn_rate=6")
            .await;
        assert_eq!(answer.status, 503, "{path}");
        let message = answer.json()["message"].to_string();
        assert!(message.contains("the store is full"), "{path}: {message}");
        assert!(!answer.body.contains("SQLITE"), "{path}: {}", answer.body);
    }
    store.recover();
    assert_eq!(cicada.state().await, State::Ready);
    assert_eq!(cicada.get("/health").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn whoever_always_comes_second_gives_up_and_says_so() {
    let store = Arc::<FaultyStore>::default();
    let clock = Clock::following_tokio(epoch());
    let cicada = Cicada::on(Arc::clone(&store), ControlSettings::new(workload()), clock);
    cicada.control.swarm(users(6, 6.0)).await.unwrap();
    store.fail_with(Calls::Named("put_run"), || StoreError::Conflict);
    let Err(refusal) = cicada.control.reset().await else {
        panic!("every write was a conflict");
    };
    assert!(matches!(refusal, Refusal::Contended), "{refusal:?}");
    let swarmed: Result<Swarmed, Refusal> = cicada.control.swarm(users(7, 6.0)).await;
    assert!(matches!(swarmed, Err(Refusal::Contended)));
    store.recover();
    cicada.control.reset().await.unwrap();
}
