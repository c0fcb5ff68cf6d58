//! Ticks in paused time: what is due is sent at its instant, a busy user is skipped, nothing that
//! was sent is lost, and nothing starts after the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::clock::Slot;
use crate::fanout::FanOutReport;
use crate::memory::MemoryStore;
use crate::ports::{Heartbeat as _, MarkerStore as _, RunStore as _};
use crate::record::Fate;
use crate::record::wire::{Contents, Decoded};
use crate::run::{Run, Segment, Share};
use crate::workload::Workload;

mod at_once;
mod constant;
mod deadline;
mod fan_out;
mod late;
mod stage;
mod starts;
mod stop;
mod unwritable;

use stage::{Stage, Target};

const START: Slot = Slot(1_700_000_040);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(start_paused = true)]
async fn everything_due_is_sent_at_its_instant_and_recorded() {
    let mut stage = Stage::new("constant_pacing(2)", 250, ms(30)).await;
    stage.live(0..20).await;
    let report = stage.settle().await;
    assert_eq!(
        report,
        TickReport {
            executed: 2500,
            skipped: 0,
            left: 0
        }
    );
    assert_eq!(stage.seen().len(), 2500);
    let recorded = stage.recorded();
    assert_eq!(recorded.outcomes.len(), 2500);
    for outcome in &recorded.outcomes {
        assert!(outcome.lateness.unwrap() <= ms(2), "{:?}", outcome.lateness);
        assert!(outcome.response_time >= ms(30) && outcome.response_time <= ms(32));
        assert_eq!(outcome.content_length, 7);
    }
    assert_eq!(
        recorded
            .outcomes
            .iter()
            .filter(|outcome| outcome.cold)
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_user_is_skipped_not_overlapped() {
    let mut stage = Stage::new("constant_pacing(10)", 1, Duration::from_secs(25)).await;
    stage.live(0..60).await;
    let report = stage.settle().await;
    assert_eq!(
        report,
        TickReport {
            executed: 2,
            skipped: 4,
            left: 0
        }
    );
    assert_eq!(stage.most_concurrent.load(Ordering::SeqCst), 1);
    assert_eq!(
        stage.fates(),
        BTreeMap::from([(Fate::Done, 2), (Fate::Skipped, 4)])
    );
}

#[tokio::test(start_paused = true)]
async fn another_process_sees_that_a_user_is_busy() {
    let store = MemoryStore::with_marker_lead(ms(500));
    let mut stage = Stage::with(
        store,
        "constant_pacing(10)",
        3,
        Duration::from_secs(25),
        None,
    )
    .await;
    stage.live(0..9).await;
    assert_eq!(
        stage
            .store
            .markers(&RunId("r".into()), "A", crate::block::Block(0))
            .await
            .unwrap(),
        []
    );
    stage.live(9..10).await;
    // a process that knows nothing of the first one's users
    let target = Target {
        clock: stage.clock.clone(),
        takes: ms(1),
        seen: Arc::default(),
        concurrent: Arc::default(),
        most_concurrent: Arc::default(),
    };
    let first = std::mem::replace(
        &mut stage.ticker,
        Arc::new(Ticker::new(
            Arc::clone(&stage.store),
            Arc::clone(&stage.runs),
            target,
            stage.clock.clone(),
        )),
    );
    stage.live(10..40).await;
    let report = stage.settle().await;
    drop(first);
    assert_eq!(
        report,
        TickReport {
            executed: 6,
            skipped: 6,
            left: 0
        }
    );
    let run = RunId("r".into());
    let markers = stage.store.markers(&run, "A", crate::block::Block(0));
    assert_eq!(markers.await.unwrap(), [], "taken back when done");
}

#[tokio::test(start_paused = true)]
async fn a_fast_outcome_is_written_within_two_seconds_while_a_slow_one_goes_on() {
    let mut stage = Stage::new("constant_pacing(100)", 2, ms(100)).await;
    stage.live(0..1).await;
    stage
        .clock
        .sleep_until(START.full_second() + ms(2100))
        .await;
    assert_eq!(stage.recorded().outcomes.len(), 2);
    let mut slow = Stage::new("poisson(0.5)", 20, Duration::from_secs(50)).await;
    slow.live(0..52).await;
    slow.clock
        .sleep_until(START.plus(52).full_second() + ms(100))
        .await;
    let now = slow.clock.now();
    let sent_before = |(at, _): &&(Timestamp, String)| *at + Duration::from_secs(52) <= now;
    let complete = slow.seen().iter().filter(sent_before).count();
    assert!(complete > 0);
    assert!(slow.recorded().outcomes.len() >= complete);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_sends_the_same_requests() {
    let lines = |stage: &Stage| -> Vec<String> {
        let mut lines: Vec<String> = stage.seen().into_iter().map(|(_, line)| line).collect();
        lines.sort();
        lines
    };
    let mut first = Stage::new("between(1, 3)", 20, ms(5)).await;
    first.live(0..30).await;
    let mut second = Stage::new("between(1, 3)", 20, ms(700)).await;
    second.live(0..30).await;
    second.settle().await;
    assert!(first.seen().len() > 250);
    assert_eq!(lines(&first), lines(&second));
}

#[tokio::test(start_paused = true)]
async fn a_day_of_traffic_takes_a_moment() {
    let mut stage = Stage::new("constant_pacing(600)", 1, ms(5)).await;
    stage.live(0..86_400).await;
    let report = stage.settle().await;
    assert_eq!(
        report,
        TickReport {
            executed: 144,
            skipped: 0,
            left: 0
        }
    );
}
