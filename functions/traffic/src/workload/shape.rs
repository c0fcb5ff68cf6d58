//! Load shapes: how many users there are when, as a workload file says it.
//!
//! A shape is data, where Locust has a class with a `tick` method. What becomes of it is the run's: its
//! stages are segments, and a daily curve is written into the run with all that it needs of its time zone.

use std::f64::consts::PI;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::adaptive::Adaptive;
use crate::clock::Slot;
use crate::run::{DailyCurve, DayPoint};
use crate::schedule::offsets;

/// Locust's name for no shape at all, where one can be chosen.
pub const NO_SHAPE: &str = "Default";

/// The course of the number of users.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub(super) name: Arc<str>,
    pub(super) course: Course,
}

/// A load shape of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Course {
    /// One stage after another, and then the run stops; at least one.
    Stages(Vec<Stage>),
    /// Day after day the same.
    Daily(Daily),
    /// Step by step while a target holds.
    Adaptive(Adaptive),
}

/// One stage of a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Seconds from the beginning of the run to the end of this stage; later than the one before.
    pub ends: u64,
    /// The users that it leads to.
    pub users: u32,
    /// Users started or stopped a second; finite and above zero.
    pub spawn_rate: f64,
    /// The classes that run from now on; empty: as before.
    pub user_classes: Vec<String>,
}

/// Users by the local time of day.
#[derive(Clone, Debug, PartialEq)]
pub struct Daily {
    pub(super) points: Vec<DayPoint>,
    pub(super) time_zone: String,
    pub(super) zone: TimeZone,
    pub(super) spawn_rate: f64,
}

impl Shape {
    /// The shape's name, Locust's `shape_class`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its course.
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// The most users at any time.
    pub fn peak(&self) -> u32 {
        let most = match &self.course {
            Course::Stages(stages) => stages.iter().map(|stage| stage.users).max(),
            Course::Daily(daily) => daily.points.iter().map(|point| point.users).max(),
            Course::Adaptive(adaptive) => Some(adaptive.at_most),
        };
        most.unwrap_or_default()
    }

    /// The most users that are started or stopped in a second.
    pub fn fastest(&self) -> f64 {
        match &self.course {
            Course::Stages(stages) => stages
                .iter()
                .map(|stage| stage.spawn_rate)
                .fold(0.0, f64::max),
            Course::Daily(daily) => daily.steepest().max(daily.spawn_rate),
            Course::Adaptive(adaptive) => adaptive.spawn_rate,
        }
    }

    /// Its duration; `None` if it has no end.
    pub fn lasts(&self) -> Option<Duration> {
        match &self.course {
            Course::Stages(stages) => stages.last().map(|last| Duration::from_secs(last.ends)),
            Course::Daily(_) | Course::Adaptive(_) => None,
        }
    }

    /// The classes that stages name, which need not be those that a run selects.
    pub fn user_classes(&self) -> impl Iterator<Item = &str> {
        let stages = match &self.course {
            Course::Stages(stages) => &stages[..],
            Course::Daily(_) | Course::Adaptive(_) => &[],
        };
        let classes = stages.iter().flat_map(|stage| &stage.user_classes);
        classes.map(String::as_str)
    }
}

/// In a few words: `3 stages in 90 s, up to 20 users`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peak = self.peak();
        match &self.course {
            Course::Stages(stages) => {
                let (count, plural) = (stages.len(), if stages.len() == 1 { "" } else { "s" });
                let seconds = stages.last().map_or(0, |last| last.ends);
                write!(
                    f,
                    "{count} stage{plural} in {seconds} s, up to {peak} users"
                )
            }
            Course::Daily(daily) => {
                let trough = daily.points.iter().map(|point| point.users).min();
                let (trough, zone) = (trough.unwrap_or_default(), &daily.time_zone);
                write!(
                    f,
                    "day after day, {trough} to {peak} users by the time of {zone}"
                )
            }
            Course::Adaptive(adaptive) => {
                let Adaptive {
                    start, step, every, ..
                } = adaptive;
                let until: Vec<String> = adaptive.until.iter().map(ToString::to_string).collect();
                let until = until.join(" and ");
                write!(
                    f,
                    "from {start} users by {step} every {every} s up to {peak} while {until}"
                )
            }
        }
    }
}

impl Daily {
    /// The users at some times of the day, in order of those; at least one.
    pub fn points(&self) -> &[DayPoint] {
        &self.points
    }

    /// The name of the time zone.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// Users started a second until there are as many as the time of day wants.
    pub fn spawn_rate(&self) -> f64 {
        self.spawn_rate
    }

    /// The curve that a run which begins in a slot keeps of it.
    pub fn from(&self, slot: Slot) -> DailyCurve {
        DailyCurve {
            points: self.points.clone(),
            offsets: offsets(&self.zone, slot),
        }
    }

    /// The most users a second between two points: in the middle of half a cosine.
    fn steepest(&self) -> f64 {
        const DAY: u32 = 24 * 60 * 60;
        let next = self.points.iter().cycle().skip(1);
        let slopes = self.points.iter().zip(next).map(|(point, next)| {
            // a single point follows itself after a day
            let seconds = (next.at + DAY - point.at - 1) % DAY + 1;
            f64::from(next.users.abs_diff(point.users)) * PI / 2.0 / f64::from(seconds)
        });
        slopes.fold(0.0, f64::max)
    }
}
