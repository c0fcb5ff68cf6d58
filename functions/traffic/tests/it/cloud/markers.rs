//! Planned waits among processes: a user never overlaps itself, and that is nearly free.

use proptest::prelude::*;

use super::*;

/// Another process for each slot, and for each block.
fn any(slot: Slot, block: Block) -> usize {
    (slot.0 + u64::from(block.0)) as usize
}

async fn live(wait: &str, timeout: u64, users: u32, target: Target, slots: u64) -> Cloud {
    let mut cloud = Cloud::new(wait, timeout, users, target).await;
    cloud.live(0..slots, any).await;
    cloud.settle().await;
    cloud
}

/// Ticks that had anything due.
async fn ticks(cloud: &Cloud, slots: u64) -> usize {
    let plan = cloud.plan().await;
    let ticks = (0..slots).map(|second| plan.plan.ticks(START.plus(second)).len());
    ticks.sum()
}

#[tokio::test(start_paused = true)]
async fn a_tick_full_of_fast_iterations_reads_three_times_and_writes_nothing() {
    let cloud = live("between(1, 3)", 60, 100, Target::taking(ms(80)), 30).await;
    cloud.account(0..30).await.assert_complete();
    let ticks = ticks(&cloud, 30).await;
    assert_eq!(ticks, 30);
    let reads = cloud.store.count("markers");
    assert!(reads <= 3 * ticks, "{reads} in {ticks} ticks");
    assert_eq!(cloud.store.count("put_marker"), 0);
    assert_eq!(cloud.store.count("claim"), ticks);
    assert_eq!(cloud.target.overlaps(), []);
}

#[tokio::test(start_paused = true)]
async fn a_tick_with_one_iteration_reads_once() {
    let cloud = live("constant_pacing(30)", 120, 3, Target::taking(ms(500)), 120).await;
    cloud.account(0..120).await.assert_complete();
    assert_eq!(cloud.store.count("markers"), ticks(&cloud, 120).await);
    assert_eq!(cloud.store.count("put_marker"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_paced_block_that_is_spread_over_the_slot_reads_twice() {
    let mut cloud = Cloud::new("constant_pacing(20)", 60, 100, Target::taking(ms(50))).await;
    // a ramp that spreads the users evenly, five in each second
    let (..) = cloud.change(|run| run.segments[0].spawn_rate = 5.0).await;
    cloud.live(0..60, any).await;
    cloud.settle().await;
    cloud.account(0..60).await.assert_complete();
    let (reads, ticks) = (cloud.store.count("markers"), ticks(&cloud, 60).await);
    assert!(reads <= 2 * ticks, "{reads} in {ticks} ticks");
}

#[tokio::test(start_paused = true)]
async fn where_no_iteration_can_last_until_the_next_nobody_reads_or_writes() {
    let cloud = live("constant_pacing(30)", 20, 50, Target::taking(secs(19)), 120).await;
    cloud.account(0..120).await.assert_complete();
    assert_eq!(cloud.store.count("markers"), 0);
    assert_eq!(cloud.store.count("put_marker"), 0);
    assert_eq!(cloud.target.overlaps(), []);
}

#[tokio::test(start_paused = true)]
async fn only_who_is_still_busy_a_lead_before_its_next_iteration_writes() {
    // every other iteration lasts beyond the next one's instant
    let target = Target::new(|_, number| if number % 2 == 0 { ms(50) } else { secs(12) });
    let cloud = live("constant_pacing(10)", 60, 10, target, 185).await;
    let account = cloud.account(0..185).await;
    assert_eq!((account.missing, account.duplicates), (0, 0));
    let slow = cloud
        .seen()
        .iter()
        .filter(|seen| seen.ended.since(seen.began) > secs(1))
        .count();
    assert_eq!(account.skipped, slow, "one each");
    assert_eq!(cloud.store.count("put_marker"), slow);
    assert_eq!(cloud.store.count("clear_marker"), slow);
    assert_eq!(cloud.target.overlaps(), []);
}

#[tokio::test(start_paused = true)]
async fn what_a_response_takes_is_not_what_marking_takes() {
    let mut cloud = Cloud::new("constant_pacing(2)", 60, 5, Target::taking(ms(1_150))).await;
    cloud.store.slow(Calls::All, ms(400));
    cloud.live(0..10, any).await;
    cloud.settle().await;
    assert!(cloud.store.count("put_marker") > 0);
    for outcome in cloud.recorded().outcomes {
        assert!(
            outcome.response_time <= ms(1_153),
            "{:?}",
            outcome.response_time
        );
    }
}

#[tokio::test(start_paused = true)]
async fn reading_and_claiming_make_no_iteration_late() {
    let cloud = live("between(1, 3)", 60, 100, Target::taking(ms(30)), 20).await;
    for outcome in cloud.recorded().outcomes {
        let lateness = outcome.lateness.unwrap();
        // one that is due while the markers are read waits for that
        assert!(lateness <= ms(11), "{lateness:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_marker_is_taken_back_when_the_store_is_there_again() {
    let target = Target::new(|_, number| if number == 0 { secs(14) } else { ms(50) });
    let mut cloud = Cloud::new("constant_pacing(10)", 120, 1, target).await;
    cloud.live(0..12, any).await;
    cloud.clock.sleep_until(START.plus(12).full_second()).await;
    cloud.store.fail(Calls::All);
    cloud.clock.sleep_until(START.plus(19).full_second()).await;
    cloud.store.recover();
    cloud.live(20..60, any).await;
    cloud.settle().await;
    let account = cloud.account(0..60).await;
    assert_eq!((account.recorded, account.skipped), (5, 1), "{account:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_while_it_is_not_known_who_is_busy() {
    let mut cloud = Cloud::new("constant_pacing(1)", 60, 10, Target::taking(ms(50))).await;
    cloud.live(0..5, any).await;
    cloud
        .clock
        .sleep_until(START.plus(5).full_second() - ms(100))
        .await;
    let before = cloud.seen().len();
    cloud.store.fail(Calls::Reads);
    cloud.clock.sleep_until(START.plus(6).full_second()).await;
    cloud.store.recover();
    cloud.settle().await;
    assert_eq!(cloud.seen().len(), before);
}

#[tokio::test(start_paused = true)]
async fn an_iteration_that_comes_after_its_users_next_one_is_skipped() {
    let mut cloud = Cloud::new("constant_pacing(2)", 60, 10, Target::taking(ms(300))).await;
    cloud.live(0..1, any).await;
    cloud.deliver(wake_up(0, START.plus(2)), 1, secs(5));
    cloud.live(4..6, any).await;
    let report = cloud.settle().await;
    assert_eq!((report.executed, report.skipped), (20, 10));
    assert_eq!(cloud.target.overlaps(), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// For every wait, every pattern of response times, any process for any tick, wake-ups late by
    /// seconds and any speed of the store that markers are made for: no user overlaps itself, nothing is lost, and
    /// what is recorded is what the target saw.
    #[test]
    fn users_never_overlap_themselves(
        wait in prop_oneof![
            (500_u64..6_000).prop_map(|ms| format!("constant_pacing({})", ms as f64 / 1e3)),
            (500_u64..3_000, 0_u64..3_000).prop_map(|(min, more)| format!("between({}, {})", min as f64 / 1e3, (min + more) as f64 / 1e3)),
        ],
        times in prop::collection::vec(prop_oneof![3 => 1_u64..300, 2 => 300_u64..2_500, 1 => 2_500_u64..9_000], 1..12),
        late in prop::collection::vec(prop_oneof![3 => Just(0_u64), 1 => 0_u64..8_000], 1..8),
        takes in 0_u64..30,
        seed: u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async move {
            let target = Target::new(move |user, number| ms(times[(user as usize * 3 + number) % times.len()]));
            let mut cloud = Cloud::new(&wait, 10, 12, target).await;
            cloud.store.slow(Calls::All, ms(takes));
            for slot in (0..30).map(|second| START.plus(second)) {
                cloud.clock.sleep_until(slot.full_second() - ms(800)).await;
                let process = (slot.0.wrapping_mul(seed | 1) >> 7) as usize % 3;
                cloud.deliver(wake_up(0, slot), process, ms(late[slot.0 as usize % late.len()]));
            }
            cloud.settle().await;
            let account = cloud.account(0..30).await;
            assert_eq!((account.missing, account.duplicates, account.unplanned), (0, 0, 0));
            assert_eq!(cloud.target.overlaps(), []);
            assert_eq!(cloud.seen().len(), account.recorded);
            assert_eq!(cloud.recorded().outcomes.len(), account.recorded);
        });
    }
}
