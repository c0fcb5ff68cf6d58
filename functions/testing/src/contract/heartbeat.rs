//! The contract of [`Heartbeat`]'s switch and schedules; that it beats, and that schedules fire, is for
//! each adapter's own tests to show.
//!
//! Every function takes a heartbeat that was never switched.

use std::future::Future;

use traffic::ports::{Heartbeat, HeartbeatError, Schedule};

/// Runs every sentence of the contract, each on a heartbeat of its own from `open`.
pub async fn all<H, F>(open: impl Fn() -> F)
where
    H: Heartbeat,
    F: Future<Output = H>,
{
    a_new_heartbeat_is_off(&open().await).await;
    switching_twice_changes_nothing(&open().await).await;
    it_can_be_switched_on_and_off_again_and_again(&open().await).await;
    a_schedule_is_read_back_as_it_was_put(&open().await).await;
    a_schedule_replaces_the_one_of_its_name(&open().await).await;
    a_schedule_is_taken_away_once(&open().await).await;
    schedules_and_switch_are_apart(&open().await).await;
}

/// Nothing runs, and nothing costs, before somebody asks for it.
pub async fn a_new_heartbeat_is_off(heartbeat: &impl Heartbeat) {
    assert!(!ok(heartbeat.is_on().await));
}

/// Whoever wants it on or off need not know how it is.
pub async fn switching_twice_changes_nothing(heartbeat: &impl Heartbeat) {
    for _ in 0..2 {
        ok(heartbeat.turn_off().await);
        assert!(!ok(heartbeat.is_on().await));
    }
    for _ in 0..2 {
        ok(heartbeat.turn_on().await);
        assert!(ok(heartbeat.is_on().await));
    }
}

/// One run after the other.
pub async fn it_can_be_switched_on_and_off_again_and_again(heartbeat: &impl Heartbeat) {
    for _ in 0..3 {
        ok(heartbeat.turn_on().await);
        assert!(ok(heartbeat.is_on().await));
        ok(heartbeat.turn_off().await);
        assert!(!ok(heartbeat.is_on().await));
    }
}

/// Every field comes back, and schedules are listed by name.
pub async fn a_schedule_is_read_back_as_it_was_put(heartbeat: &impl Heartbeat) {
    assert_eq!(ok(heartbeat.schedules().await), []);
    let both = schedule("weekdays-9_to_5");
    let mut start_only = schedule("a-start");
    start_only.stop = None;
    start_only.time_zone = "UTC".into();
    let mut stop_only = schedule("z-stop");
    stop_only.start = None;
    stop_only.swarm = "{}".into();
    for schedule in [&stop_only, &both, &start_only] {
        ok(heartbeat.put_schedule(schedule).await);
    }
    let expected = [start_only, both, stop_only];
    assert_eq!(ok(heartbeat.schedules().await), expected);
}

/// Putting again under the same name leaves nothing of what was there.
pub async fn a_schedule_replaces_the_one_of_its_name(heartbeat: &impl Heartbeat) {
    let first = schedule("demo");
    ok(heartbeat.put_schedule(&first).await);
    let mut second = schedule("demo");
    second.start = Some("30 8 1 * *".into());
    second.stop = None;
    second.time_zone = "America/New_York".into();
    second.swarm = r#"{"user_count":7,"spawn_rate":1}"#.into();
    for _ in 0..2 {
        ok(heartbeat.put_schedule(&second).await);
        let found = ok(heartbeat.schedules().await);
        assert_eq!(found, std::slice::from_ref(&second));
    }
    ok(heartbeat.put_schedule(&first).await);
    assert_eq!(ok(heartbeat.schedules().await), [first]);
}

/// Whoever takes it away is told whether it was there; others stay.
pub async fn a_schedule_is_taken_away_once(heartbeat: &impl Heartbeat) {
    assert!(!ok(heartbeat.delete_schedule("demo").await));
    let (going, staying) = (schedule("demo"), schedule("demo-2"));
    ok(heartbeat.put_schedule(&going).await);
    ok(heartbeat.put_schedule(&staying).await);
    assert!(ok(heartbeat.delete_schedule("demo").await));
    assert!(!ok(heartbeat.delete_schedule("demo").await));
    assert_eq!(ok(heartbeat.schedules().await), [staying]);
}

/// A schedule does not switch the heartbeat, and the heartbeat is no schedule.
pub async fn schedules_and_switch_are_apart(heartbeat: &impl Heartbeat) {
    ok(heartbeat.put_schedule(&schedule("demo")).await);
    assert!(!ok(heartbeat.is_on().await));
    ok(heartbeat.turn_on().await);
    assert_eq!(ok(heartbeat.schedules().await).len(), 1);
    ok(heartbeat.delete_schedule("demo").await);
    assert!(ok(heartbeat.is_on().await));
}

/// Adapters under test have nothing that a schedule could start.
fn schedule(name: &str) -> Schedule {
    Schedule {
        name: name.into(),
        start: Some("0 9 * * 1-5".into()),
        stop: Some("0 17 * * 1-5".into()),
        time_zone: "Europe/Berlin".into(),
        swarm: r#"{"user_count":50,"spawn_rate":2.5,"user_classes":["ModelAUser","Größe"]}"#.into(),
    }
}

#[track_caller]
fn ok<T>(result: Result<T, HeartbeatError>) -> T {
    result.unwrap_or_else(|error| panic!("the heartbeat failed: {error:?}"))
}
