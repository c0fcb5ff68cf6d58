//! A daily curve as a run keeps it: users at times of the day, and what the local time is when.
//!
//! It holds all that the plan needs to know of the time zone, so that whoever executes a slot and
//! whoever counts it years later agree, whichever time zone database they have.

use serde::{Deserialize, Serialize};

use crate::clock::Slot;

/// Users by the local time of day, for as long as the run goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyCurve {
    /// The users at some times of the day, in order of those; never empty.
    pub points: Vec<DayPoint>,
    /// The offsets of the local time, in order of `from`; never empty. The first one also holds before.
    pub offsets: Vec<UtcOffset>,
}

/// The number of users at a time of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u32)", into = "(u32, u32)")]
pub struct DayPoint {
    /// Seconds from midnight, less than a day.
    pub at: u32,
    /// The number of users.
    pub users: u32,
}

/// The time by which the local time is ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, i32)", into = "(u64, i32)")]
pub struct UtcOffset {
    /// The first full second for which this holds.
    pub from: Slot,
    /// Seconds; below zero in the west.
    pub seconds: i32,
}

impl DailyCurve {
    /// The most users at any time of the day.
    pub fn peak(&self) -> u32 {
        let users = self.points.iter().map(|point| point.users);
        users.max().unwrap_or_default()
    }

    /// The fewest users at any time of the day.
    pub fn trough(&self) -> u32 {
        let users = self.points.iter().map(|point| point.users);
        users.min().unwrap_or_default()
    }
}

impl From<(u32, u32)> for DayPoint {
    fn from((at, users): (u32, u32)) -> Self {
        Self { at, users }
    }
}

impl From<DayPoint> for (u32, u32) {
    fn from(point: DayPoint) -> Self {
        (point.at, point.users)
    }
}

impl From<(u64, i32)> for UtcOffset {
    fn from((from, seconds): (u64, i32)) -> Self {
        Self {
            from: Slot(from),
            seconds,
        }
    }
}

impl From<UtcOffset> for (u64, i32) {
    fn from(offset: UtcOffset) -> Self {
        (offset.from.0, offset.seconds)
    }
}
