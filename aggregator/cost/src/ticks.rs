//! One tick played through: who is due, what its requests take, and what is written when.
//!
//! Follows `traffic::tick` and `traffic::journal` step by step, with drawn response times in place of a
//! network. Which task an iteration has and which of its requests are sent is what the run really does.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use traffic::clock::{Slot, Timestamp};
use traffic::plan::{Due, Next};
use traffic::random::{Draws, class_key, mix};
use traffic::record::wire::Contents;
use traffic::record::{Block, Bucket, Fate, IterationEntry, Outcome, RequestName};
use traffic::runs::LoadedRun;
use traffic::workload::{Scope, Step, Wait};

use super::aws_calls;
use super::assumptions::Assumptions;
use super::calls::Calls;

/// How long a completed outcome may wait for others: `traffic::journal`.
const FLUSH_AFTER: Duration = Duration::from_millis(1500);

/// Keeps the draws for response times apart from the run's own.
const RESPONSE_STREAM: u64 = 0x7e5b_0000_0000_0001;

/// What targets answer is about so long.
const CONTENT_LENGTH: u64 = 1_000;

/// How late a request is sent.
const LATENESS: Duration = Duration::from_millis(2);

/// Plays ticks in the order of their slots.
pub(super) struct Ticks<'r> {
    run: &'r LoadedRun,
    assumptions: &'r Assumptions,
    /// Until when a user is busy, by class and user.
    busy: HashMap<(usize, u32), Timestamp>,
    names: HashMap<*const Step, Arc<RequestName>>,
}

/// What one tick did.
#[derive(Debug, Default)]
pub(super) struct Tick {
    /// When all of it was written.
    pub(super) ends: Timestamp,
    /// When iterations looked whether the run goes on: before each request but their first.
    pub(super) looks: Vec<Timestamp>,
    executed: u64,
    skipped: u64,
    requests: u64,
    /// Iterations that said in the store that their user is busy.
    markers: u64,
    marker_reads: u64,
    /// Sizes of the records' items.
    records: Vec<u64>,
}

/// A tick while it is played.
struct Played {
    class: usize,
    first_user: u32,
    tick: Tick,
    events: Vec<(Timestamp, Event)>,
}

/// What happens in a tick at some instant.
enum Event {
    Outcome(Outcome),
    Iteration(IterationEntry),
}

impl Tick {
    /// Notes its calls.
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
    /// Nobody is busy yet.
    pub(super) fn new(run: &'r LoadedRun, assumptions: &'r Assumptions) -> Self {
        Self {
            run,
            assumptions,
            busy: HashMap::new(),
            names: HashMap::new(),
        }
    }

    /// Plays a tick.
    pub(super) fn execute(&mut self, class: usize, block: Block, slot: Slot, due: &[Due]) -> Tick {
        let mut played = Played {
            class,
            first_user: self.run.plan.run().block_size.first_user(block),
            tick: Tick {
                marker_reads: self.marker_reads(class, due),
                ..Tick::default()
            },
            events: Vec::new(),
        };
        for item in due {
            match self.run.plan.classes()[class].wait {
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
        let weigh = |payload: &mut u64| *payload = aws_calls::record_bytes(class, *payload);
        tick.records.iter_mut().for_each(weigh);
        tick
    }

    /// How many requests have a name of their own, of those that were sent.
    pub(super) fn names(&self) -> u64 {
        self.names.len() as u64
    }

    /// An iteration whose instant the plan has set, unless its user is busy.
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

    /// Whether an iteration still goes on a lead before its user is due in a later slot.
    fn is_marked(&self, class: usize, item: &Due, slot: Slot, ends: Timestamp) -> bool {
        let lead = self.lead(class);
        let later = (1..).map(|later| slot.plus(later));
        let mut later = later.take_while(|slot| slot.full_second() < ends + lead);
        self.may_overlap(class)
            && later
                .find_map(
                    |slot| match self.run.plan.first_due(class, item.user, slot) {
                        Next::Due(next) => Some(next.at < ends + lead),
                        Next::Nothing => None,
                        Next::Gone => Some(true),
                    },
                )
                .unwrap_or(false)
    }

    /// How often a tick looks who is busy elsewhere.
    fn marker_reads(&self, class: usize, due: &[Due]) -> u64 {
        if let Wait::Constant(_) = self.run.plan.classes()[class].wait {
            return 1;
        }
        if !self.may_overlap(class) {
            return 0;
        }
        let holds_for = self.lead(class).saturating_sub(aws_calls::ARRIVES);
        let mut read_at: Option<Timestamp> = None;
        let mut reads = 0;
        for item in due {
            let holds = |read_at| item.ordinal > 0 || read_at >= item.at - holds_for;
            if !read_at.is_some_and(holds) {
                read_at = Some(item.at - aws_calls::READING_TAKES);
                reads += 1;
            }
        }
        reads
    }

    /// How long before its user is next due an iteration is marked.
    fn lead(&self, class: usize) -> Duration {
        let spacing = match self.run.plan.classes()[class].wait {
            Wait::Between { min, .. } => min / 2,
            Wait::ConstantPacing(pacing) => pacing / 2,
            Wait::Poisson(mean) => mean / 8,
            Wait::Constant(_) => Duration::ZERO,
        };
        aws_calls::MARKER_LEAD.min(spacing.max(2 * aws_calls::ARRIVES))
    }

    /// Whether an iteration can last until its user's next one at all.
    fn may_overlap(&self, class: usize) -> bool {
        let shortest = match self.run.plan.classes()[class].wait {
            Wait::Between { min, .. } => min,
            Wait::ConstantPacing(pacing) => pacing,
            Wait::Constant(_) | Wait::Poisson(_) => return true,
        };
        let longest = self.run.workload.classes()[class].longest_iteration();
        longest + aws_calls::MARKER_LEAD >= shortest
    }

    /// A user's turn under `constant`: it loops, each time after the response.
    fn turn(&mut self, item: &Due, rest: Duration, played: &mut Played) {
        let user = (played.class, item.user);
        let stop = item.until - aws_calls::GAP;
        let free = self.busy.get(&user).copied().unwrap_or_default();
        let mut next = free.max(item.at);
        let mut ends = item.at;
        let mut iteration = item.iteration;
        while next < stop {
            ends = self.send(item, iteration, next, played);
            if ends >= item.until - aws_calls::ARRIVES {
                played.tick.markers += 1;
            }
            next = ends + rest;
            iteration += 1;
            played.tick.executed += 1;
        }
        self.busy.insert(user, next);
        played.note(ends, item, Fate::Done);
    }

    /// Sends an iteration's requests one after the other; says when the last was answered.
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
        let task = class.choose_task(&mut draws);
        let mut scope = Scope::new(class, task, item.user, iteration, draws);
        let mut taken = Draws::keyed(mix(key ^ RESPONSE_STREAM), item.user, iteration);
        let mut lateness = Some(LATENESS);
        let mut now = at;
        let mut has_begun = false;
        for step in scope.order(task).map(|index| &task.steps()[index]) {
            if !scope.begin(step) {
                continue;
            }
            if std::mem::replace(&mut has_begun, true) {
                played.tick.looks.push(now);
            }
            let times = &self.assumptions.response_times;
            let response_time = times.draw(class.name(), step, &mut taken);
            now = now + response_time;
            let request = self
                .names
                .entry(std::ptr::from_ref(step))
                .or_insert_with(|| name(step));
            let outcome = Outcome {
                request: Arc::clone(request),
                completed_at: now,
                response_time,
                content_length: CONTENT_LENGTH,
                error: None,
                trace: None,
                lateness: lateness.take(),
                cold: false,
            };
            played.tick.requests += 1;
            played.events.push((now, Event::Outcome(outcome)));
        }
        now
    }
}

impl Played {
    /// Notes what became of an iteration.
    fn note(&mut self, at: Timestamp, item: &Due, fate: Fate) {
        let entry = IterationEntry {
            user: (item.user - self.first_user) as u8,
            ordinal: item.ordinal,
            fate,
        };
        self.events.push((at, Event::Iteration(entry)));
    }
}

/// The payloads' sizes of the records that the journal writes of what happens, and when the last is written.
fn records(
    mut events: Vec<(Timestamp, Event)>,
    all_started: Timestamp,
    slot: Slot,
) -> (Vec<u64>, Timestamp) {
    events.sort_by_key(|(at, _)| *at);
    let last = events.last().map_or(all_started, |(at, _)| *at);
    let mut sizes = Vec::new();
    let mut pending: Vec<(Timestamp, Event)> = Vec::new();
    for (at, event) in events {
        // nothing is written before the last iteration has started
        let flush_at = pending.first().map(|(since, _)| *since + FLUSH_AFTER);
        if flush_at.is_some_and(|flush_at| flush_at.max(all_started) <= at) {
            write(std::mem::take(&mut pending), slot, &mut sizes);
        }
        pending.push((at, event));
    }
    write(pending, slot, &mut sizes);
    (sizes, last.max(all_started) + aws_calls::WRITE_TAKES)
}

/// Writes what is pending: a record for each bucket that something was completed in.
fn write(pending: Vec<(Timestamp, Event)>, slot: Slot, sizes: &mut Vec<u64>) {
    let completed = pending.iter().filter_map(|(at, event)| match event {
        Event::Outcome(_) => Some(Bucket::of(*at)),
        Event::Iteration(_) => None,
    });
    let buckets: BTreeSet<Bucket> = completed.collect();
    let newest = buckets.last().copied();
    let mut contents: HashMap<Option<Bucket>, Contents> = HashMap::new();
    for (at, event) in pending {
        match event {
            Event::Outcome(outcome) => {
                let part = contents.entry(Some(Bucket::of(at))).or_default();
                part.outcomes.push(outcome);
            }
            // what has no time of completion goes with the newest outcomes
            Event::Iteration(entry) => contents.entry(newest).or_default().iterations.push(entry),
        }
    }
    let payloads = contents.values_mut().map(|part| part.encode(slot).len());
    sizes.extend(payloads.map(|bytes| bytes as u64));
}

fn name(step: &Step) -> Arc<RequestName> {
    Arc::new(RequestName {
        method: step.method.as_str().into(),
        name: step.name.as_ref().into(),
    })
}
