//! Turns among processes: a user under `constant` goes on wherever its next turn runs.

use proptest::prelude::*;

use super::*;

/// A process for each slot in turn.
fn in_turn(slot: Slot, _: Block) -> usize {
    slot.0 as usize
}

/// Iterations of all users in the slots from `from` on.
fn begun(cloud: &Cloud, from: u64) -> usize {
    let from = START.plus(from).full_second();
    cloud
        .seen()
        .iter()
        .filter(|seen| seen.began >= from)
        .count()
}

async fn live(wait: &str, users: u32, target: Target, slots: u64) -> Cloud {
    let mut cloud = Cloud::new(wait, 20, users, target).await;
    cloud.live(0..slots, in_turn).await;
    cloud.settle().await;
    cloud.account(0..slots).await.assert_complete();
    assert_eq!(cloud.target.overlaps(), []);
    cloud
}

#[tokio::test(start_paused = true)]
async fn users_who_never_wait_read_once_a_turn_and_write_nothing() {
    let cloud = live("constant(0)", 5, Target::taking(ms(20)), 20).await;
    assert_eq!(cloud.store.count("markers"), 20);
    assert_eq!(cloud.store.count("put_marker"), 0);
    assert_eq!(cloud.store.count("clear_marker"), 0);
    assert_eq!(cloud.store.count("claim"), 20);
    // 850 ms of each second, less what reading takes, at 20 ms (and tokio's grain) each
    let iterations = begun(&cloud, 0);
    assert!(iterations >= 20 * 5 * 37, "{iterations}");
    for seen in cloud.seen() {
        let into_slot = seen.began.since(seen.began.full_second().full_second());
        assert!(
            into_slot <= ms(850),
            "nothing starts in the gap: {into_slot:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_that_is_busy_at_the_end_of_its_turn_goes_on_without_a_gap() {
    for takes in [400, 700, 1_300] {
        let cloud = live("constant(0)", 10, Target::taking(ms(takes)), 60).await;
        let most = 60_000 / takes as usize * 10;
        let iterations = begun(&cloud, 0);
        assert!(
            iterations * 100 >= most * 93,
            "{iterations} of {most} iterations of {takes} ms"
        );
        assert!(cloud.store.count("put_marker") <= 60 * 10 / 2);
        assert!(cloud.store.count("markers") <= 60);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rest_that_lasts_into_later_turns_is_kept_by_whoever_has_them() {
    let cloud = live("constant(5)", 3, Target::taking(ms(100)), 60).await;
    for user in 0..3 {
        let instants = instants(&cloud.seen(), user);
        assert!(instants.len() >= 11, "{instants:?}");
        for pair in instants.windows(2) {
            let rested = pair[1].0.since(pair[0].1);
            // no sooner, and at most a gap later
            assert!(rested >= ms(4_999) && rested <= ms(5_200), "{rested:?}");
        }
    }
    let iterations = cloud.seen().len();
    assert_eq!(cloud.store.count("put_marker"), iterations, "one each");
    assert_eq!(cloud.store.count("clear_marker"), 0);
    assert_eq!(cloud.store.count("markers"), 60);
}

#[tokio::test(start_paused = true)]
async fn a_response_of_many_slots_and_the_rest_after_it_hold_the_user() {
    let cloud = live("constant(2.5)", 2, Target::taking(ms(12_345)), 100).await;
    for user in 0..2 {
        let instants = instants(&cloud.seen(), user);
        assert!(instants.len() >= 6, "{instants:?}");
        for pair in instants.windows(2) {
            let rested = pair[1].0.since(pair[0].1);
            assert!(rested >= ms(2_499) && rested <= ms(2_700), "{rested:?}");
        }
    }
    assert!(cloud.store.count("put_marker") <= 2 * cloud.seen().len());
}

#[tokio::test(start_paused = true)]
async fn a_user_whose_process_died_goes_on_when_its_marker_ends() {
    let target = Target::new(|_, number| if number == 0 { secs(15) } else { ms(50) });
    let mut cloud = Cloud::new("constant(0)", 20, 1, target).await;
    cloud.live(0..5, in_turn).await;
    cloud.ticks.shutdown().await;
    cloud.live(5..60, in_turn).await;
    cloud.settle().await;
    let instants = instants(&cloud.seen(), 0);
    let stood_still = instants[1].0.since(START.full_second());
    // the timeout and the time for which a user may be held, from the end of the first turn
    assert!(
        stood_still >= secs(30) && stood_still <= secs(32),
        "{stood_still:?}"
    );
    assert!(instants.len() > 400);
    let account = cloud.account(0..60).await;
    assert!((1..=5).contains(&account.missing), "{account:?}");
}

#[tokio::test(start_paused = true)]
async fn a_held_user_stops_with_its_run() {
    let mut cloud = Cloud::new("constant(0)", 20, 20, Target::taking(ms(430))).await;
    cloud.live(0..10, in_turn).await;
    cloud.clock.sleep_until(START.plus(10).full_second()).await;
    let stop = Run::change_at(&cloud.clock);
    cloud.change(|run| run.stopped_at = Some(stop)).await;
    cloud.live(10..20, in_turn).await;
    cloud.settle().await;
    let latest = cloud.seen().iter().map(|seen| seen.began).max();
    assert!(latest.unwrap() < stop);
    assert!(latest.unwrap() >= stop - ms(600));
    cloud.account(0..20).await.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_held_user_that_leaves_the_run_is_let_go() {
    let mut cloud = Cloud::new("constant(0)", 20, 20, Target::taking(ms(430))).await;
    cloud.live(0..10, in_turn).await;
    let from = START.plus(12);
    cloud
        .change(|run| run.segments.push(segment(from, 5)))
        .await;
    cloud.live(10..20, in_turn).await;
    cloud.settle().await;
    let late = cloud
        .seen()
        .into_iter()
        .filter(|seen| seen.began >= from.full_second() + ms(10));
    assert!(late.map(|seen| seen.user).max() < Some(5));
    cloud.account(0..20).await.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_user_is_not_held_into_an_iteration_that_its_process_may_not_see_the_end_of() {
    // the third one in a slot is under way at its end
    let cloud = Cloud::new("constant(0)", 20, 10, Target::taking(ms(390))).await;
    let ticker = &cloud.processes[0].ticker;
    let deadline = START.plus(15).full_second();
    let report = ticker.run(&wake_up(0, START), Some(deadline)).await;
    assert_eq!(report.unwrap().executed, 10);
    assert!(cloud.clock.now() <= START.plus(1).full_second() + ms(400));
    cloud.account(0..1).await.assert_complete();
    let markers = cloud.store.inner.markers(&run_id(), "A", Block(0)).await;
    assert_eq!(markers.unwrap(), [], "let go");
    // with time enough the same users are held for seconds
    let deadline = START.plus(200).full_second();
    let report = ticker.run(&wake_up(0, START.plus(2)), Some(deadline)).await;
    assert_eq!(report.unwrap().executed, 10);
    assert!(cloud.clock.now() >= START.plus(4).full_second());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// For every rest, every pattern of response times, any process for any turn and any speed of the
    /// store that markers are made for: no user overlaps itself or cuts its rest short, none
    /// stands still, and every turn is accounted for once.
    #[test]
    fn users_take_turns_wherever_they_are(
        rest in prop_oneof![Just(0_u64), 1_u64..300, 300_u64..4_000],
        times in prop::collection::vec(prop_oneof![3 => 1_u64..200, 2 => 200_u64..1_500, 1 => 1_500_u64..8_000], 1..12),
        takes in 0_u64..30,
        seed: u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async move {
            let slowest = *times.iter().max().unwrap();
            let target = Target::new(move |user, number| ms(times[(user as usize * 3 + number) % times.len()]));
            let wait = format!("constant({})", rest as f64 / 1e3);
            let mut cloud = Cloud::new(&wait, 20, 8, target).await;
            cloud.store.slow(Calls::All, ms(takes));
            cloud.live(0..40, |slot, _| (slot.0.wrapping_mul(seed | 1) >> 7) as usize % 3).await;
            cloud.settle().await;
            cloud.account(0..40).await.assert_complete();
            assert_eq!(cloud.target.overlaps(), []);
            let seen = cloud.seen();
            assert_eq!(cloud.recorded().outcomes.len(), seen.len());
            for user in 0..8 {
                for pair in instants(&seen, user).windows(2) {
                    let rested = pair[1].0.since(pair[0].1);
                    assert!(rested >= ms(rest), "{rested:?}");
                    // a whole turn at most, when it is let go after a long time; the gap otherwise
                    assert!(rested <= ms(rest + 1_250), "{rested:?} after up to {slowest} ms");
                }
            }
        });
    }
}
