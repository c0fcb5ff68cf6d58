//! The fan-out, killed, repeated, doubled and raced: nothing is missing, and little is wasted.

use std::collections::BTreeSet;

use proptest::prelude::*;
use traffic::fanout::{FanOutReport, STRIDE};
use traffic::ports::Heartbeat as _;

use super::*;

async fn paced(users: u32) -> Cloud {
    Cloud::new("constant_pacing(1)", 60, users, Target::taking(ms(50))).await
}

/// The wake-ups that a plan needs in some slots.
fn needed(plan: &Plan, seconds: std::ops::Range<u64>) -> BTreeSet<WakeUp> {
    let slots = seconds.map(|second| START.plus(second));
    let ticks = slots.flat_map(|slot| plan.ticks(slot).into_iter().map(move |tick| (slot, tick)));
    ticks
        .map(|(slot, (_, block))| wake_up(block.0, slot))
        .collect()
}

/// Ticks of one stride, of so many users that are due each second.
fn stride(users: u32) -> usize {
    STRIDE as usize * users.div_ceil(100) as usize
}

#[tokio::test(start_paused = true)]
async fn what_begins_soon_is_sent_slot_by_slot_and_the_rest_by_strides() {
    let cloud = paced(250).await;
    cloud.fan_out().plan_ahead().await.unwrap();
    let calls = cloud.queue.calls();
    assert_eq!(calls.iter().sum::<usize>(), 60 * 3);
    // the run starts in two seconds: its first four slots at once, then what is left of the stride
    assert_eq!(calls, [3, 3, 3, 3, 18, 30, 30, 30, 30, 30]);
    cloud.clock.sleep_until(START.plus(20).full_second()).await;
    cloud.fan_out().plan_ahead().await.unwrap();
    assert_eq!(cloud.queue.calls()[calls.len()..], [30; 6]);
}

#[tokio::test(start_paused = true)]
async fn a_great_run_is_sent_in_pieces_of_ten_thousand() {
    let target = Target::taking(ms(50));
    let size = BlockSize::new(1).unwrap();
    let cloud = Cloud::with("constant_pacing(1)", 60, 2_500, size, target).await;
    cloud.fan_out().plan_ahead().await.unwrap();
    let calls = cloud.queue.calls();
    assert_eq!(calls.iter().max(), Some(&10_000));
    assert_eq!(calls.iter().sum::<usize>(), cloud.queue.sent().len());
    assert_eq!(cloud.queue.sent(), needed(&cloud.plan().await.plan, 0..60));
}

#[tokio::test(start_paused = true)]
async fn of_two_fan_outs_at_the_same_instant_one_goes_on() {
    let cloud = paced(250).await;
    let (first, second) = (cloud.fan_out(), cloud.fan_out());
    let (first, second) = tokio::join!(first.plan_ahead(), second.plan_ahead());
    let reports = [first.unwrap(), second.unwrap()];
    let until = |report: &FanOutReport| matches!(report, FanOutReport::Planned { until, .. } if *until == START.plus(60));
    assert_eq!(
        reports.iter().filter(|report| until(report)).count(),
        1,
        "{reports:?}"
    );
    assert_eq!(cloud.queue.sent(), needed(&cloud.plan().await.plan, 0..60));
    assert!(
        cloud.queue.wasted() <= stride(250),
        "{}",
        cloud.queue.wasted()
    );
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_plans_nothing_that_cannot_be_executed_any_more() {
    let cloud = paced(100).await;
    cloud
        .clock
        .sleep_until(START.plus(100).full_second() + ms(5))
        .await;
    cloud.fan_out().plan_ahead().await.unwrap();
    assert_eq!(
        cloud.queue.sent(),
        needed(&cloud.plan().await.plan, 95..180)
    );
}

#[tokio::test(start_paused = true)]
async fn what_two_fan_outs_sent_is_executed_once() {
    let mut cloud = paced(250).await;
    cloud.queue.break_after(Some(40));
    assert!(cloud.fan_out().plan_ahead().await.is_err());
    cloud.queue.break_after(None);
    let (first, second) = (cloud.fan_out(), cloud.fan_out());
    let (first, second) = tokio::join!(first.plan_ahead(), second.plan_ahead());
    first.and(second).unwrap();
    assert!(cloud.queue.wasted() > 0);
    for slot in (0..20).map(|second| START.plus(second)) {
        cloud.clock.sleep_until(slot.full_second() - ms(700)).await;
        for (number, wake_up) in cloud
            .queue
            .take_before(slot.plus(1))
            .into_iter()
            .enumerate()
        {
            cloud.deliver(wake_up, number, Duration::ZERO);
        }
    }
    cloud.settle().await;
    cloud.account(0..20).await.assert_complete();
    assert_eq!(cloud.seen().len(), 250 * 20);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_is_not_planned_beyond_its_end_and_ends_the_heartbeat() {
    let cloud = paced(100).await;
    cloud.heartbeat.turn_on().await.unwrap();
    let end = START.plus(70);
    cloud
        .change(|run| run.stopped_at = Some(end.full_second()))
        .await;
    cloud.fan_out().plan_ahead().await.unwrap();
    cloud.clock.sleep_until(START.plus(30).full_second()).await;
    cloud.fan_out().plan_ahead().await.unwrap();
    assert_eq!(cloud.queue.sent(), needed(&cloud.plan().await.plan, 0..70));
    cloud.clock.sleep_until(end.full_second() + secs(30)).await;
    assert_eq!(
        cloud.fan_out().plan_ahead().await.unwrap(),
        FanOutReport::Idle
    );
    assert!(!cloud.heartbeat.is_on().await.unwrap());
}

fn paused() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// For every number of messages after which the queue breaks down, and every instant at which the
    /// process dies, any number of times.
    #[test]
    fn a_fan_out_that_dies_and_is_fired_again_sends_all_and_wastes_a_stride(
        users in 1_u32..400,
        deaths in prop::collection::vec(prop_oneof![(0_usize..250).prop_map(Ok), (0_u64..250).prop_map(Err)], 0..4),
    ) {
        paused().block_on(async move {
            let cloud = paced(users).await;
            for death in &deaths {
                let fan_out = cloud.fan_out();
                match *death {
                    Ok(messages) => {
                        cloud.queue.break_after(Some(messages));
                        let _ = fan_out.plan_ahead().await;
                    }
                    Err(after) => {
                        let _ = tokio::time::timeout(ms(after), fan_out.plan_ahead()).await;
                    }
                }
                cloud.queue.break_after(None);
            }
            cloud.fan_out().plan_ahead().await.unwrap();
            assert_eq!(cloud.queue.sent(), needed(&cloud.plan().await.plan, 0..60));
            assert!(cloud.queue.wasted() <= deaths.len() * stride(users));
        });
    }

    /// For every instant at which a run is changed while others plan it, with copies of it that are
    /// old, and whichever of these die in the middle: what the changed run needs is sent.
    #[test]
    fn a_change_never_loses_to_a_fan_out_that_knows_the_run_as_it_was(
        users in (1_u32..300, 1_u32..600),
        from in 0_u64..70,
        (planned_before, at) in (any::<bool>(), 0_u64..150),
        others in prop::collection::vec((0_u64..150, 0_u64..200), 1..4),
        control_dies in prop_oneof![2 => Just(None), 1 => (0_u64..120).prop_map(Some)],
    ) {
        paused().block_on(async move {
            let cloud = paced(users.0).await;
            if planned_before {
                cloud.fan_out().plan_ahead().await.unwrap();
            }
            let from = START.plus(from);
            let other = |(begins, lives): (u64, u64)| {
                let fan_out = cloud.fan_out();
                async move {
                    // a copy of the run as it was, and a horizon that has moved on
                    fan_out.runs.latest().await.unwrap();
                    tokio::time::sleep(ms(begins)).await;
                    let _ = tokio::time::timeout(ms(lives), fan_out.plan_ahead()).await;
                }
            };
            let control = async {
                tokio::time::sleep(ms(at)).await;
                let (before, after) = cloud.change(|run| {
                    let users = segment(from, users.1);
                    if run.segments[0].from == from.full_second() { run.segments[0] = users } else { run.segments.push(users) }
                }).await;
                let fan_out = cloud.fan_out();
                let lives = secs(control_dies.map_or(60, |_| 0)) + ms(control_dies.unwrap_or(0));
                let _ = tokio::time::timeout(lives, async {
                    fan_out.plan_change(&before, &after, from.full_second()).await.unwrap();
                    fan_out.plan_ahead().await.unwrap();
                }).await;
            };
            let others = futures_util::future::join_all(others.into_iter().map(other));
            tokio::join!(others, control);
            if control_dies.is_some_and(|lives| lives < 60) {
                // it was not even able to take the plan back: then it cannot have answered
                return;
            }
            cloud.fan_out().plan_ahead().await.unwrap();
            let needed = needed(&cloud.plan().await.plan, 0..60);
            let sent = cloud.queue.sent();
            let missing: Vec<_> = needed.difference(&sent).collect();
            assert!(missing.is_empty(), "{missing:?}");
        });
    }
}
