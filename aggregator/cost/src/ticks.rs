//! One tick played through: who is due, what its requests take, and what is written when.
//!
//! Task and requests of an iteration are those of the run, markers and records follow the rules of
//! [`traffic::tick::marker_rules`] and [`traffic::journal`], and response times are drawn.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use traffic::clock::{Slot, Timestamp};
use traffic::journal::{FLUSH_AFTER, by_bucket};
use traffic::plan::Due;
use traffic::random::{Draws, class_key, mix};
use traffic::record::wire::Contents;
use traffic::record::{Block, Fate, IterationEntry, Outcome, RequestName, Streamed};
use traffic::runs::LoadedRun;
use traffic::tick::marker_rules::{MarkerRules, SHARED_LEAD, may_start, turn_marked_from};
use traffic::workload::{Scope, SessionRules, Task, Wait};

use super::assumptions::Assumptions;
use super::aws_calls;
use super::calls::Calls;

/// Keeps the draws for response times apart from the run's own.
const RESPONSE_STREAM: u64 = 0x7e5b_0000_0000_0001;

/// The length of an answer in bytes.
const CONTENT_LENGTH: u64 = 1_000;

/// The lateness of an iteration.
const LATENESS: Duration = Duration::from_millis(2);

/// The figures of an answer that is a stream.
const STREAMED: Streamed = Streamed {
    first_byte: Duration::from_millis(20),
    first_event: Some(Duration::from_millis(400)),
    span: Duration::from_millis(2_000),
    events: 200,
    input_tokens: Some(100),
    output_tokens: Some(200),
};

/// The ticks of a run, played in the order of their slots.
pub(super) struct Ticks<'r> {
    run: &'r LoadedRun,
    assumptions: &'r Assumptions,
    rules: Vec<MarkerRules>,
    /// The end of each user's iteration and rest, by class and user.
    busy: HashMap<(usize, u32), Timestamp>,
    /// When each user's session was begun, by class and user.
    sessions: HashMap<(usize, u32), Timestamp>,
    /// The names of the steps that were sent, by class, task and step.
    names: HashMap<(usize, Arc<str>, usize), Arc<RequestName>>,
}

/// The result of one tick.
#[derive(Debug, Default)]
pub(super) struct Tick {
    /// The end of its last write.
    pub(super) ends: Timestamp,
    /// The instants at which iterations asked whether the run goes on: before each request but their first.
    pub(super) looks: Vec<Timestamp>,
    executed: u64,
    skipped: u64,
    requests: u64,
    /// Iterations that marked their user as busy.
    markers: u64,
    marker_reads: u64,
    /// Bytes of each record's item.
    records: Vec<u64>,
}

/// A tick while it is played.
struct Played {
    class: usize,
    first_user: u32,
    tick: Tick,
    events: Vec<(Timestamp, Event)>,
}

/// An iteration while its requests are sent.
struct Sending {
    /// The draws of response times.
    taken: Draws,
    lateness: Option<Duration>,
    now: Timestamp,
    has_begun: bool,
}

/// Something that the journal notes.
enum Event {
    Outcome(Outcome),
    Iteration(IterationEntry),
}

impl Tick {
    /// Adds its calls.
    pub(super) fn count(&self, calls: &mut Calls) {
        calls.iterations += self.executed;
        calls.skipped += self.skipped;
        calls.requests += self.requests;
        calls.add(aws_calls::CLAIM, 1, 1);
        calls.claim_bytes += aws_calls::CLAIM_BYTES + aws_calls::ITEM_OVERHEAD;
        for bytes in &self.records {
            calls.add(aws_calls::RECORD, 1, aws_calls::write_units(*bytes));
            calls.record_bytes += bytes + aws_calls::ITEM_OVERHEAD;
        }
        calls.add(aws_calls::READ_MARKERS, self.marker_reads, 1);
        calls.add(aws_calls::PUT_MARKER, self.markers, 1);
        calls.add(aws_calls::CLEAR_MARKER, self.markers, 1);
    }
}

impl<'r> Ticks<'r> {
    /// A run's ticks, before the first of them.
    pub(super) fn new(run: &'r LoadedRun, assumptions: &'r Assumptions) -> Self {
        let classes = run.plan.classes().iter().zip(run.workload.classes());
        let rules = classes.map(|(planned, class)| MarkerRules {
            wait: planned.wait,
            longest_iteration: class.longest_iteration(),
            store_lead: SHARED_LEAD,
        });
        Self {
            run,
            assumptions,
            rules: rules.collect(),
            busy: HashMap::new(),
            sessions: HashMap::new(),
            names: HashMap::new(),
        }
    }

    /// Plays a tick.
    pub(super) fn execute(&mut self, class: usize, block: Block, slot: Slot, due: &[Due]) -> Tick {
        let mut played = Played {
            class,
            first_user: self.run.plan.run().block_size.first_user(block),
            tick: Tick {
                marker_reads: self.marker_reads(class, slot, due),
                ..Tick::default()
            },
            events: Vec::new(),
        };
        for item in due {
            match self.rules[class].wait {
                Wait::Constant(rest) => self.turn(item, rest, &mut played),
                _ => self.iteration(item, slot, &mut played),
            }
        }
        let Played {
            mut tick, events, ..
        } = played;
        let all_started = due.last().map_or(slot.full_second(), |last| last.at);
        (tick.records, tick.ends) = records(events, all_started, slot);
        let class = &self.run.plan.classes()[class].name;
        for bytes in &mut tick.records {
            *bytes = aws_calls::record_bytes(class, *bytes);
        }
        tick
    }

    /// The number of named requests that were sent.
    pub(super) fn names(&self) -> u64 {
        self.names.len() as u64
    }

    /// An iteration at its instant, unless its user is busy.
    fn iteration(&mut self, item: &Due, slot: Slot, played: &mut Played) {
        let user = (played.class, item.user);
        if self.busy.get(&user).is_some_and(|until| *until > item.at) {
            played.tick.skipped += 1;
            return played.note(item.at, item, Fate::Skipped);
        }
        let ends = self.send(item, item.iteration, item.at, played);
        self.busy.insert(user, ends);
        if self.is_marked(played.class, item, slot, ends) {
            played.tick.markers += 1;
        }
        played.tick.executed += 1;
        played.note(ends, item, Fate::Done);
    }

    /// Whether an iteration is marked before it ends because of what its user has due in a later slot.
    fn is_marked(&self, class: usize, item: &Due, slot: Slot, ends: Timestamp) -> bool {
        let (rules, plan) = (&self.rules[class], &self.run.plan);
        let later = (1..).map(|later| slot.plus(later));
        let mut looked_at = later.take_while(|slot| rules.looks_at(plan, *slot) < ends);
        rules.may_overlap()
            && looked_at
                .find_map(|slot| rules.marked_from(plan, class, item.user, slot))
                .is_some_and(|marked_from| marked_from < ends)
    }

    /// The number of times that a tick reads its block's markers.
    fn marker_reads(&self, class: usize, slot: Slot, due: &[Due]) -> u64 {
        let begins = self.run.plan.run().slots().start(slot);
        let mut read_at: Option<Timestamp> = None;
        let mut reads = 0;
        for item in due {
            if let Some(reading) = self.rules[class].reading(item, begins)
                && !read_at.is_some_and(|read_at| reading.is_done(item, read_at))
            {
                read_at = Some(reading.at);
                reads += 1;
            }
        }
        reads
    }

    /// A user's turn under `constant`: a loop, each time after the response.
    fn turn(&mut self, item: &Due, rest: Duration, played: &mut Played) {
        let user = (played.class, item.user);
        let free = self.busy.get(&user).copied().unwrap_or_default();
        let mut next = free.max(item.at);
        let mut ends = item.at;
        let mut iteration = item.iteration;
        while may_start(item, next) {
            ends = self.send(item, iteration, next, played);
            if ends >= turn_marked_from(item) {
                played.tick.markers += 1;
            }
            next = ends + rest;
            iteration += 1;
            played.tick.executed += 1;
        }
        self.busy.insert(user, next);
        played.note(ends, item, Fate::Done);
    }

    /// Sends an iteration's requests one after the other; the instant of the last answer.
    fn send(
        &mut self,
        item: &Due,
        iteration: u64,
        at: Timestamp,
        played: &mut Played,
    ) -> Timestamp {
        let class = &self.run.workload.classes()[played.class];
        let key = class_key(self.run.plan.run().seed, class.name());
        let mut draws = Draws::keyed(key, item.user, iteration);
        let number = class.choose_task_number(&mut draws);
        let task = &class.tasks()[number];
        let mut scope = Scope::new(class, task, item.user, iteration, draws);
        let taken = Draws::keyed(mix(key ^ RESPONSE_STREAM), item.user, iteration);
        let mut sending = Sending {
            taken,
            lateness: Some(LATENESS),
            now: at,
            has_begun: false,
        };
        if let Some(rules) = class.session() {
            if self.begins_session((played.class, item.user), rules, at)
                && let Some(start) = rules.start()
            {
                let draws = Draws::keyed(mix(key), item.user, iteration);
                let mut own = Scope::new(class, start, item.user, iteration, draws);
                self.send_all(start, &mut own, &mut sending, played);
            }
            scope.assume_session(rules);
        }
        self.send_all(task, &mut scope, &mut sending, played);
        sending.now
    }

    /// True if a user's session is begun at an instant: with its first iteration, and when the last one is too old.
    fn begins_session(&mut self, user: (usize, u32), rules: &SessionRules, at: Timestamp) -> bool {
        let is_over =
            |begun: &Timestamp| rules.lasts().is_some_and(|lasts| at.since(*begun) >= lasts);
        let begins = self.sessions.get(&user).is_none_or(is_over);
        if begins {
            self.sessions.insert(user, at);
        }
        begins
    }

    /// Sends the requests of a task, each answered well: a group as often as it may be.
    fn send_all(
        &mut self,
        task: &Task,
        scope: &mut Scope,
        sending: &mut Sending,
        played: &mut Played,
    ) {
        let class = &self.run.workload.classes()[played.class];
        let mut walk = scope.walk(task);
        while let Ok(Some(index)) = walk.next(scope) {
            let step = &task.steps()[index];
            // what depends on an answer is taken to be sent
            if !scope.begin(step).unwrap_or(true) {
                continue;
            }
            sending.now = sending.now + scope.pause(step);
            if std::mem::replace(&mut sending.has_begun, true) {
                played.tick.looks.push(sending.now);
            }
            let times = &self.assumptions.response_times;
            let response_time = times.draw(class.name(), step, &mut sending.taken);
            sending.now = sending.now + response_time;
            scope.assume(step);
            let request = self
                .names
                .entry((played.class, Arc::clone(task.name()), index))
                .or_insert_with(|| {
                    Arc::new(RequestName {
                        method: step.method.as_str().into(),
                        name: step.name.as_ref().into(),
                    })
                });
            let outcome = Outcome {
                request: Arc::clone(request),
                completed_at: sending.now,
                response_time,
                content_length: CONTENT_LENGTH,
                error: None,
                trace: None,
                lateness: sending.lateness.take(),
                cold: false,
                stream: step.stream.as_ref().map(|_| Box::new(STREAMED)),
                measured: step.assumed_measured(),
            };
            played.tick.requests += 1;
            played.events.push((sending.now, Event::Outcome(outcome)));
        }
    }
}

impl Played {
    /// Notes an iteration's fate.
    fn note(&mut self, at: Timestamp, item: &Due, fate: Fate) {
        let entry = IterationEntry {
            user: (item.user - self.first_user) as u8,
            ordinal: item.ordinal,
            fate,
        };
        self.events.push((at, Event::Iteration(entry)));
    }
}

/// The payloads' sizes of the records that the journal writes, and the end of the last write.
fn records(
    mut events: Vec<(Timestamp, Event)>,
    all_started: Timestamp,
    slot: Slot,
) -> (Vec<u64>, Timestamp) {
    events.sort_by_key(|(at, _)| *at);
    let last = events.last().map_or(all_started, |(at, _)| *at);
    let mut sizes = Vec::new();
    let mut write = |pending: &mut Contents, now| {
        let parts = by_bucket(std::mem::take(pending), now);
        let encoded = parts.into_iter().map(|(_, mut part)| part.encode(slot));
        sizes.extend(encoded.map(|payload| payload.len() as u64));
    };
    let mut pending = Contents::default();
    let mut since = None;
    for (at, event) in events {
        // nothing is written before the last iteration has started
        let flush_at = since.map(|since: Timestamp| (since + FLUSH_AFTER).max(all_started));
        if flush_at.is_some_and(|flush_at| flush_at <= at) {
            write(&mut pending, at);
            since = None;
        }
        since.get_or_insert(at);
        match event {
            Event::Outcome(outcome) => pending.outcomes.push(outcome),
            Event::Iteration(entry) => pending.iterations.push(entry),
        }
    }
    write(&mut pending, last);
    (sizes, last.max(all_started) + aws_calls::WRITE_TAKES)
}
