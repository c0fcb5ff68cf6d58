//! The plan: which iterations are due when, as a pure function of the run.
//!
//! It reads no clock, no store and no shared random state. Whoever asks, the executing tick, the
//! fan-out or the ledger that counts a month later, gets the same answer, and what is due in a slot
//! costs what is due in it, however long the run has been on. [`mix`] says which user of the ramp
//! belongs to which class, the timeline when it is active, the schedule when its iterations are.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::block::{Block, Shard};
use crate::clock::{Slot, Timestamp};
use crate::random::class_key;
use crate::run::{Run, Segment};
use crate::workload::Wait;

pub mod bounded;
mod counting;
mod curve;
pub mod mix;
mod ramp;
mod schedule;
mod timeline;

use schedule::Timetable;
use timeline::{Span, Timeline};

/// Iterations of a user that was stopped and started again are numbered anew, with the number of the
/// segment that started it above these bits.
const SPAWN_BITS: u32 = 44;

/// A class as far as the plan needs it.
#[derive(Clone, Debug)]
pub struct PlannedClass {
    /// The class's name.
    pub name: Arc<str>,
    /// Its users' wait.
    pub wait: Wait,
}

/// An iteration that is due, or under `constant` a user's turn, in which it loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The user's index in its class.
    pub user: u32,
    /// Which of the user's iterations in this slot, from 0.
    pub ordinal: u32,
    /// The iteration's number; with seed, class and user the key of its draws.
    pub iteration: u64,
    /// The instant it is due.
    pub at: Timestamp,
    /// The first instant at which it must not start any more; for a turn, the turn's end.
    pub until: Timestamp,
}

/// A slot, as one user sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This comes first.
    Due(Due),
    /// The user is there, and waits.
    Nothing,
    /// The user is not there.
    Gone,
}

/// Locust's name for the state of its runner, as far as the run itself says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The run has not begun, or users are still being started or stopped.
    Spawning,
    /// All users are there.
    Running,
    /// Nothing starts any more.
    Over,
}

/// A run, made ready to be asked.
#[derive(Debug)]
pub struct Plan {
    run: Run,
    classes: Vec<PlannedClass>,
    keys: Vec<u64>,
    timeline: Timeline,
    /// A block's spans under the ramp asked about last: the same for every slot of a ramp.
    spans: Mutex<HashMap<(usize, Block), Arc<BlockSpans>>>,
}

/// The part of a slot for which one ramp holds, with the spans of a block's users under it.
struct Part {
    from: Timestamp,
    until: Timestamp,
    spans: Arc<BlockSpans>,
}

#[derive(Debug)]
struct BlockSpans {
    ramp: usize,
    users: Vec<Option<Span>>,
}

/// The most users that a run has had at once by an instant; needs no workload.
pub fn peak_users(run: &Run, by: Timestamp) -> u64 {
    // numbered by name, as a workload's classes are
    let classes = run.class_names();
    let number = |name: &str| classes.iter().position(|class| *class == name);
    Timeline::new(run, number).peak(by)
}

impl Plan {
    /// Makes the plan of a run over the workload's classes.
    pub fn new(run: Run, classes: Vec<PlannedClass>) -> Self {
        let number = |name: &str| classes.iter().position(|class| &*class.name == name);
        let timeline = Timeline::new(&run, number);
        let keys = classes
            .iter()
            .map(|class| class_key(run.seed, &class.name))
            .collect();
        Self {
            run,
            classes,
            keys,
            timeline,
            spans: Mutex::default(),
        }
    }

    /// The run that this is the plan of.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The workload's classes; their numbers are what [`Plan::due`] takes.
    pub fn classes(&self) -> &[PlannedClass] {
        &self.classes
    }

    /// A class's number by its name.
    pub fn class_number(&self, name: &str) -> Option<usize> {
        self.classes.iter().position(|class| &*class.name == name)
    }

    /// The iterations of one block of one class in one slot, by instant.
    pub fn due(&self, class: usize, block: Block, slot: Slot) -> Vec<Due> {
        let mut due = Vec::new();
        self.each_due(class, block, slot, |item| due.push(item));
        due.sort_by_key(|item: &Due| (item.at, item.user));
        due
    }

    /// The number of iterations of one block of one class in one slot.
    pub fn due_count(&self, class: usize, block: Block, slot: Slot) -> u32 {
        let mut count = 0;
        self.each_due(class, block, slot, |_| count += 1);
        count
    }

    /// The ticks of a slot that have anything due: class numbers and blocks.
    pub fn ticks(&self, slot: Slot) -> Vec<(usize, Block)> {
        let mut ticks = Vec::new();
        for class in 0..self.classes.len() {
            let blocks = self.run.block_size.blocks(self.most_users(class, slot));
            let due = (0..blocks)
                .map(Block)
                .filter(|&block| self.is_due(class, block, slot));
            ticks.extend(due.map(|block| (class, block)));
        }
        ticks
    }

    /// The same, each with the number of its users of whom anything is due.
    pub fn ticks_with_users(&self, slot: Slot) -> Vec<(usize, Block, u32)> {
        let mut ticks = Vec::new();
        for class in 0..self.classes.len() {
            let blocks = self.run.block_size.blocks(self.most_users(class, slot));
            let counted = (0..blocks).map(|block| {
                let parts = self.parts(class, Block(block), slot);
                let users = self.users(Block(block), &parts);
                let users = users
                    .filter(|&(index, user)| self.is_user_due(class, user, index, slot, &parts));
                (class, Block(block), users.count() as u32)
            });
            ticks.extend(counted.filter(|(_, _, users)| *users > 0));
        }
        ticks
    }

    /// The number of shards that the run's records are in, over all of its segments.
    pub fn shards(&self) -> u32 {
        Shard::count(self.run.block_size.blocks(self.most_of_class()))
    }

    /// The most users that a class was or is to have.
    fn most_of_class(&self) -> u32 {
        let most = (0..self.classes.len()).map(|class| self.timeline.most_ever(class));
        let past = self.run.past.as_ref().map(|past| past.most_of_class);
        most.chain(past).max().unwrap_or_default()
    }

    /// The run without the segments that are over by an instant: nobody may ask about the time before it any
    /// more. From then on the plan is the same.
    pub fn folded(&self, before: Timestamp) -> Run {
        let mut run = self.run.clone();
        let over = self.timeline.over(before);
        if over == 0 {
            return run;
        }
        run.past = Some((self.timeline).folded(&self.run, over, self.most_of_class()));
        run.segments.drain(..over);
        run
    }

    /// The same with what is due: class numbers, blocks and iterations by instant.
    pub fn slot(&self, slot: Slot) -> Vec<(usize, Block, Vec<Due>)> {
        let classes = 0..self.classes.len();
        let ticks = classes.flat_map(|class| {
            let blocks = self.run.block_size.blocks(self.most_users(class, slot));
            (0..blocks).map(move |block| (class, Block(block), self.due(class, Block(block), slot)))
        });
        ticks.filter(|(.., due)| !due.is_empty()).collect()
    }

    /// Users active at an instant.
    pub fn user_count(&self, at: Timestamp) -> u64 {
        self.timeline.user_count(at)
    }

    /// Users active at an instant, by class number.
    pub fn class_counts(&self, at: Timestamp) -> Vec<u32> {
        let Some(number) = self.timeline.ramp_at(at) else {
            return vec![0; self.classes.len()];
        };
        let ramp = self.timeline.ramp(number);
        let count = ramp.count_at(at);
        (0..self.classes.len())
            .map(|class| ramp.mix.class_count(class, count))
            .collect()
    }

    /// Where the run stands at an instant.
    pub fn phase(&self, at: Timestamp) -> Phase {
        if self.run.is_over(at) {
            Phase::Over
        } else if at < self.run.starts() || self.timeline.is_ramping(at) {
            Phase::Spawning
        } else {
            Phase::Running
        }
    }

    /// The segment that holds at an instant.
    pub fn segment_at(&self, instant: Timestamp) -> Option<&Segment> {
        let segments = &self.run.segments;
        let after = segments.partition_point(|segment| segment.from <= instant);
        segments.get(after.checked_sub(1)?)
    }

    /// The most users that a class has at any time of the ramps that hold in a slot.
    fn most_users(&self, class: usize, slot: Slot) -> u32 {
        let ramps = self.ramps_in(slot);
        let most = ramps.map(|number| self.timeline.ramp(number).most_of_class(class));
        most.max().unwrap_or_default()
    }

    /// A user's first iteration that is due in a slot, if the user is still there then.
    pub fn first_due(&self, class: usize, user: u32, slot: Slot) -> Next {
        let block = self.run.block_size.block_of(user);
        let index = (user - self.run.block_size.first_user(block)) as usize;
        let parts = self.parts(class, block, slot);
        let is_there =
            |part: &Part| part.spans.users[index].is_some_and(|span| span.leaves > part.from);
        if !parts.iter().any(is_there) {
            return Next::Gone;
        }
        let mut first = None;
        self.user_due(class, user, index, slot, &parts, |item| {
            first.get_or_insert(item);
        });
        first.map_or(Next::Nothing, Next::Due)
    }

    /// The iterations of one user of a class in one slot, in order.
    pub fn due_of_user(&self, class: usize, user: u32, slot: Slot) -> Vec<Due> {
        let block = self.run.block_size.block_of(user);
        let index = (user - self.run.block_size.first_user(block)) as usize;
        let parts = self.parts(class, block, slot);
        let mut due = Vec::new();
        self.user_due(class, user, index, slot, &parts, |item| due.push(item));
        due
    }

    fn each_due(&self, class: usize, block: Block, slot: Slot, mut found: impl FnMut(Due)) {
        let parts = self.parts(class, block, slot);
        for (index, user) in self.users(block, &parts) {
            self.user_due(class, user, index, slot, &parts, &mut found);
        }
    }

    /// True if anything is due at all; looks no further than the first user of whom something is.
    fn is_due(&self, class: usize, block: Block, slot: Slot) -> bool {
        let parts = self.parts(class, block, slot);
        let mut users = self.users(block, &parts);
        users.any(|(index, user)| self.is_user_due(class, user, index, slot, &parts))
    }

    /// True if anything is due for one user of a class in some parts of a slot.
    fn is_user_due(
        &self,
        class: usize,
        user: u32,
        index: usize,
        slot: Slot,
        parts: &[Part],
    ) -> bool {
        parts.iter().any(|part| {
            part.spans.users[index].is_some_and(|span| {
                self.timetable(class, user, &span, slot).is_due(
                    part.from,
                    self.cut(part.until.min(span.leaves), class, user),
                )
            })
        })
    }

    /// The users of a block that are ever active under the ramps of some parts: numbers in the block, and
    /// indexes.
    fn users(&self, block: Block, parts: &[Part]) -> impl Iterator<Item = (usize, u32)> {
        let first = self.run.block_size.first_user(block);
        let count = self.run.block_size.users() as usize;
        let is_active =
            move |index: &usize| parts.iter().any(|part| part.spans.users[*index].is_some());
        (0..if parts.is_empty() { 0 } else { count })
            .filter(is_active)
            .map(move |index| (index, first + index as u32))
    }

    /// Calls `found` with what is due in a slot for one user of a class, in order.
    ///
    /// A change amid the slot leaves what was due before it as it was: a part of the slot has what its
    /// ramp says, and ordinals go on. A turn that goes on in the next part is one turn.
    fn user_due(
        &self,
        class: usize,
        user: u32,
        index: usize,
        slot: Slot,
        parts: &[Part],
        mut found: impl FnMut(Due),
    ) {
        let is_turn = matches!(self.classes[class].wait, Wait::Constant(_));
        let mut ordinal = 0;
        let mut turn: Option<Due> = None;
        let spans = parts.iter().map(|part| (part, part.spans.users[index]));
        for (part, span) in spans.filter_map(|(part, span)| Some((part, span?))) {
            let timetable = self.timetable(class, user, &span, slot);
            let until = part.until.min(span.leaves);
            timetable.due(part.from, self.cut(until, class, user), |iteration, at| {
                let iteration = ((span.spawned_by as u64) << SPAWN_BITS) | iteration;
                if let Some(turn) = turn.as_mut().filter(|turn| turn.iteration == iteration) {
                    turn.until = until;
                    return;
                }
                let due = Due {
                    user,
                    ordinal,
                    iteration,
                    at,
                    until,
                };
                ordinal += 1;
                if !is_turn {
                    found(due);
                } else if let Some(before) = turn.replace(due) {
                    found(before);
                }
            });
        }
        turn.into_iter().for_each(found);
    }

    /// The end of a span of time in which iterations of a user are due, if not more of them are due than the run's limit.
    fn cut(&self, until: Timestamp, class: usize, user: u32) -> Timestamp {
        let Some(last) = self.run.iterations.and_then(|limit| limit.last) else {
            return until;
        };
        let is_within = (class as u32, user) <= (last.class, last.user);
        until.min(last.at + Duration::from_micros(is_within.into()))
    }

    /// A user's schedule under one ramp, as far as a slot goes.
    fn timetable(&self, class: usize, user: u32, span: &Span, slot: Slot) -> Timetable<'_> {
        Timetable {
            wait: &self.classes[class].wait,
            class_key: self.keys[class],
            user,
            spawned: span.spawned,
            slot_number: slot.0 - self.run.first_slot().0,
            slot_starts: self.run.slots().start(slot),
        }
    }

    /// The ramps that hold at any instant of a slot, by number.
    fn ramps_in(&self, slot: Slot) -> impl Iterator<Item = usize> {
        let slots = self.run.slots();
        (self.timeline).ramps_in(slots.start(slot), slots.end(slot))
    }

    /// The parts of a slot, with the spans of a block's users.
    fn parts(&self, class: usize, block: Block, slot: Slot) -> Vec<Part> {
        if class >= self.classes.len() || slot < self.run.first_slot() {
            return Vec::new();
        }
        let slots = self.run.slots();
        let part = |number: usize| {
            let ramp = self.timeline.ramp(number);
            Part {
                from: ramp.from.max(slots.start(slot)),
                until: ramp.end.min(slots.end(slot)),
                spans: self.block_spans(class, block, number),
            }
        };
        self.ramps_in(slot).map(part).collect()
    }

    fn block_spans(&self, class: usize, block: Block, ramp: usize) -> Arc<BlockSpans> {
        let mut known = self.spans.lock();
        if let Some(spans) = known.get(&(class, block))
            && spans.ramp == ramp
        {
            return Arc::clone(spans);
        }
        let first = self.run.block_size.first_user(block);
        let users = (first..first.saturating_add(self.run.block_size.users()))
            .map(|user| self.timeline.span(ramp, class, user))
            .collect();
        let spans = Arc::new(BlockSpans { ramp, users });
        known.insert((class, block), Arc::clone(&spans));
        spans
    }
}

#[cfg(test)]
mod tests;
