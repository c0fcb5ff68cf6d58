//! A run that is resized every ten seconds: it keeps what is not settled, and counts what it always counted.

use std::sync::Arc;

use control::ControlSettings;
use traffic::clock::Slot;
use traffic::ports::CheckpointStore as _;
use traffic::run::Run;
use traffic::workload::Workload;

use crate::cicada::{Cicada, users};

const WORKLOAD: &str = r#"
[hosts.t]
url = "http://127.0.0.1:9"
[class.Some]
host = "t"
wait = "between(2, 6)"
task.ask = { request = "GET /", timeout = "5s" }
[class.Others]
host = "t"
wait = "constant(1)"
task.ask = { request = "GET /", timeout = "5s" }
"#;

/// The bytes that the run takes in the store, and those of its checkpoint.
async fn sizes(cicada: &Cicada) -> (usize, usize) {
    let run = cicada.run().await;
    let checkpoint = cicada.store.checkpoint(&run.id).await;
    let checkpoint = checkpoint.expect("the store answers");
    let text = serde_json::to_string(&run).expect("a run is JSON");
    (
        text.len(),
        checkpoint.map_or(0, |checkpoint| checkpoint.body.len()),
    )
}

#[tokio::test(start_paused = true)]
async fn hours_of_resizes_leave_a_run_as_small_as_it_was() {
    stays_small(3 * 360).await;
}

mod soak {
    #[tokio::test(start_paused = true)]
    #[ignore = "minutes: make soak"]
    async fn a_day_of_resizes_leaves_a_run_as_small_as_it_was() {
        super::stays_small(24 * 360).await;
    }
}

async fn stays_small(resizes: u64) {
    let workload = Workload::parse(WORKLOAD, "test", &|_| None);
    let workload = Arc::new(workload.expect("the workload is valid"));
    let settings = || ControlSettings {
        seed: Some(1),
        ..ControlSettings::new(Arc::clone(&workload))
    };
    let cicada = Cicada::with(settings());
    // another process that looks every nine minutes: what is open to it is settled and folded meanwhile
    let (store, clock) = (Arc::clone(&cicada.store), cicada.clock.clone());
    let other = Cicada::on(store, settings(), clock);
    cicada
        .control
        .swarm(users(20, 10.0))
        .await
        .expect("it starts");
    let first = cicada.run().await;
    let mut asked = first.segments.clone();
    let mut early = None;
    for number in 1..=resizes {
        cicada.pass(10.0).await;
        // nobody takes them
        cicada.wake_ups();
        if number % 6 == 0 {
            cicada.deployment.plan_ahead().await.expect("it plans");
            let folded = cicada.aggregation.fold_sealed().await;
            folded.expect("the store answers");
        }
        if number % 54 == 0 {
            other.get("/ledger").await.json();
        }
        let resized = cicada.control.swarm(users(10 + number * 7 % 23, 5.0)).await;
        resized.expect("a run that is on is resized");
        let run = cicada.run().await;
        asked.extend(run.segments.last().cloned());
        assert!(run.segments.len() < 64, "{number}: {}", run.segments.len());
        if number == 360 {
            early = Some(sizes(&cicada).await);
        }
    }
    let (run, checkpoint) = sizes(&cicada).await;
    let (early_run, early_checkpoint) = early.expect("an hour has passed");
    assert!(
        run < early_run * 2,
        "{early_run} bytes after an hour, {run} after {resizes} resizes"
    );
    // the history alone grows, by the age of what it tells of
    assert!(
        checkpoint < early_checkpoint * 3,
        "{early_checkpoint}, {checkpoint}"
    );

    let now = cicada.run().await;
    let past = now.past.as_ref().map_or(0, |past| past.segments as usize);
    assert_eq!(past + now.segments.len(), asked.len());
    // the ledger says what the run with all that was asked for has planned
    let whole = Run {
        segments: asked,
        ..first
    };
    assert_eq!(now.starts(), whole.starts());
    let whole = cicada.load(whole).await;
    let ledger = cicada.get("/ledger").await.json();
    let slot = |name: &str| ledger[name].as_u64().expect("a slot");
    let (from, until) = (Slot(slot("from")), Slot(slot("until")));
    let classes = 0..whole.plan.classes().len();
    let planned: u64 = classes
        .map(|class| whole.plan.due_within(class, from, until))
        .sum();
    assert_eq!(ledger["planned"], planned, "{ledger}");
    let (missing, pending) = (&ledger["missing"], &ledger["pending"]);
    let unknown = missing.as_u64().zip(pending.as_u64());
    let unknown = unknown.map(|(missing, pending)| missing + pending);
    assert_eq!(unknown, Some(planned), "{ledger}");
    assert_eq!(other.get("/ledger").await.json(), ledger);
}
