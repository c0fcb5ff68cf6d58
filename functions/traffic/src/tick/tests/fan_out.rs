//! The fan-out before the ticks: each minute once, and no more than what a change makes new.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_minute_is_fanned_out_once_and_a_run_that_is_over_ends_the_heartbeat() {
    let stage = Stage::with(
        MemoryStore::default(),
        "constant_pacing(1)",
        5,
        ms(5),
        Some(START.plus(90).full_second()),
    )
    .await;
    let first = stage.deployment.plan_ahead().await.unwrap();
    assert_eq!(
        first,
        FanOutReport::Planned {
            wake_ups: 60,
            until: START.plus(60)
        }
    );
    let again = stage.deployment.plan_ahead().await.unwrap();
    assert_eq!(
        again,
        FanOutReport::Planned {
            wake_ups: 0,
            until: START.plus(60)
        }
    );
    stage.clock.sleep_until(START.plus(40).full_second()).await;
    let rest = stage.deployment.plan_ahead().await.unwrap();
    assert_eq!(
        rest,
        FanOutReport::Planned {
            wake_ups: 30,
            until: START.plus(90)
        }
    );
    assert!(stage.heartbeat.is_on().await.unwrap());
    stage.clock.sleep_until(START.plus(90).full_second()).await;
    assert_eq!(
        stage.deployment.plan_ahead().await.unwrap(),
        FanOutReport::Idle
    );
    assert!(!stage.heartbeat.is_on().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_change_sends_only_what_is_new() {
    let stage = Stage::new("constant_pacing(1)", 100, ms(5)).await;
    stage.deployment.plan_ahead().await.unwrap();
    let before = stage.runs.latest().await.unwrap().unwrap();
    let from = START.plus(10);
    stage
        .change(|run| {
            let segment = Segment {
                from: from.full_second(),
                user_count: 250,
                ..run.segments[0].clone()
            };
            run.segments.push(segment);
        })
        .await;
    let after = stage.runs.latest().await.unwrap().unwrap();
    let sent = stage
        .deployment
        .plan_change(&before, &after, from.full_second())
        .await
        .unwrap();
    assert_eq!(
        sent,
        2 * 50 + 3,
        "two more blocks to the end of the planned minute, and the slot after it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_with_an_old_copy_of_the_run_catches_up() {
    let stage = Stage::new("constant_pacing(1)", 100, ms(5)).await;
    // the copy is read, and stays good for a while
    stage.runs.latest().await.unwrap();
    let mut run = stage.store.latest_run().await.unwrap().unwrap();
    let grown = Segment {
        from: START.plus(2).full_second(),
        user_count: 250,
        ..run.segments[0].clone()
    };
    run.revision += 1;
    run.segments.push(grown);
    stage.store.put_run(&run).await.unwrap();
    let report = stage.deployment.plan_ahead().await.unwrap();
    let until = START.plus(60);
    assert_eq!(
        report,
        FanOutReport::Planned {
            wake_ups: 60 + 2 * 58,
            until
        }
    );
    assert_eq!(stage.queue.take_before(until).len(), 60 + 2 * 58);
}
