//! Claims: a tick is executed once, however often and whenever its wake-up comes.

use super::*;

async fn paced(users: u32) -> Cloud {
    Cloud::new("constant_pacing(1)", 60, users, Target::taking(ms(50))).await
}

fn one_process(_: Slot, _: Block) -> usize {
    0
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_that_comes_to_two_processes_at_once_is_executed_once() {
    let mut cloud = paced(50).await;
    for slot in (0..10).map(|second| START.plus(second)) {
        cloud.clock.sleep_until(slot.full_second() - ms(700)).await;
        for process in 0..3 {
            cloud.deliver(wake_up(0, slot), process, Duration::ZERO);
        }
    }
    let report = cloud.settle().await;
    assert_eq!(report.executed, 500);
    cloud.account(0..10).await.assert_complete();
    assert_eq!(cloud.seen().len(), 500);
    assert_eq!(cloud.recorded().outcomes.len(), 500);
    assert_eq!(cloud.store.count("claim"), 30);
    assert_eq!(
        cloud.store.count("markers"),
        10,
        "not before the claim is won"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_that_comes_again_later_is_executed_once() {
    let mut cloud = paced(50).await;
    cloud.live(0..10, one_process).await;
    cloud.settle().await;
    for (process, after) in [(0, 0), (1, 3), (2, 8)] {
        cloud.deliver(wake_up(0, START.plus(5)), process, secs(after));
    }
    assert_eq!(cloud.settle().await, TickReport::default());
    cloud.account(0..10).await.assert_complete();
    assert_eq!(cloud.seen().len(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_cannot_be_claimed_sends_nothing_and_may_be_tried_again() {
    let cloud = paced(50).await;
    let ticker = &cloud.processes[0].ticker;
    // the run is known
    cloud.processes[0].runs.get(&run_id()).await.unwrap();
    cloud
        .clock
        .sleep_until(START.full_second() - ms(1_300))
        .await;
    cloud.store.fail(Calls::Writes);
    let failed = ticker.run(&wake_up(0, START), None).await;
    assert!(matches!(failed, Err(TickError::Claim(_))), "{failed:?}");
    assert_eq!(cloud.seen().len(), 0);
    cloud.store.recover();
    let report = ticker.run(&wake_up(0, START), None).await.unwrap();
    assert_eq!(report.executed, 50);
    cloud.account(0..1).await.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_is_killed_after_its_claim_is_missing_and_nothing_else_is() {
    let mut cloud = paced(50).await;
    cloud.live(0..4, one_process).await;
    cloud.settle().await;
    let ticker = Arc::clone(&cloud.processes[1].ticker);
    let killed = tokio::spawn(async move { ticker.run(&wake_up(0, START.plus(4)), None).await });
    // in the middle of the slot, when some of it has been answered but not yet written
    cloud
        .clock
        .sleep_until(START.plus(4).full_second() + ms(20))
        .await;
    killed.abort();
    // its message comes again
    cloud.deliver(wake_up(0, START.plus(4)), 2, DELIVERED_AGAIN_AFTER);
    cloud.live(5..20, one_process).await;
    cloud.settle().await;
    let account = cloud.account(0..20).await;
    assert_eq!((account.planned, account.missing), (1_000, 50));
    assert_eq!((account.recorded, account.duplicates), (950, 0));
    assert_eq!(cloud.recorded().outcomes.len(), 950);
}

#[tokio::test(start_paused = true)]
async fn wake_ups_out_of_order_are_executed_all() {
    // users that leave their slots' order alone: each is due once in a while only
    let mut cloud = Cloud::new("constant_pacing(60)", 20, 60, Target::taking(ms(50))).await;
    let (..) = cloud.change(|run| run.segments[0].spawn_rate = 3.0).await;
    cloud.clock.sleep_until(START.plus(19).full_second()).await;
    for second in (0..20).rev() {
        cloud.deliver(
            wake_up(0, START.plus(second)),
            second as usize,
            ms(20 - second),
        );
    }
    cloud.settle().await;
    cloud.account(0..20).await.assert_complete();
    assert_eq!(cloud.target.overlaps(), []);
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_that_comes_a_minute_late_is_missing_and_costs_nothing() {
    let mut cloud = paced(50).await;
    cloud.live(0..3, one_process).await;
    cloud.settle().await;
    cloud.clock.sleep_until(START.plus(63).full_second()).await;
    let claims = cloud.store.count("claim");
    cloud.deliver(wake_up(0, START.plus(3)), 0, Duration::ZERO);
    assert_eq!(cloud.settle().await.left, 50);
    assert_eq!(cloud.store.count("claim"), claims);
    assert_eq!(cloud.account(0..4).await.missing, 50);
}

#[tokio::test(start_paused = true)]
async fn a_tick_with_nothing_due_claims_and_reads_nothing() {
    let mut cloud = Cloud::new("constant_pacing(10)", 60, 1, Target::taking(ms(50))).await;
    for second in 1..10 {
        cloud.deliver(wake_up(0, START.plus(second)), 0, Duration::ZERO);
    }
    assert_eq!(cloud.settle().await, TickReport::default());
    assert_eq!(cloud.store.count("claim"), 0);
    assert_eq!(cloud.store.count("markers"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_won_before_the_slot_begins() {
    let mut cloud = paced(50).await;
    // a process that has just started reads the run and its workload too
    cloud.processes[0].runs.get(&run_id()).await.unwrap();
    cloud.store.slow(Calls::All, ms(200));
    cloud.live(0..5, one_process).await;
    cloud.settle().await;
    let recorded = cloud.recorded();
    let latest = recorded
        .outcomes
        .iter()
        .filter_map(|outcome| outcome.lateness)
        .max();
    // what remains is the reading of markers, which begins 20 ms before they are needed
    assert!(latest.unwrap() <= ms(185), "{latest:?}");
    cloud.account(0..5).await.assert_complete();
}
