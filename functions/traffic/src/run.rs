//! A run: one swarm from start to stop, as the store keeps it.
//!
//! A run is the plan's input and nothing more: seed, workload version, and the segments that say how
//! many users when. It is changed by adding to it, so whoever counts a past slot later sees what
//! whoever executed it saw; what is counted for good is [left out](Past).

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::block::BlockSize;
use crate::clock::{Clock, Slot, Slots, Timestamp};
use crate::workload::Threshold;

mod daily;
mod past;
mod segment;
mod stored;

pub use daily::{DailyCurve, DayPoint, UtcOffset};
pub use past::{Past, Spawner};
pub use segment::{Segment, ShapePart, Share, Step};

/// Where several processes share a store, a change holds from the first full second that begins at least
/// this much later; where one does all, at once.
///
/// A process's copy of the run is at most one second old and a tick plans at most half a second
/// ahead, so nobody executes a slot without knowing what was changed for it.
pub const CHANGE_LEAD: Duration = Duration::from_millis(1500);

/// An iteration of a run's last moment may wake this long after the end, by the grain of timers.
pub const GRAIN: Duration = Duration::from_millis(100);

/// The last of a limited number of iterations may start so late.
const STARTS_WITHIN: Duration = Duration::from_secs(1);

/// The end of a run after so many iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IterationLimit {
    /// The number of iterations, of all classes together.
    pub most: u64,
    /// The last of them; `None` if there are not so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastIteration>,
}

/// The last iteration of a run: those of the same instant are in order of class and user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastIteration {
    /// The instant it is due.
    pub at: Timestamp,
    /// The number of its class in the workload.
    pub class: u32,
    /// Its user.
    pub user: u32,
}

/// Names a run; sorts by the time it was created.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl RunId {
    /// A new name: the time in microseconds and a nonce, both in hexadecimal.
    pub fn new(created_at: Timestamp, nonce: u32) -> Self {
        Self(format!("{:014x}-{nonce:08x}", created_at.micros()))
    }

    /// The name that somebody wrote, if it has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let (time, nonce) = text.split_once('-')?;
        let is_hex = |part: &str| part.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        let is_name = time.len() == 14 && nonce.len() == 8 && is_hex(time) && is_hex(nonce);
        is_name.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One swarm from start to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The run's name.
    pub id: RunId,
    /// Goes up by one with every change; a write names the revision it has read.
    pub revision: u64,
    /// The seed of all of the run's random draws.
    pub seed: u64,
    /// The version of the workload that the run is pinned to.
    pub workload: String,
    /// True if all classes of the workload, and all tasks of a class, have one weight.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub equal_weights: bool,
    /// The number of users that a tick executes.
    #[serde(default)]
    pub block_size: BlockSize,
    /// When the run was asked for.
    pub created_at: Timestamp,
    /// The segments before [`Run::segments`], once nobody asks the plan about them any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
    /// The segments, in order of their `from`; never empty.
    #[serde(with = "stored")]
    pub segments: Vec<Segment>,
    /// The first instant at which nothing starts any more, once the run was stopped.
    pub stopped_at: Option<Timestamp>,
    /// After how many iterations the run ends by itself, if after any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<IterationLimit>,
    /// Statistics count what was completed at or after this instant.
    pub reset_at: Option<Timestamp>,
    /// What the figures must stay below, beside the workload's own thresholds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<Threshold>,
    /// Notes that people left: microseconds since the Unix epoch, and the text. Both are texts, as the hosts of a segment
    /// are, so that a tick has no code of its own for what it does not use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<(String, String)>,
    /// What people say of it: its `name` and a `note`, as far as they said any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    /// The newest resets of the statistics: their numbers from 1, and microseconds since the Unix epoch. Each ends a part of
    /// the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resets: Vec<(String, String)>,
}

/// The resets that a run keeps, and with them the parts that can be read.
pub const KEPT_PARTS: u32 = 20;

impl Run {
    /// A run as it is written first: of these segments, pinned to a version of a workload.
    pub fn new(
        id: RunId,
        seed: u64,
        workload: &str,
        created_at: Timestamp,
        segments: Vec<Segment>,
    ) -> Self {
        Self {
            id,
            revision: 1,
            seed,
            workload: workload.to_owned(),
            equal_weights: false,
            block_size: BlockSize::default(),
            created_at,
            past: None,
            segments,
            stopped_at: None,
            iterations: None,
            reset_at: None,
            thresholds: Vec::new(),
            notes: Vec::new(),
            labels: Vec::new(),
            resets: Vec::new(),
        }
    }

    /// What people say of the run: its `name`, or a `note`.
    pub fn label(&self, key: &str) -> Option<&str> {
        let mut labels = self.labels.iter();
        labels.find_map(|(known, text)| (known == key).then_some(&**text))
    }

    /// Says something else of the run; an empty text says nothing.
    pub fn set_label(&mut self, key: &str, text: &str) {
        self.labels.retain(|(known, _)| known != key);
        if !text.is_empty() {
            self.labels.push((key.to_owned(), text.to_owned()));
        }
    }

    /// Has the statistics count from an instant on, and ends a part of the run there.
    pub fn reset(&mut self, at: Timestamp) {
        let number = self
            .parts_ended()
            .next_back()
            .map_or(0, |(number, _)| number)
            + 1;
        self.reset_at = Some(at);
        let reset = (number.to_string(), at.micros().to_string());
        self.resets.push(reset);
        let excess = self.resets.len().saturating_sub(KEPT_PARTS as usize);
        self.resets.drain(..excess);
    }

    /// The newest resets, in order: their numbers from 1, and their instants.
    pub fn parts_ended(&self) -> impl DoubleEndedIterator<Item = (u32, Timestamp)> {
        let resets = self.resets.iter();
        resets.filter_map(|(number, at)| {
            let at = Timestamp::from_micros(at.parse().ok()?);
            Some((number.parse().ok()?, at))
        })
    }

    /// The notes with their instants, in order of time.
    pub fn noted(&self) -> impl Iterator<Item = (Timestamp, &str)> {
        let notes = self.notes.iter();
        notes.filter_map(|(at, text)| Some((Timestamp::from_micros(at.parse().ok()?), &**text)))
    }

    /// The run's first instant.
    pub fn starts(&self) -> Timestamp {
        if let Some(past) = &self.past {
            return past.starts;
        }
        let first = self.segments.first();
        first.map_or(Timestamp::default(), |segment| segment.from)
    }

    /// When the run's slots begin: the first one with the run.
    pub fn slots(&self) -> Slots {
        Slots::beginning_at(self.starts())
    }

    /// The slot that begins with the run.
    pub fn first_slot(&self) -> Slot {
        self.slots().of(self.starts())
    }

    /// The first instant at which nothing starts any more, if that is known.
    pub fn ends(&self) -> Option<Timestamp> {
        let last = self.iterations.and_then(|limit| limit.last);
        let last = last.map(|last| last.at + STARTS_WITHIN);
        [self.breaks_off(), last].into_iter().flatten().min()
    }

    /// The same without the limit of iterations: from then on an iteration begins no further request, while the last
    /// ones of a limit are ended.
    pub fn breaks_off(&self) -> Option<Timestamp> {
        let run_time = self.segments.last().and_then(|segment| segment.until);
        [self.stopped_at, run_time].into_iter().flatten().min()
    }

    /// The first slot in which nothing starts any more, if that is known.
    pub fn end_slot(&self) -> Option<Slot> {
        self.ends().map(|end| self.slots().at_or_after(end))
    }

    /// True once nothing of it starts any more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends().is_some_and(|end| end <= now)
    }

    /// The time for which it has been on by `now`, or was.
    pub fn lasted(&self, now: Timestamp) -> Duration {
        let until = self.ends().map_or(now, |end| end.min(now));
        until.since(self.starts())
    }

    /// The first slot of which not everything that is planned can have begun by `now`: a change may still
    /// be made to it.
    pub fn open_slot(&self, now: Timestamp) -> Slot {
        let slots = self.slots();
        match self.ends() {
            Some(end) if end <= now => slots.of(now).max(slots.at_or_after(end)),
            _ => slots.of(now),
        }
    }

    /// The first instant that a change made now may hold for, where several processes share a store.
    pub fn change_at(clock: &Clock) -> Timestamp {
        let slots = Slots::FULL_SECONDS;
        slots.start(slots.at_or_after(clock.now() + CHANGE_LEAD))
    }

    /// The load shape that says how many users there are, if one does.
    pub fn shape(&self) -> Option<&ShapePart> {
        self.segments.last()?.shape.as_ref()
    }

    /// The first instant about which the plan can be asked.
    pub fn kept_from(&self) -> Timestamp {
        let first = self.segments.first();
        first.map_or(Timestamp::default(), |segment| segment.from)
    }

    /// The names of the classes that have taken part so far, or are about to.
    pub fn class_names(&self) -> BTreeSet<&str> {
        let past = self.past.iter().flat_map(|past| &past.classes);
        let shares = self.segments.iter().flat_map(|segment| &segment.shares);
        let names = past.chain(shares.map(|share| &share.class));
        names.map(String::as_str).collect()
    }

    /// Since when the statistics count: the run's first slot, or the last reset after it.
    pub fn counts_from(&self) -> Timestamp {
        let starts = self.starts();
        self.reset_at.map_or(starts, |reset| reset.max(starts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_and_nothing_else_is() {
        let name = RunId::new(Timestamp::from_micros(1_795_451_591_333_000), 0x2a);
        assert_eq!(name.0, "0660f426501488-0000002a");
        assert_eq!(RunId::parse(&name.0), Some(name));
        for text in [
            "",
            "-",
            "latest",
            "0660f426501488",
            "0660f426501488-",
            "0660f426501488-0000002",
            "0660f426501488-0000002a-",
            "0660f426501488-0000002A",
            "0660f426501488-0000002\u{0660}",
            "../../etc/passwd-000000",
        ] {
            assert_eq!(RunId::parse(text), None, "{text:?}");
        }
    }
}
