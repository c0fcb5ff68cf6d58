//! The tick function's side: wake-ups in messages, messages in invocations, invocations in execution
//! environments.

use std::time::Duration;

use traffic::clock::{Slot, Timestamp};
use traffic::fanout::FAR_STRIDE;
use traffic::plan::Due;
use traffic::record::Block;
use traffic::requests_at_once::ticks_of_message;
use traffic::runs::{LoadedRun, is_fresh};

use super::assumptions::Assumptions;
use super::aws_calls;
use super::calls::{Calls, Function};
use super::ticks::Ticks;

/// Lambda takes an environment away that was idle for about this long.
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
    /// A player without environments.
    pub(super) fn new(run: &'r LoadedRun, assumptions: &'r Assumptions) -> Self {
        Self {
            run,
            assumptions,
            ticks: Ticks::new(run, assumptions),
            environments: Vec::new(),
        }
    }

    /// The number of named requests that were sent.
    pub(super) fn names(&self) -> u64 {
        self.ticks.names()
    }

    /// Adds the calls of slots, which must follow those played before.
    pub(super) fn play(&mut self, from: Slot, until: Slot, calls: &mut Calls) {
        let mut waiting = 0;
        for slot in (from.0..until.0).map(Slot) {
            let due = self.run.plan.slot(slot);
            let mut left = &*due;
            let mut sent = 0;
            while !left.is_empty() {
                let users = left.iter().map(|(.., due)| users(due));
                let ticks = ticks_of_message(users, self.assumptions.ticks_per_message);
                let (message, rest) = left.split_at(ticks);
                left = rest;
                sent += 1;
                let (ends, looks) = self.execute(slot, message, calls);
                self.invoke(slot, ends, &looks, calls);
            }
            calls.messages += sent;
            waiting += sent;
            if slot.plus(1).0.is_multiple_of(FAR_STRIDE) || slot.plus(1) == until {
                calls.add(aws_calls::SEND, waiting.div_ceil(aws_calls::SEND_BATCH), 1);
                waiting = 0;
            }
            calls.add(aws_calls::RECEIVE, sent, 1);
            calls.add(aws_calls::DELETE, sent, 1);
        }
    }

    /// Executes a message's ticks: the end of the last, and the instants at which iterations asked for the run.
    fn execute(
        &mut self,
        slot: Slot,
        message: &[TickDue],
        calls: &mut Calls,
    ) -> (Timestamp, Vec<Timestamp>) {
        calls.ticks += message.len() as u64;
        calls.message_ticks = calls.message_ticks.max(message.len() as u64);
        let mut ends = slot.full_second();
        let mut looks = Vec::new();
        let requests = calls.requests;
        for (class, block, due) in message {
            let tick = self.ticks.execute(*class, *block, slot, due);
            tick.count(calls);
            ends = ends.max(tick.ends);
            looks.extend(tick.looks);
        }
        calls.message_requests = calls.message_requests.max(calls.requests - requests);
        looks.sort_unstable();
        (ends, looks)
    }

    /// Gives a message that lasts until `ends` to an environment: as Lambda does, to one that is free, or a new one.
    fn invoke(&mut self, slot: Slot, ends: Timestamp, looks: &[Timestamp], calls: &mut Calls) {
        let begins = slot.full_second() - aws_calls::EARLY;
        let ends = ends + aws_calls::INVOCATION_ENDS;
        self.environments
            .retain(|environment| environment.free_at + KEPT_IDLE > begins);
        let free = self.environments.iter_mut();
        let free = free.filter(|environment| environment.free_at <= begins);
        let reads = match free.max_by_key(|environment| environment.free_at) {
            Some(environment) => environment.take(begins, ends, looks),
            None => {
                let mut environment = Environment {
                    free_at: ends,
                    run_read_at: begins,
                };
                // while it starts it reads the newest run and its workload
                calls.add(aws_calls::LATEST_RUN, 1, 1);
                calls.add(aws_calls::WORKLOAD, 1, aws_calls::WORKLOAD_UNITS);
                let reads = 1 + environment.take(begins, ends, looks);
                self.environments.push(environment);
                reads
            }
        };
        calls.add(aws_calls::RUN, reads, 1);
        let busy = self.environments.iter();
        let busy = busy.filter(|environment| environment.free_at > begins);
        calls.concurrency = calls.concurrency.max(busy.count() as u64);
        calls.invoke(Function::Tick, ends.since(begins), 0);
    }
}

impl Environment {
    /// Takes a message: the number of reads of the run, each for a copy that was too old when it was asked for.
    fn take(&mut self, begins: Timestamp, ends: Timestamp, looks: &[Timestamp]) -> u64 {
        self.free_at = ends;
        let mut reads = 0;
        for &look in [begins].iter().chain(looks) {
            if !is_fresh(self.run_read_at, look) {
                self.run_read_at = look;
                reads += 1;
            }
        }
        reads
    }
}

/// The users of whom anything is due in a tick.
fn users(due: &[Due]) -> usize {
    let mut users: Vec<u32> = due.iter().map(|due| due.user).collect();
    users.sort_unstable();
    users.dedup();
    users.len()
}
