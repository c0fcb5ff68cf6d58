//! A segment: what holds for a run from an instant on.

use serde::{Deserialize, Serialize};

use super::daily::DailyCurve;
use crate::clock::Timestamp;

/// The users, classes and hosts that one `POST /swarm` asked for from an instant on; of a load shape, one of its stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// The first instant for which this holds.
    pub from: Timestamp,
    /// The number of users at the end of the ramp.
    pub user_count: u32,
    /// Users started or stopped a second; finite and above zero.
    pub spawn_rate: f64,
    /// The classes that run, with what their share of the users is.
    pub shares: Vec<Share>,
    /// The host as it was asked for, which is what the API shows.
    pub host: Option<String>,
    /// The overrides that followed from it, of the classes' hosts, class name and base URL. Beside an empty name stands
    /// a base URL for which the process that wrote this was told a user and a password; the store has neither.
    pub hosts: Vec<(String, String)>,
    /// The first instant at which nothing starts any more, when a `run_time` was given or a shape ends.
    pub until: Option<Timestamp>,
    /// The load shape that this is a part of.
    pub shape: Option<ShapePart>,
}

impl Segment {
    /// Users of the classes from an instant on, at the hosts of their workload, until somebody changes it.
    pub fn new(from: Timestamp, user_count: u32, spawn_rate: f64, shares: Vec<Share>) -> Self {
        Self {
            from,
            user_count,
            spawn_rate,
            shares,
            host: None,
            hosts: Vec::new(),
            until: None,
            shape: None,
        }
    }
}

/// A segment's part in a load shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapePart {
    /// The shape's name, Locust's `shape_class`.
    pub name: String,
    /// The curve that the users follow from here to the end of the run, once they have reached it by the
    /// segment's `spawn_rate`; its peak is the segment's `user_count`. Nothing follows such a
    /// segment: of any other than the last this is not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<DailyCurve>,
    /// The step of an adaptive load that begins with the segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
}

/// A step of an adaptive load, and the decision that led to it. The plan does not look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its number, from 1.
    pub number: u32,
    /// What is completed from here on is judged: all users are there.
    pub window_from: Timestamp,
    /// What is completed before this is judged, and then decided on; `None` once nothing is decided any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_until: Option<Timestamp>,
    /// The most users with which the target has held so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<u32>,
    /// The decision that led here: `p95 812 ms at 120 users: back to 110`; the first step has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why nothing is decided yet at the end of the step's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
}

/// A class's share of the users, by Locust's two rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The class's name.
    pub class: String,
    /// Its weight among the classes without a fixed count.
    pub weight: u32,
    /// Its exact number of users, or 0 to go by weight.
    pub fixed_count: u32,
}

impl Share {
    /// The share of a class: its weight, or its number of users if that is not 0.
    pub fn new(class: &str, weight: u32, fixed_count: u32) -> Self {
        Self {
            class: class.into(),
            weight,
            fixed_count,
        }
    }
}
