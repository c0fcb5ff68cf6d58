//! The one clock: time in microseconds, its one-second slots, and sleeping until an instant.
//!
//! Everything that needs the time is handed a [`Clock`]. Several processes that share a table go by the
//! wall clock; one machine's runs go by a steady one, which no step of the wall clock moves. Tests use
//! one that follows tokio's paused time, so that a day of traffic takes a second.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
mod precise;
mod steady;

use steady::Steady;
pub use steady::{Held, Reading};

/// Microseconds in a [`Slot`].
pub const SLOT_MICROS: u64 = 1_000_000;

/// An instant of wall-clock time, in microseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The instant `micros` microseconds after the Unix epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Seconds since the Unix epoch, with a fraction, as Python's `time.time()` has it.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The full second that this instant lies in; of a run's slots [`Slots::of`] says which it is.
    pub const fn full_second(self) -> Slot {
        Slot(self.0 / SLOT_MICROS)
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

/// One second of a run, by the number of the full second since the Unix epoch in which it begins.
///
/// When it begins and ends, the run's [`Slots`] say.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Slot(pub u64);

impl Slot {
    /// The beginning of the full second of this number, which is the slot's where slots are full seconds.
    pub const fn full_second(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(SLOT_MICROS))
    }

    /// The slot `seconds` later.
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The slot `seconds` earlier.
    pub const fn minus(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }
}

/// When the slots of a run begin: each the same part of a second after the full second of its number.
///
/// In the cloud, where messages are delayed by whole seconds, slots are full seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slots {
    /// Microseconds, less than a slot has.
    offset: u32,
}

impl Slots {
    /// Slots that are full seconds.
    pub const FULL_SECONDS: Self = Self { offset: 0 };

    /// Slots of which one begins at `instant`.
    pub const fn beginning_at(instant: Timestamp) -> Self {
        Self {
            offset: (instant.0 % SLOT_MICROS) as u32,
        }
    }

    /// A slot's first instant.
    pub const fn start(self, slot: Slot) -> Timestamp {
        Timestamp(slot.full_second().0.saturating_add(self.offset as u64))
    }

    /// The first instant after a slot.
    pub const fn end(self, slot: Slot) -> Timestamp {
        self.start(slot.plus(1))
    }

    /// The slot that `instant` lies in.
    pub const fn of(self, instant: Timestamp) -> Slot {
        Timestamp(instant.0.saturating_sub(self.offset as u64)).full_second()
    }

    /// The first slot that begins at or after `instant`.
    pub const fn at_or_after(self, instant: Timestamp) -> Slot {
        Slot(
            instant
                .0
                .saturating_sub(self.offset as u64)
                .div_ceil(SLOT_MICROS),
        )
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A duration in whole microseconds, capped at what a `u64` holds.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

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

/// How the last moment of a sleep is spent: precisely, where the system can.
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

#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
fn system_now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(micros(since_epoch))
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
