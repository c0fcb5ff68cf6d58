//! The clock of one machine's runs: the wall clock when it was anchored, moved on by a clock that counts
//! what has passed, suspension included, and never steps.
//!
//! It is anchored anew only by [`Clock::follow_wall_clock`](super::Clock::follow_wall_clock), between runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::instants::{Timestamp, micros, system_now};

/// A steady clock's anchor.
#[derive(Debug)]
pub(super) struct Steady {
    /// Microseconds that the clock shows beyond the time that has passed since the machine started.
    ahead: AtomicI64,
    /// The number of those who hold the anchor.
    holders: Mutex<usize>,
}

/// While it is there the clock is not anchored anew.
#[derive(Debug)]
#[must_use]
pub struct Held(#[expect(dead_code, reason = "its end is what it is for")] Option<Holder>);

#[derive(Debug)]
struct Holder(Arc<Steady>);

/// The machine's clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock.
    pub wall: Timestamp,
    /// The time since the machine started, suspension included.
    pub elapsed: Duration,
    /// The same without the time for which it was suspended, where the system tells them apart.
    pub awake: Duration,
}

impl Reading {
    /// The clocks as they are now.
    pub fn now() -> Self {
        // a pause between the first and the last is seen as no more than a delay
        let (awake, wall, elapsed) = (awake(), system_now(), elapsed());
        Self {
            wall,
            elapsed,
            awake,
        }
    }
}

impl Steady {
    /// A clock that shows `wall` when `elapsed` has passed since the machine's start.
    pub(super) fn anchored(wall: Timestamp, elapsed: Duration) -> Self {
        let steady = Self {
            ahead: AtomicI64::new(0),
            holders: Mutex::default(),
        };
        steady.set(wall, elapsed);
        steady
    }

    /// The clock's present, when `elapsed` has passed since the machine's start.
    pub(super) fn at(&self, elapsed: Duration) -> Timestamp {
        let ahead = self.ahead.load(Ordering::Relaxed);
        Timestamp(micros(elapsed).saturating_add_signed(ahead))
    }

    /// Shows at least `instant` from now on.
    pub(super) fn go_on_from(&self, instant: Timestamp, elapsed: Duration) {
        let _holders = self.holders();
        if self.at(elapsed) < instant {
            self.set(instant, elapsed);
        }
    }

    /// Shows what the wall clock shows from now on, but at least `not_before`; false if somebody holds it.
    pub(super) fn follow(&self, wall: Timestamp, not_before: Timestamp, elapsed: Duration) -> bool {
        let holders = self.holders();
        if *holders > 0 {
            return false;
        }
        // a moment between two readings is no reason to move
        let shown = self.at(elapsed);
        if shown.since(wall).max(wall.since(shown)) > SAME {
            self.set(wall.max(not_before), elapsed);
        }
        true
    }

    pub(super) fn hold(self: &Arc<Self>) -> Held {
        *self.holders() += 1;
        Held(Some(Holder(Arc::clone(self))))
    }

    fn set(&self, shown: Timestamp, elapsed: Duration) {
        let signed = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX);
        let ahead = signed(shown.0).saturating_sub(signed(micros(elapsed)));
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    fn holders(&self) -> MutexGuard<'_, usize> {
        self.holders.lock()
    }
}

/// Differences up to this are between two readings, not between two clocks.
const SAME: Duration = Duration::from_millis(1);

impl Held {
    /// For a clock that is never anchored anew.
    pub(super) fn nothing() -> Self {
        Self(None)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        *self.0.holders() -= 1;
    }
}

/// The time since the machine started, suspension included.
#[cfg(unix)]
pub(super) fn elapsed() -> Duration {
    use rustix::time::ClockId;

    // elsewhere than on Linux the monotonic clock counts suspension
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    read(clock)
}

/// The time since the machine started without suspension, where the system tells it apart.
#[cfg(unix)]
fn awake() -> Duration {
    read(rustix::time::ClockId::Monotonic)
}

#[cfg(unix)]
fn read(clock: rustix::time::ClockId) -> Duration {
    let read = rustix::time::clock_gettime(clock);
    Duration::new(
        u64::try_from(read.tv_sec).unwrap_or_default(),
        u32::try_from(read.tv_nsec).unwrap_or_default(),
    )
}

#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
pub(super) fn elapsed() -> Duration {
    static ORIGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    ORIGIN.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(not(unix))]
fn awake() -> Duration {
    elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Slot;

    const NOON: Timestamp = Slot(1_800_000_000).full_second();
    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_secs(3_600);
    const STARTED: Duration = Duration::from_secs(5_000);

    #[test]
    fn it_goes_on_by_what_has_passed_whatever_the_wall_clock_does() {
        let clock = Steady::anchored(NOON, STARTED);
        assert_eq!(clock.at(STARTED), NOON);
        // a machine that was suspended for an hour has an hour behind it
        assert_eq!(clock.at(STARTED + HOUR), NOON + HOUR);
    }

    #[test]
    fn a_wall_clock_that_is_below_the_time_since_the_start_is_shown_too() {
        let clock = Steady::anchored(Timestamp(7), STARTED);
        assert_eq!(clock.at(STARTED), Timestamp(7));
        assert_eq!(clock.at(STARTED + SECOND), Timestamp(7) + SECOND);
    }

    #[test]
    fn it_goes_on_from_what_a_database_holds_and_never_back() {
        let clock = Steady::anchored(NOON, STARTED);
        clock.go_on_from(NOON + HOUR, STARTED);
        assert_eq!(clock.at(STARTED + SECOND), NOON + HOUR + SECOND);
        clock.go_on_from(NOON, STARTED + SECOND);
        assert_eq!(clock.at(STARTED + SECOND), NOON + HOUR + SECOND);
    }

    #[test]
    fn between_runs_it_follows_the_wall_clock_but_not_back_into_the_last_run() {
        let clock = Steady::anchored(NOON, STARTED);
        assert!(clock.follow(NOON + HOUR, NOON, STARTED));
        assert_eq!(clock.at(STARTED), NOON + HOUR);
        let last_run = NOON + Duration::from_secs(60);
        assert!(clock.follow(NOON - HOUR, last_run, STARTED));
        assert_eq!(clock.at(STARTED), last_run);
    }

    #[test]
    fn while_something_is_under_way_it_follows_nothing() {
        let clock = Arc::new(Steady::anchored(NOON, STARTED));
        let held = clock.hold();
        assert!(!clock.follow(NOON + HOUR, NOON, STARTED));
        assert_eq!(clock.at(STARTED), NOON);
        drop(held);
        assert!(clock.follow(NOON + HOUR, NOON, STARTED));
    }
}
