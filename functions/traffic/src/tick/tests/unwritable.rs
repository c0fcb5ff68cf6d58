//! Ticks on a store that takes no records for a while.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_for_a_while_is_written_later() {
    let mut stage = Stage::new("constant_pacing(1)", 10, ms(10)).await;
    stage.live(0..3).await;
    stage.store.fail_writes(true);
    stage.live(3..8).await;
    assert!(stage.ticker.failing_since().is_some());
    stage.store.fail_writes(false);
    stage.live(8..20).await;
    stage.settle().await;
    assert!(stage.ticker.failing_since().is_none());
    assert_eq!(stage.recorded().outcomes.len(), stage.seen().len());
    assert_eq!(stage.seen().len(), 200);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_nothing_can_be_recorded() {
    let mut stage = Stage::new("constant_pacing(1)", 10, ms(10)).await;
    stage.live(0..3).await;
    stage.store.fail_writes(true);
    stage.live(3..40).await;
    let sent = stage.seen().len();
    assert!(sent <= 10 * 18, "{sent}");
    let mut refused = 0;
    while let Some(report) = stage.ticks.join_next().await {
        refused += usize::from(matches!(report.unwrap(), Err(TickError::NotRecording)));
    }
    assert!(refused >= 20, "{refused}");
}
