//! The one clock: time in microseconds, its one-second slots, and sleeping until an instant.
//!
//! Everything that needs the time is handed a [`Clock`]. Several processes that share a table go by the
//! wall clock; one machine's runs go by a steady one, which no step of the wall clock moves. Tests use
//! one that follows tokio's paused time, so that a day of traffic takes a second.

use std::sync::Arc;
use std::time::Duration;

mod instants;
#[cfg(target_os = "linux")]
mod precise;
mod steady;

use instants::system_now;
pub use instants::{SLOT_MICROS, Slot, Slots, Timestamp, micros};
use steady::Steady;
pub use steady::{Held, Reading};

/// No sleep is longer than this without a look at the clock: tokio's timers know neither of a step of the
/// wall clock nor of a machine that was suspended.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Where the time comes from.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System(Arc<LastMoment>),
    Steady(Arc<Steady>, Arc<LastMoment>),
    Tokio {
        epoch: Timestamp,
        origin: tokio::time::Instant,
    },
}

impl Clock {
    /// The machine's wall clock.
    pub fn system() -> Self {
        Self(Source::System(Arc::default()))
    }

    /// The wall clock as it is now, moved on by a clock that never steps and counts the time for which the
    /// machine is suspended.
    pub fn steady() -> Self {
        let steady = Steady::anchored(system_now(), steady::elapsed());
        Self(Source::Steady(Arc::new(steady), Arc::default()))
    }

    /// A clock that shows `epoch` now and follows tokio's time, which tests pause and advance.
    pub fn following_tokio(epoch: Timestamp) -> Self {
        Self(Source::Tokio {
            epoch,
            origin: tokio::time::Instant::now(),
        })
    }

    /// The current instant.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System(_) => system_now(),
            Source::Steady(steady, _) => steady.at(steady::elapsed()),
            Source::Tokio { epoch, origin } => *epoch + origin.elapsed(),
        }
    }

    /// Lets a steady clock show at least `instant` from now on; others show what they show.
    pub fn go_on_from(&self, instant: Timestamp) {
        if let Source::Steady(steady, _) = &self.0 {
            steady.go_on_from(instant, steady::elapsed());
        }
    }

    /// Lets a steady clock show what the wall clock shows from now on, but at least `not_before`, unless
    /// somebody [holds](Self::hold) it.
    pub fn follow_wall_clock(&self, not_before: Timestamp) {
        if let Source::Steady(steady, _) = &self.0 {
            steady.follow(system_now(), not_before, steady::elapsed());
        }
    }

    /// Holds a steady clock to its pace while something is under way that goes by it.
    pub fn hold(&self) -> Held {
        match &self.0 {
            Source::Steady(steady, _) => steady.hold(),
            Source::System(_) | Source::Tokio { .. } => Held::nothing(),
        }
    }

    /// Sleeps until `instant`, or not at all if it has passed.
    pub async fn sleep_until(&self, instant: Timestamp) {
        let last_moment = match &self.0 {
            Source::System(last_moment) | Source::Steady(_, last_moment) => last_moment,
            Source::Tokio { .. } => {
                let left = instant.since(self.now());
                if !left.is_zero() {
                    tokio::time::sleep(left).await;
                }
                return;
            }
        };
        loop {
            let left = instant.since(self.now());
            if left.is_zero() {
                return;
            }
            if left <= LOOK_AGAIN {
                return last_moment.sleep(left).await;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// The last moment of a sleep: by a precise timer, where the system has one.
#[derive(Debug, Default)]
struct LastMoment {
    #[cfg(target_os = "linux")]
    timer: std::sync::OnceLock<Option<precise::Precise>>,
}

impl LastMoment {
    #[cfg(target_os = "linux")]
    async fn sleep(&self, time: Duration) {
        use precise::{LAST_MOMENT, Precise};

        // made on the first use, which is on a runtime
        let timer = self.timer.get_or_init(|| {
            Precise::new()
                .inspect_err(|error| {
                    tracing::warn!(%error, "no precise timer: iterations may start a millisecond late");
                })
                .ok()
        });
        let Some(timer) = timer else {
            return tokio::time::sleep(time).await;
        };
        let until = tokio::time::Instant::now() + time;
        if let Some(most) = time.checked_sub(LAST_MOMENT).filter(|most| !most.is_zero()) {
            tokio::time::sleep(most).await;
        }
        timer.sleep_until(until).await;
    }

    #[cfg(not(target_os = "linux"))]
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_holds_its_start_and_not_its_end() {
        for offset in [0, 1, 400_000, 999_999] {
            let slots = Slots::beginning_at(Timestamp(5 * SLOT_MICROS + offset));
            let slot = Slot(7);
            assert_eq!(slots.start(slot), Timestamp(7 * SLOT_MICROS + offset));
            assert_eq!(slots.of(slots.start(slot)), slot);
            assert_eq!(slots.of(slots.end(slot)), Slot(8));
            let before = slots.end(slot) - Duration::from_micros(1);
            assert_eq!(slots.of(before), slot);
            assert_eq!(slots.at_or_after(before), Slot(8));
            assert_eq!(slots.at_or_after(slots.start(slot)), slot);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_in_paused_time_sleeps_a_day_at_once() {
        let clock = Clock::following_tokio(Slot(1_000).full_second());
        clock.sleep_until(Slot(87_400).full_second()).await;
        let late = clock.now().since(Slot(87_400).full_second());
        assert!(late <= Duration::from_millis(1), "{late:?}");
    }
}
