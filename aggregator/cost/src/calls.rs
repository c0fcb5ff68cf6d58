//! Which calls a stretch of a run makes: every service and operation, counted, without a price.
//!
//! The stretch is played through: every tick of the plan is claimed, executes the requests that its draws
//! say with response times that are assumed, and writes the records that the journal would write.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use traffic::clock::Slot;
use traffic::runs::LoadedRun;

use super::aws_calls;
use super::assumptions::Assumptions;
use super::minute_overhead;
use super::lambda_environments::Player;

/// Services that are called and charged by the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Service {
    /// The store.
    #[serde(rename = "DynamoDB")]
    DynamoDb,
    /// The queue.
    #[serde(rename = "SQS")]
    Sqs,
    /// The heartbeat.
    Scheduler,
}

/// The functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    /// Executes ticks.
    Tick,
    /// Sends wake-ups, once a minute.
    FanOut,
    /// Answers who watches.
    Aggregator,
}

/// One kind of call, and what it is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Call {
    /// Whom.
    pub service: Service,
    /// The API operation, in AWS's words.
    pub operation: &'static str,
    /// What for.
    pub purpose: &'static str,
}

/// How often a call is made, and what it is charged as: write or read units, or requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Calls.
    pub calls: u64,
    /// What they are charged as.
    pub units: u64,
}

/// What a function does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Invocations {
    /// How often it is invoked.
    pub count: u64,
    /// How long it runs in all of them, in milliseconds.
    pub busy_ms: u64,
    /// What it and Lambda log, in bytes as they are charged.
    pub log_bytes: u64,
}

/// What a stretch of a run comes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Calls {
    /// Length of the stretch.
    pub seconds: u64,
    /// Iterations that were executed.
    pub iterations: u64,
    /// Iterations whose user was still busy.
    pub skipped: u64,
    /// Requests to the targets.
    pub requests: u64,
    /// Ticks that had anything due.
    pub ticks: u64,
    /// Messages that carried them.
    pub messages: u64,
    /// Executions of the tick function at once, at most.
    pub concurrency: u64,
    /// How many shards the run's records are in.
    pub shards: u64,
    /// Bytes of records that were written, as the store charges for keeping them.
    pub record_bytes: u64,
    /// Bytes of claims that were written.
    pub claim_bytes: u64,
    /// What was called.
    #[serde(serialize_with = "as_list")]
    pub calls: BTreeMap<Call, Usage>,
    /// What was invoked.
    pub functions: BTreeMap<Function, Invocations>,
}

/// Plays the slots from `from` on, before `until`, of a run.
///
/// Nothing is in flight to begin with, as where a run starts.
pub fn calls(run: &LoadedRun, from: Slot, until: Slot, assumptions: &Assumptions) -> Calls {
    calls_after(run, from, from, until, assumptions)
}

/// The same, with what the slots since `begins` have left in flight.
pub(super) fn calls_after(
    run: &LoadedRun,
    begins: Slot,
    from: Slot,
    until: Slot,
    assumptions: &Assumptions,
) -> Calls {
    let mut player = Player::new(run, assumptions);
    player.play(begins, from, &mut Calls::default());
    let mut calls = Calls {
        seconds: until.0.saturating_sub(from.0),
        shards: u64::from(run.plan.shards()),
        ..Calls::default()
    };
    player.play(from, until, &mut calls);
    minute_overhead::play(from, until, player.names(), &mut calls);
    calls
}

/// What watching takes for `time` while `during` goes on: a page that asks for statistics every
/// [`Assumptions::poll_every`].
pub fn watching(during: &Calls, time: Duration, assumptions: &Assumptions) -> Calls {
    let mut calls = Calls {
        seconds: time.as_secs(),
        ..Calls::default()
    };
    minute_overhead::watch(during, time, assumptions, &mut calls);
    calls
}

/// The queue's idle polling, which goes on also while nothing runs.
pub fn idle(time: Duration) -> Calls {
    let mut calls = Calls {
        seconds: time.as_secs(),
        ..Calls::default()
    };
    let polls = time.as_secs_f64() / aws_calls::LONG_POLL.as_secs_f64() * aws_calls::POLLERS;
    calls.add(aws_calls::IDLE_RECEIVE, polls.round() as u64, 1);
    calls
}

impl Calls {
    /// How often a call was made.
    pub(super) fn of(&self, call: Call) -> Usage {
        self.calls.get(&call).copied().unwrap_or_default()
    }

    /// Notes calls of one kind, charged as `units` each.
    pub(super) fn add(&mut self, call: Call, times: u64, units: u64) {
        let usage = self.calls.entry(call).or_default();
        usage.calls += times;
        usage.units += times * units;
    }

    /// Notes one invocation.
    pub(super) fn invoke(&mut self, function: Function, busy: Duration, logged: u64) {
        let invocations = self.functions.entry(function).or_default();
        invocations.count += 1;
        // Lambda rounds each one up
        invocations.busy_ms += busy.as_micros().div_ceil(1_000) as u64;
        invocations.log_bytes += aws_calls::PLATFORM_LOG + logged;
    }

    /// Calls by service and operation as requests name them: `DynamoDB.PutItem`, `AmazonSQS.SendMessageBatch`.
    ///
    /// Messages are received and deleted, and the heartbeat is fired, by AWS itself and not by the functions.
    pub fn by_operation(&self) -> BTreeMap<String, u64> {
        let mut by_operation = BTreeMap::new();
        for (call, usage) in &self.calls {
            let service = match call.service {
                Service::DynamoDb => "DynamoDB",
                Service::Sqs => "AmazonSQS",
                Service::Scheduler => "Scheduler",
            };
            let name = format!("{service}.{}", call.operation);
            *by_operation.entry(name).or_default() += usage.calls;
        }
        by_operation
    }

    /// Units of writing to the store.
    pub fn write_units(&self) -> u64 {
        self.units(|call| call.is_write())
    }

    /// Units of reading from the store.
    pub fn read_units(&self) -> u64 {
        self.units(|call| call.service == Service::DynamoDb && !call.is_write())
    }

    /// Requests to a service.
    pub fn requests_to(&self, service: Service) -> u64 {
        self.units(|call| call.service == service)
    }

    fn units(&self, counts: impl Fn(&Call) -> bool) -> u64 {
        let counted = self.calls.iter().filter(|(call, _)| counts(call));
        counted.map(|(_, usage)| usage.units).sum()
    }
}

impl Call {
    /// Whether the store charges it as a write.
    pub fn is_write(&self) -> bool {
        self.service == Service::DynamoDb && !matches!(self.operation, "GetItem" | "Query")
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tick => "tick",
            Self::FanOut => "fan-out",
            Self::Aggregator => "aggregator",
        })
    }
}

/// One object for each kind of call.
fn as_list<S: serde::Serializer>(
    calls: &BTreeMap<Call, Usage>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Entry<'c> {
        #[serde(flatten)]
        call: &'c Call,
        #[serde(flatten)]
        usage: &'c Usage,
    }
    serializer.collect_seq(calls.iter().map(|(call, usage)| Entry { call, usage }))
}
