//! The tick function's side: wake-ups in messages, messages in invocations, invocations in execution
//! environments.

use std::time::Duration;

use traffic::clock::{Slot, Timestamp};
use traffic::fanout::STRIDE;
use traffic::plan::Due;
use traffic::record::Block;
use traffic::runs::LoadedRun;

use super::adapters;
use super::assumptions::Assumptions;
use super::calls::{Calls, Function};
use super::ticks::Ticks;

/// A process's copy of the run is read again after so long: `traffic::runs`.
const FRESH_FOR: Duration = Duration::from_millis(900);

/// Slots that are sent one by one when a run starts: `traffic::fanout`.
const SOON: u64 = 3;

/// An environment that nothing came to for so long is taken away by Lambda.
const KEPT_IDLE: Duration = Duration::from_secs(5 * 60);

/// A tick and what is due in it: class number, block, iterations.
type TickDue = (usize, Block, Vec<Due>);

/// One execution environment: a process that handles one message after the other.
#[derive(Clone, Copy, Debug)]
struct Environment {
    free_at: Timestamp,
    run_read_at: Timestamp,
}

/// The tick function over a stretch of slots, which may be played in several parts.
pub(super) struct Player<'r> {
    run: &'r LoadedRun,
    assumptions: &'r Assumptions,
    ticks: Ticks<'r>,
    environments: Vec<Environment>,
}

impl<'r> Player<'r> {
    /// Nothing is in flight, and no environment is there.
    pub(super) fn new(run: &'r LoadedRun, assumptions: &'r Assumptions) -> Self {
        Self {
            run,
            assumptions,
            ticks: Ticks::new(run, assumptions),
            environments: Vec::new(),
        }
    }

    /// How many requests have a name of their own, of those that were sent.
    pub(super) fn names(&self) -> u64 {
        self.ticks.names()
    }

    /// Plays slots, which must follow those played before.
    pub(super) fn play(&mut self, from: Slot, until: Slot, calls: &mut Calls) {
        let starts = self.run.plan.run().first_slot();
        let mut waiting = 0;
        for slot in (from.0..until.0).map(Slot) {
            let due = self.run.plan.slot(slot);
            let messages = due.chunks(self.assumptions.ticks_per_message.max(1));
            let sent = messages.len() as u64;
            for message in messages {
                let ends = self.execute(slot, message, calls);
                self.invoke(slot, ends, calls);
            }
            calls.messages += sent;
            waiting += sent;
            // what begins soon is sent slot by slot, the rest in strides that end with a minute
            let is_soon = slot < starts.plus(SOON);
            if is_soon || slot.plus(1).0.is_multiple_of(STRIDE) || slot.plus(1) == until {
                calls.add(adapters::SEND, waiting.div_ceil(adapters::SEND_BATCH), 1);
                waiting = 0;
            }
            calls.add(adapters::RECEIVE, sent, 1);
            calls.add(adapters::DELETE, sent, 1);
        }
    }

    /// Executes a message's ticks; says when the last of them ends.
    fn execute(&mut self, slot: Slot, message: &[TickDue], calls: &mut Calls) -> Timestamp {
        calls.ticks += message.len() as u64;
        let ends = message.iter().map(|(class, block, due)| {
            let tick = self.ticks.execute(*class, *block, slot, due);
            tick.count(calls);
            tick.ends
        });
        ends.max().unwrap_or(slot.full_second())
    }

    /// Has an environment busy with a message until `ends`: as Lambda does it, one that is free, or a
    /// new one.
    fn invoke(&mut self, slot: Slot, ends: Timestamp, calls: &mut Calls) {
        let begins = slot.full_second() - adapters::EARLY;
        let ends = ends + adapters::INVOCATION_ENDS;
        self.environments
            .retain(|environment| environment.free_at + KEPT_IDLE > begins);
        let free = self.environments.iter_mut();
        let free = free.filter(|environment| environment.free_at <= begins);
        let reads_run = match free.max_by_key(|environment| environment.free_at) {
            Some(environment) => environment.take(begins, ends),
            None => {
                self.environments.push(Environment {
                    free_at: ends,
                    run_read_at: begins,
                });
                // while it starts it reads the newest run and its workload
                calls.add(adapters::LATEST_RUN, 1, 1);
                calls.add(adapters::WORKLOAD, 1, adapters::WORKLOAD_UNITS);
                true
            }
        };
        calls.add(adapters::RUN, u64::from(reads_run), 1);
        let busy = self.environments.iter();
        let busy = busy.filter(|environment| environment.free_at > begins);
        calls.concurrency = calls.concurrency.max(busy.count() as u64);
        calls.invoke(Function::Tick, ends.since(begins), adapters::TICK_LOG);
    }
}

impl Environment {
    /// Has it busy; true if its copy of the run has grown old.
    fn take(&mut self, begins: Timestamp, ends: Timestamp) -> bool {
        self.free_at = ends;
        let is_stale = begins.since(self.run_read_at) >= FRESH_FOR;
        if is_stale {
            self.run_read_at = begins;
        }
        is_stale
    }
}
