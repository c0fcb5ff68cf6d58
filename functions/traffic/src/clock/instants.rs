//! Instants in microseconds, the one-second slots that they lie in, and the wall clock that shows them.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds in a [`Slot`].
pub const SLOT_MICROS: u64 = 1_000_000;

/// An instant of wall-clock time, in microseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub(super) u64);

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

/// The machine's wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
pub(super) fn system_now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(micros(since_epoch))
}
