//! What is half a minute late is not executed.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_wake_up_that_is_half_a_minute_late_is_not_executed() {
    let mut stage = Stage::new("constant_pacing(1)", 5, ms(10)).await;
    stage.live(0..2).await;
    stage.clock.sleep_until(START.plus(33).full_second()).await;
    let late = WakeUp {
        run: RunId("r".into()),
        class: "A".into(),
        block: crate::block::Block(0),
        slot: START.plus(2),
    };
    assert_eq!(stage.ticker.run(&late, None).await.unwrap().left, 5);
    let less = WakeUp {
        slot: START.plus(4),
        ..late
    };
    assert_eq!(stage.ticker.run(&less, None).await.unwrap().executed, 5);
    let lateness = stage
        .recorded()
        .outcomes
        .iter()
        .filter_map(|outcome| outcome.lateness)
        .max();
    assert!(
        lateness.unwrap() >= Duration::from_secs(28),
        "shown as ours, not as the target's"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_late_within_a_tick_that_was_in_time_is_not_sent() {
    for (stands_still, sends) in [(ms(29_000), true), (ms(30_500), false)] {
        let mut stage = Stage::new("constant_pacing(1)", 50, ms(10)).await;
        stage.live(0..1).await;
        stage.settle().await;
        let before = stage.seen().len();
        for wake_up in stage.queue.take_before(START.plus(2)) {
            let ticker = Arc::clone(&stage.ticker);
            stage
                .ticks
                .spawn(async move { ticker.run(&wake_up, None).await });
        }
        // the wake-up came in time, and some of its iterations are still to be sent
        let amid = START.plus(1).full_second() + ms(25);
        stage.clock.sleep_until(amid).await;
        tokio::time::advance(stands_still).await;
        let report = stage.settle().await;
        assert_eq!(report.executed + report.left, 50, "{report:?}");
        assert_eq!(report.left > 0, !sends, "{report:?}");
        assert_eq!(stage.seen().len(), before + report.executed as usize);
        assert_eq!(stage.recorded().outcomes.len(), stage.seen().len());
    }
}
