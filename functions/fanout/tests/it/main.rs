//! The function fanout on ports in memory, in paused time.

use std::time::Duration;

use testing::Calls;
use traffic::clock::{Slot, Timestamp};
use traffic::ports::{Checkpoint, CheckpointStore as _, Heartbeat as _, RunStore as _};
use traffic::run_rules::Limits;

use scene::{Scene, epoch};

mod margin;
mod process;
mod scene;

/// What Lambda gives the function.
const TIMEOUT: Duration = Duration::from_secs(150);

#[tokio::test(start_paused = true)]
async fn a_heartbeat_plans_to_the_end_of_the_next_minute() {
    let scene = Scene::new();
    // enough users that every second has something due
    scene.start(1_000, None).await;
    scene.take_wake_ups();
    scene.sleep(60).await;
    scene.beat().await.expect("all ports answer");
    let wake_ups = scene.take_wake_ups();
    let end = (epoch().full_second().0 / 60 + 3) * 60;
    let slots = wake_ups.iter().map(|wake_up| wake_up.slot.0);
    assert_eq!(slots.clone().max(), Some(end - 1));
    assert_eq!(slots.min(), Some(end - 60));
    let planned = scene.logged("planned ahead");
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0]["wake_ups"], wake_ups.len());
    assert_eq!(planned[0]["until"], end);
}

#[tokio::test(start_paused = true)]
async fn a_second_heartbeat_in_the_same_minute_sends_nothing() {
    let scene = Scene::new();
    scene.start(10, None).await;
    scene.sleep(60).await;
    scene.beat().await.expect("all ports answer");
    scene.take_wake_ups();
    scene.sleep(3).await;
    scene.beat().await.expect("all ports answer");
    assert_eq!(scene.take_wake_ups(), []);
    assert_eq!(scene.logged("planned ahead")[1]["wake_ups"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_switches_the_heartbeat_off() {
    let scene = Scene::new();
    scene.start(10, Some(Duration::from_secs(70))).await;
    assert!(scene.heartbeat.is_on().await.unwrap());
    scene.sleep(60).await;
    scene.beat().await.expect("all ports answer");
    assert!(scene.heartbeat.is_on().await.unwrap());
    scene.sleep(60).await;
    scene.beat().await.expect("all ports answer");
    assert!(!scene.heartbeat.is_on().await.unwrap());
    assert_eq!(scene.logged("no run is on: the heartbeat is off").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_begins_while_the_queue_does_not_deliver_calls_a_fan_out_that_stays() {
    let scene = Scene::new();
    scene.heartbeat.delivers(false);
    scene.start(1_000, None).await;
    assert_eq!(scene.heartbeat.beats(), 1);
    scene.take_wake_ups();
    let (began, delivers) = (scene.clock.now(), async {
        scene.sleep(20).await;
        scene.heartbeat.delivers(true);
    });
    let (beaten, ()) = tokio::join!(scene.beat(), delivers);
    beaten.expect("all ports answer");
    let stayed = scene.clock.now().since(began);
    assert!((25..30).contains(&stayed.as_secs()), "{stayed:?}");
    let said = scene.logged("handed over what the queue did not deliver yet");
    let slots: std::collections::BTreeSet<u64> = scene
        .take_wake_ups()
        .iter()
        .map(|wake_up| wake_up.slot.0)
        .collect();
    assert_eq!(said[0]["slots"], slots.len());
    // and one that the delivery is on for does not
    scene.sleep(60).await;
    let began = scene.clock.now();
    scene.beat().await.expect("all ports answer");
    assert!(scene.clock.now().since(began).as_secs() < 5);
    scene.start(1_000, None).await;
    assert_eq!(scene.heartbeat.beats(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_never_begins_ends_the_call_in_time() {
    let scene = Scene::new();
    scene.heartbeat.delivers(false);
    scene.start(10, None).await;
    let began = scene.clock.now();
    scene.beat().await.expect("all ports answer");
    let stayed = scene.clock.now().since(began);
    assert!(
        stayed < TIMEOUT && stayed > Duration::from_secs(119),
        "{stayed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_above_the_limits_of_now_is_ended_by_the_next_heartbeat() {
    let limits = Limits {
        max_users: 100,
        ..Limits::default()
    };
    for (users, goes_on) in [(101, false), (100, true)] {
        let scene = Scene::within(limits);
        scene.start(users, None).await;
        scene.sleep(60).await;
        scene.take_wake_ups();
        scene.beat().await.expect("all ports answer");
        scene.sleep(5).await;
        let run = scene.store.latest_run().await.unwrap().unwrap();
        assert_eq!(run.is_over(scene.clock.now()), !goes_on, "{users}");
        let said =
            scene.logged("the run that was on does not go on: it does not obey the limits of now");
        assert_eq!(said.len(), usize::from(!goes_on), "{users}");
        if let [said] = &said[..] {
            assert_eq!(
                said["reason"],
                "user_count is 101, above the limit of 100 users"
            );
        }
        scene.take_wake_ups();
        scene.sleep(60).await;
        scene.beat().await.expect("all ports answer");
        assert_eq!(!scene.take_wake_ups().is_empty(), goes_on, "{users}");
        assert_eq!(scene.heartbeat.is_on().await.unwrap(), goes_on, "{users}");
    }
}

#[tokio::test(start_paused = true)]
async fn sealed_records_are_folded_by_the_minute() {
    let scene = Scene::new();
    let run = scene.start(10, None).await;
    scene.sleep(5).await;
    scene.record(&run, 4, 1, Duration::from_millis(20)).await;
    for _ in 0..3 {
        scene.sleep(60).await;
        scene.beat().await.expect("all ports answer");
    }
    let checkpoint = scene.store.checkpoint(&run).await.unwrap();
    assert!(checkpoint.is_some_and(|checkpoint| checkpoint.revision >= 1));
}

#[tokio::test(start_paused = true)]
async fn what_came_of_a_minute_is_logged_for_the_alarms() {
    let scene = Scene::new();
    let run = scene.start(10, None).await;
    scene.sleep(5).await;
    scene.record(&run, 4, 1, Duration::from_millis(20)).await;
    scene.sleep(55).await;
    scene.beat().await.expect("all ports answer");
    scene.record(&run, 10, 0, Duration::from_millis(3)).await;
    scene.sleep(60).await;
    scene.beat().await.expect("all ports answer");
    scene.sleep(60).await;
    scene.beat().await.expect("all ports answer");
    let minutes = scene.logged("statistics of a minute");
    assert_eq!(minutes.len(), 2, "a minute without requests says nothing");
    assert_eq!(minutes[0]["requests"], 4);
    assert_eq!(minutes[0]["fail_ratio"], 0.25);
    assert_eq!(minutes[0]["average_response_time_ms"], 20.0);
    assert_eq!(minutes[1]["requests"], 10);
    assert_eq!(minutes[1]["fail_ratio"], 0.0);
    let average = minutes[1]["average_response_time_ms"].as_f64().unwrap();
    assert!((average - 3.0).abs() < 1e-9, "{average}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_folded_is_logged_and_the_minute_is_planned() {
    let scene = Scene::new();
    let run = scene.start(10, None).await;
    let damaged = Checkpoint {
        revision: 1,
        body: vec![255; 9].into(),
    };
    scene.store.put_checkpoint(&run, &damaged).await.unwrap();
    scene.sleep(60).await;
    scene.beat().await.expect("planning does not depend on it");
    assert!(!scene.take_wake_ups().is_empty());
    let logged = scene.logged("sealed records are not folded yet");
    let error = logged[0]["error"].as_str().unwrap();
    let expected = format!("the statistics folded so far of run {run} cannot be read: ");
    assert!(error.starts_with(&expected), "{error}");
}

#[tokio::test(start_paused = true)]
async fn folding_ends_before_the_function_is_cut_off() {
    let scene = Scene::new();
    scene.start(10, None).await;
    scene.sleep(60).await;
    scene.store.hang(Calls::Named("records"));
    let began = scene.clock.now();
    scene.beat().await.expect("the minute is planned");
    assert!(scene.clock.now() < began + TIMEOUT);
    assert!(!scene.take_wake_ups().is_empty());
    let logged = scene.logged("no time was left to fold all that is sealed: the next minute does");
    assert_eq!(logged.len(), 1);
    scene.store.recover();
    scene.sleep(60).await;
    scene.beat().await.expect("all ports answer");
    assert_eq!(scene.logged("sealed records are not folded yet").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_plan_fails_the_call_and_the_next_one_makes_up_for_it() {
    let scene = Scene::new();
    // enough users that every second has something due
    scene.start(1_000, None).await;
    scene.take_wake_ups();
    scene.sleep(60).await;
    scene.queue.break_after(Some(0));
    let error = scene.beat().await.expect_err("nothing can be sent");
    let line = traffic::error_chain::one_line(&error);
    assert!(line.starts_with("fan-out cannot send: "), "{line}");
    assert!(
        line.ends_with(" wake-ups could not be queued: the queue is closed"),
        "{line}"
    );
    assert!(!line.contains('\n'));
    scene.queue.break_after(None);
    scene.sleep(20).await;
    scene.beat().await.expect("all ports answer");
    let end = Slot((epoch().full_second().0 / 60 + 3) * 60);
    let slots: Vec<Slot> = scene.take_wake_ups().iter().map(|it| it.slot).collect();
    assert_eq!(slots.iter().max(), Some(&end.minus(1)));
    assert_eq!(slots.iter().min(), Some(&end.minus(60)));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_at_the_start_is_logged_and_no_reason_not_to_start() {
    let scene = Scene::new();
    scene.store.fail(Calls::Named("latest_run"));
    scene.function.warm_up().await;
    let logged = scene.logged("the store does not answer yet");
    let error = logged[0]["error"].as_str().unwrap();
    assert!(error.starts_with("the run cannot be read: "), "{error}");
    scene.store.recover();
    scene.start(10, None).await;
    scene.beat().await.expect("all ports answer");
}

impl Scene {
    /// One call by the heartbeat.
    async fn beat(&self) -> Result<(), traffic::fanout::FanOutError> {
        let deadline: Timestamp = self.clock.now() + TIMEOUT;
        self.function.beat(deadline).await
    }
}
