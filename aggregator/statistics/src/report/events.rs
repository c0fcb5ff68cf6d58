//! What happened to a run, and when nothing is known of it: the markers and the shaded stretches of charts.

use serde::Serialize;
use traffic::clock::Timestamp;
use traffic::run::{Run, Segment};
use utoipa::ToSchema;

use crate::reader::Snapshot;

/// Something that happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Event {
    /// The instant, in seconds since the Unix epoch.
    pub at: f64,
    /// What it was: `start`, `12 users`, the decision of an adaptive load, `reset`, `stop`, `missing` where a gap begins,
    /// what a schedule did, or a note.
    pub name: String,
}

/// A stretch of time in which most of what was due left no trace, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Gap {
    /// Its first second.
    pub from: u64,
    /// The first second after it.
    pub to: u64,
}

impl Gap {
    /// True if the interval that ends at this instant lies in it.
    pub fn holds(&self, ends: u64) -> bool {
        self.from < ends && ends <= self.to
    }
}

/// What happened to the run of a snapshot so far, in order of time; nothing before the first run.
pub fn events(snapshot: &Snapshot) -> Vec<Event> {
    let Some(run) = snapshot.run.as_deref() else {
        return Vec::new();
    };
    let run = run.plan.run();
    let now = snapshot.at;
    let event = |at: Timestamp, name: String| Event {
        at: at.seconds(),
        name,
    };
    let mut events = vec![event(run.starts(), "start".to_owned())];
    // what is still to come of a shape has not happened
    let changed = run.segments.iter().skip(usize::from(run.past.is_none()));
    let changed = changed.filter(|segment| segment.from <= now);
    events.extend(changed.map(|segment| event(segment.from, changed_to(segment))));
    events.extend(resets(run).map(|at| event(at, "reset".to_owned())));
    events.extend(run.noted().map(|(at, text)| event(at, text.to_owned())));
    let end = Some(run).filter(|run| run.is_over(now)).and_then(Run::ends);
    events.extend(end.map(|at| event(at, "stop".to_owned())));
    let missing = gaps(snapshot).into_iter().map(|gap| Event {
        at: gap.from as f64,
        name: "missing".to_owned(),
    });
    events.extend(missing);
    events.sort_by(|one, other| one.at.total_cmp(&other.at));
    if let Some(part) = &snapshot.part {
        let its = part.from.seconds()..=part.until.seconds();
        events.retain(|event| its.contains(&event.at));
    }
    events
}

/// The instants of the resets that are kept, in order.
fn resets(run: &Run) -> impl Iterator<Item = Timestamp> {
    let known = run.parts_ended().map(|(_, at)| at);
    let last = run.parts_ended().next_back().map(|(_, at)| at);
    known.chain(run.reset_at.filter(|at| Some(*at) != last))
}

/// The users of a segment, or why an adaptive load went to them.
fn changed_to(segment: &Segment) -> String {
    let step = segment.shape.as_ref().and_then(|part| part.step.as_ref());
    match step.and_then(|step| step.reason.clone()) {
        Some(reason) => reason,
        None => users(segment.user_count),
    }
}

fn users(count: u32) -> String {
    match count {
        1 => "1 user".to_owned(),
        count => format!("{count} users"),
    }
}

/// The stretches of time in which most of what was due left no trace, by the ledger.
pub fn gaps(snapshot: &Snapshot) -> Vec<Gap> {
    let history = snapshot.ledger_past.history();
    let mut gaps: Vec<Gap> = Vec::new();
    for (number, (&to, &seconds)) in history.ends.iter().zip(&history.seconds).enumerate() {
        let of = |counts: &[u64]| counts.get(number).copied().unwrap_or(0);
        let total = &history.total;
        if of(&total.missing) <= of(&total.recorded) + of(&total.skipped) {
            continue;
        }
        let from = to.saturating_sub(seconds);
        match gaps.last_mut() {
            Some(last) if last.to >= from => last.to = to,
            _ => gaps.push(Gap { from, to }),
        }
    }
    gaps
}
