//! The segments that a run does not keep any more: what the plan still needs of them, and sums.
//!
//! A run that is resized every few seconds would grow for ever. Once the ledger has counted the slots of a
//! segment for good, nobody asks the plan about them; only the users that a segment started and that
//! have been there since are still planned by it.

use serde::{Deserialize, Serialize};

use super::segment::Share;
use crate::clock::Timestamp;

/// The parts of a run's oldest segments that the plan still needs; the run does not keep the segments any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// The run's first instant.
    pub starts: Timestamp,
    /// The number of segments that are not kept, which is the number of the first one that is.
    pub segments: u32,
    /// The users who were there when the first kept segment began, by position in its order.
    pub users: u64,
    /// The most users that there were at once.
    pub peak: u64,
    /// The most users that a class was to have.
    pub most_of_class: u32,
    /// The names of the classes that took part, in order.
    pub classes: Vec<String>,
    /// The shares of [`Past::spawners`].
    pub shares: Vec<Vec<Share>>,
    /// The segments that started the users who are still there, in order.
    pub spawners: Vec<Spawner>,
}

/// A past segment with users who have been there since it started them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredSpawner", into = "StoredSpawner")]
pub struct Spawner {
    /// Its number among all segments of the run.
    pub number: u32,
    /// Its first instant.
    pub from: Timestamp,
    /// The users who were there by then.
    pub users: u64,
    /// Users started a second.
    pub spawn_rate: f64,
    /// Which of [`Past::shares`] it had.
    pub shares: u32,
}

/// A spawner as it is stored: there may be as many as users.
type StoredSpawner = (u32, Timestamp, u64, f64, u32);

impl From<StoredSpawner> for Spawner {
    fn from((number, from, users, spawn_rate, shares): StoredSpawner) -> Self {
        Self {
            number,
            from,
            users,
            spawn_rate,
            shares,
        }
    }
}

impl From<Spawner> for StoredSpawner {
    fn from(spawner: Spawner) -> Self {
        let Spawner {
            number,
            from,
            users,
            spawn_rate,
            shares,
        } = spawner;
        (number, from, users, spawn_rate, shares)
    }
}
