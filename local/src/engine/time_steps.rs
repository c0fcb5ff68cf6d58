//! Log lines about a wall clock that was set, and about a machine that was suspended.
//!
//! Neither changes the pace of the traffic, but people who read the times of a run have to know.

use std::time::Duration;

use traffic::clock::Reading;

use crate::duration::shown;

/// The time between two readings of the clocks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The smallest difference between two readings that is logged: a clock that is slewed changes by less.
const STEP: Duration = Duration::from_millis(500);

/// A step of the clocks between two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The wall clock was set back by this time.
    Back(Duration),
    /// The wall clock was set forward by this time.
    Forward(Duration),
    /// The machine was suspended for this time.
    Suspended(Duration),
}

/// Compares the clocks once a second.
pub(super) async fn watch() {
    let mut last = Reading::now();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = Reading::now();
        for step in steps(last, now) {
            say(step);
        }
        last = now;
    }
}

fn say(step: Step) {
    match step {
        Step::Back(by) => tracing::warn!(
            "the wall clock was set back by {}: the pace of the traffic goes on, and the times of a run that is on \
             stay as they were",
            shown(by)
        ),
        Step::Forward(by) => tracing::warn!(
            "the wall clock was set forward by {}: the pace of the traffic goes on, and the times of a run that is \
             on stay as they were",
            shown(by)
        ),
        Step::Suspended(time) => tracing::warn!(
            "the machine was suspended for {}: what was due in that time is missing where it is more than 30 s late",
            shown(time)
        ),
    }
}

fn steps(before: Reading, after: Reading) -> impl Iterator<Item = Step> {
    let elapsed = after.elapsed.saturating_sub(before.elapsed);
    let awake = after.awake.saturating_sub(before.awake);
    let expected = before.wall + elapsed;
    let steps = [
        (expected.since(after.wall), Step::Back as fn(_) -> _),
        (after.wall.since(expected), Step::Forward),
        (elapsed.saturating_sub(awake), Step::Suspended),
    ];
    let steps = steps.into_iter().filter(|(by, _)| *by >= STEP);
    steps.map(|(by, step)| step(by))
}

#[cfg(test)]
mod tests {
    use traffic::clock::{Slot, Timestamp};

    use super::*;

    const NOON: Timestamp = Slot(1_800_000_000).full_second();
    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn reading() -> Reading {
        Reading {
            wall: NOON,
            elapsed: 10 * HOUR,
            awake: 9 * HOUR,
        }
    }

    fn later(by: Duration) -> Reading {
        let reading = reading();
        Reading {
            wall: reading.wall + by,
            elapsed: reading.elapsed + by,
            awake: reading.awake + by,
        }
    }

    fn found(after: Reading) -> Vec<Step> {
        steps(reading(), after).collect()
    }

    #[test]
    fn a_wall_clock_that_is_set_is_said_by_how_much() {
        for step in [Duration::from_millis(500), SECOND, HOUR, 24 * HOUR] {
            let mut after = later(SECOND);
            after.wall = after.wall - step;
            assert_eq!(found(after), [Step::Back(step)]);
            let mut after = later(SECOND);
            after.wall = after.wall + step;
            assert_eq!(found(after), [Step::Forward(step)]);
        }
    }

    #[test]
    fn a_suspended_machine_is_said_and_its_wall_clock_was_not_set() {
        let mut after = later(SECOND);
        after.wall = after.wall + HOUR;
        after.elapsed += HOUR;
        assert_eq!(found(after), [Step::Suspended(HOUR)]);
    }

    #[test]
    fn both_at_once_are_said_apart() {
        let mut after = later(SECOND);
        after.elapsed += HOUR;
        assert_eq!(found(after), [Step::Back(HOUR), Step::Suspended(HOUR)]);
    }

    #[test]
    fn a_slewed_clock_and_a_process_that_stood_still_are_nothing_to_say() {
        let mut after = later(120 * SECOND);
        after.wall = after.wall + Duration::from_millis(60);
        assert_eq!(found(after), []);
    }
}
