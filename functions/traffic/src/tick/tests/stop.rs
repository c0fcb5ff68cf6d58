//! After the end of a run nothing starts, and what is under way is cut off.

use super::*;

#[tokio::test(start_paused = true)]
async fn nothing_starts_after_a_stop_not_even_by_a_late_wake_up() {
    let mut stage = Stage::new("constant_pacing(1)", 100, ms(10)).await;
    stage.live(0..5).await;
    let stop = Run::change_at(&stage.clock);
    stage.change(|run| run.stopped_at = Some(stop)).await;
    stage.live(5..10).await;
    // the wake-ups of slots that were due before the stop come again, after it
    let late = WakeUp {
        run: RunId("r".into()),
        class: "A".into(),
        block: crate::block::Block(0),
        slot: START.plus(4),
    };
    let report = stage.ticker.run(&late, None).await.unwrap();
    assert_eq!(
        report,
        TickReport {
            executed: 0,
            skipped: 0,
            left: 100
        }
    );
    stage.settle().await;
    assert!(stage.seen().iter().all(|(at, _)| *at < stop));
    assert_eq!(
        stage.seen().len() as u64,
        100 * stop.since(START.full_second()).as_secs()
    );
}

#[tokio::test(start_paused = true)]
async fn the_stop_timeout_cuts_off_and_says_so() {
    let mut stage = Stage::new("constant_pacing(100)", 3, Duration::from_secs(40)).await;
    stage.live(0..5).await;
    let stop = Run::change_at(&stage.clock);
    stage.change(|run| run.stopped_at = Some(stop)).await;
    assert_eq!(stage.ticker.in_flight(), 3);
    stage.ticker.cut_off(&RunId("r".into()));
    stage.settle().await;
    assert_eq!(stage.ticker.in_flight(), 0);
    assert_eq!(stage.fates(), BTreeMap::from([(Fate::CutOff, 3)]));
    assert_eq!(stage.recorded().outcomes, []);
}
