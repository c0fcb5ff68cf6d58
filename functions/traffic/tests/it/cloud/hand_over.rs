//! A run that begins while the queue does not deliver: the fan-out hands over what is due.

use std::collections::BTreeSet;

use traffic::fanout::FanOutReport;
use traffic::ports::Heartbeat as _;

use super::*;

async fn starting(users: u32) -> Cloud {
    let cloud = Cloud::new("constant_pacing(1)", 60, users, Target::taking(ms(50))).await;
    cloud.heartbeat.delivers(false);
    cloud
}

/// The seconds of the run whose wake-ups were handed over.
fn seconds(cloud: &Cloud) -> BTreeSet<u64> {
    let sent = cloud.queue.sent();
    sent.iter()
        .map(|wake_up| wake_up.slot.0 - START.0)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn each_slot_is_handed_over_shortly_before_it_begins_until_the_queue_delivers() {
    let cloud = starting(250).await;
    let fan_out = cloud.fan_out();
    let until = START.plus(100).full_second();
    let delivers = async {
        for second in 0..30 {
            cloud
                .clock
                .sleep_until(START.plus(second).full_second() - ms(100))
                .await;
            let handed_over: BTreeSet<u64> = (0..=second).collect();
            assert_eq!(seconds(&cloud), handed_over, "no later and no sooner");
        }
        cloud.heartbeat.delivers(true);
    };
    let (slots, ()) = tokio::join!(fan_out.hand_over(until), delivers);
    // it looks every two seconds, and goes on for five more
    let slots = slots.unwrap();
    assert!((33..=39).contains(&slots), "{slots}");
    assert_eq!(cloud.queue.sent().len() as u64, 3 * slots);
    assert!(cloud.heartbeat.is_on().await.unwrap());
    assert_eq!(
        cloud.fan_out().hand_over(until).await.unwrap(),
        0,
        "it delivers now"
    );
}

#[tokio::test(start_paused = true)]
async fn what_comes_by_hand_and_by_the_queue_is_executed_once() {
    let mut cloud = starting(150).await;
    let fan_out = cloud.fan_out();
    fan_out.plan_ahead().await.unwrap();
    fan_out
        .hand_over(START.plus(20).full_second())
        .await
        .unwrap();
    assert!(cloud.queue.wasted() >= 20 * 2);
    for (number, wake_up) in cloud
        .queue
        .take_before(START.plus(20))
        .into_iter()
        .enumerate()
    {
        cloud.deliver(wake_up, number, Duration::ZERO);
    }
    cloud.settle().await;
    let account = cloud.account(0..20).await;
    assert_eq!(
        (account.duplicates, account.missing, account.unplanned),
        (0, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_and_a_stop_meanwhile_hold_for_what_is_handed_over() {
    let cloud = starting(100).await;
    let fan_out = cloud.fan_out();
    let changes = async {
        cloud.clock.sleep_until(START.plus(5).full_second()).await;
        cloud
            .change(|run| run.segments.push(segment(START.plus(8), 300)))
            .await;
        cloud.clock.sleep_until(START.plus(15).full_second()).await;
        let end = START.plus(18).full_second();
        cloud.change(|run| run.stopped_at = Some(end)).await;
    };
    let (slots, ()) = tokio::join!(fan_out.hand_over(START.plus(100).full_second()), changes);
    assert_eq!(slots.unwrap(), 18);
    let needed: BTreeSet<WakeUp> = (0..18)
        .flat_map(|second| (0..if second < 8 { 1 } else { 3 }).map(move |block| (second, block)))
        .map(|(second, block)| wake_up(block, START.plus(second)))
        .collect();
    assert_eq!(cloud.queue.sent(), needed);
}

/// For every moment of an idle beat at which a run may be started.
#[tokio::test(start_paused = true)]
async fn a_beat_that_finds_no_run_does_not_switch_off_one_that_begins_meanwhile() {
    for at in 0..60 {
        let mut cloud = starting(1).await;
        let (_, ended) = cloud
            .change(|run| run.stopped_at = Some(START.plus(1).full_second()))
            .await;
        cloud
            .clock
            .sleep_until(START.plus(100 + at).full_second())
            .await;
        let next = Run {
            segments: vec![segment(START.plus(110 + at), 1)],
            stopped_at: None,
            revision: 1,
            ..Run::new(
                RunId("s".into()),
                1,
                &ended.plan.run().workload,
                cloud.clock.now(),
                Vec::new(),
            )
        };
        cloud.heartbeat.turn_on().await.unwrap();
        let fan_out = cloud.fan_out();
        let starts = async {
            tokio::time::sleep(ms(at)).await;
            cloud.store.inner.put_run(&next).await.unwrap();
            cloud.heartbeat.turn_on().await.unwrap();
        };
        let (report, ()) = tokio::join!(fan_out.plan_ahead(), starts);
        report.unwrap();
        assert!(
            cloud.heartbeat.is_on().await.unwrap(),
            "started after {at} ms"
        );
        cloud.settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_delivery_goes_off_only_when_no_wake_up_can_be_executed_any_more() {
    let cloud = Cloud::new("constant_pacing(1)", 60, 1, Target::taking(ms(50))).await;
    cloud.heartbeat.turn_on().await.unwrap();
    let end = START.plus(5).full_second();
    cloud.change(|run| run.stopped_at = Some(end)).await;
    for (after, report, is_on) in [
        (secs(0), FanOutReport::Ending, true),
        (secs(29), FanOutReport::Ending, true),
        (secs(30), FanOutReport::Idle, false),
    ] {
        cloud.clock.sleep_until(end + after).await;
        assert_eq!(cloud.fan_out().plan_ahead().await.unwrap(), report);
        assert_eq!(cloud.heartbeat.is_on().await.unwrap(), is_on, "{after:?}");
    }
}
