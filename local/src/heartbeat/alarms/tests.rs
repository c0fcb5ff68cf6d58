//! Alarms by a wall clock that goes back, as no test's clock does.

use super::*;

fn at(seconds: u64) -> Timestamp {
    // a Wednesday at noon, UTC
    Timestamp::from_micros((1_782_907_200 + seconds) * 1_000_000)
}

/// The instants that rang when the clock showed `now`.
fn rung(alarms: &mut Alarms, now: Timestamp) -> Vec<Timestamp> {
    alarms.look(now);
    alarms.ringing.drain(..).map(|alarm| alarm.at).collect()
}

#[tokio::test]
async fn a_clock_that_is_put_back_rings_again_only_if_it_was_wrong_by_more_than_a_minute() {
    let clock = Clock::following_tokio(at(0) - Duration::from_secs(1));
    let noon = Schedule {
        name: "noon".into(),
        start: None,
        stop: Some("0 12 * * *".into()),
        time_zone: "UTC".into(),
        swarm: "{}".into(),
    };
    let (_schedules, noon) = watch::channel(vec![noon]);
    let mut alarms = Alarms::new(noon, clock);
    assert_eq!(rung(&mut alarms, at(1)), [at(0)]);
    // set by a moment, as clocks are all the time
    assert_eq!(rung(&mut alarms, at(0) - Duration::from_secs(20)), []);
    assert_eq!(rung(&mut alarms, at(2)), []);
    // it was an hour ahead: this is the real noon
    assert_eq!(rung(&mut alarms, at(0) - Duration::from_secs(3_600)), []);
    assert_eq!(rung(&mut alarms, at(3)), [at(0)]);
}
