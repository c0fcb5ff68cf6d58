//! The calls of a stretch of a run: every service and operation, counted, without a price.
//!
//! The stretch is played through: every tick of the plan is claimed, executes the requests that its draws
//! say with response times that are assumed, and writes the records that the journal would write.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use traffic::clock::Slot;
use traffic::runs::LoadedRun;

use super::assumptions::Assumptions;
use super::aws_calls;
use super::lambda_environments::Player;
use super::minute_overhead;

/// Services that charge by the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[allow(missing_docs)]
pub enum Service {
    #[serde(rename = "DynamoDB")]
    DynamoDb,
    #[serde(rename = "SQS")]
    Sqs,
    Scheduler,
}

/// The functions of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Function {
    Tick,
    FanOut,
    Aggregator,
}

/// One kind of call: the operation of AWS's API, and its purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[allow(missing_docs)]
pub struct Call {
    pub service: Service,
    pub operation: &'static str,
    pub purpose: &'static str,
}

/// The number of calls, and their charge: write or read units, or requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Usage {
    pub calls: u64,
    pub units: u64,
}

/// A function's invocations, their duration, and the log lines of the function and of Lambda as they are charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Invocations {
    pub count: u64,
    pub busy_ms: u64,
    pub log_bytes: u64,
}

/// The calls of a stretch of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Calls {
    pub seconds: u64,
    pub iterations: u64,
    /// Iterations whose user was still busy.
    pub skipped: u64,
    pub requests: u64,
    pub ticks: u64,
    pub messages: u64,
    /// Executions of the tick function at once, at most.
    pub concurrency: u64,
    /// Ticks of one message, at most.
    pub message_ticks: u64,
    /// Requests of one message, at most.
    pub message_requests: u64,
    /// Shards of the run's records.
    pub shards: u64,
    /// Bytes of records, as the store charges for keeping them.
    pub record_bytes: u64,
    pub claim_bytes: u64,
    #[serde(serialize_with = "as_list")]
    pub calls: BTreeMap<Call, Usage>,
    pub functions: BTreeMap<Function, Invocations>,
}

/// The calls of a run's slots from `from` on and before `until`.
///
/// Nothing is in flight to begin with, as where a run starts.
pub fn calls(run: &LoadedRun, from: Slot, until: Slot, assumptions: &Assumptions) -> Calls {
    calls_of_windows(run, [(from, from, until)], assumptions)
}

/// The calls of windows of a run that follow one another, `(begins, from, until)` of each: it is played with what the slots
/// since `begins` have left in flight.
pub(super) fn calls_of_windows(
    run: &LoadedRun,
    windows: impl IntoIterator<Item = (Slot, Slot, Slot)>,
    assumptions: &Assumptions,
) -> Calls {
    let mut player = Player::new(run, assumptions);
    let mut calls = Calls {
        shards: u64::from(run.plan.shards()),
        ..Calls::default()
    };
    let mut minutes = 0;
    for (begins, from, until) in windows {
        player.play(begins, from, &mut Calls::default());
        player.play(from, until, &mut calls);
        calls.seconds += until.0.saturating_sub(from.0);
        minutes += until.0.div_ceil(60).saturating_sub(from.0.div_ceil(60));
    }
    minute_overhead::play(minutes, player.names(), &mut calls);
    calls
}

/// The calls of watching for `time` while `during` goes on: a page that asks for statistics every
/// [`Assumptions::poll_every`].
pub fn watching(during: &Calls, time: Duration, assumptions: &Assumptions) -> Calls {
    let mut calls = Calls {
        seconds: time.as_secs(),
        ..Calls::default()
    };
    minute_overhead::watch(during, time, assumptions, &mut calls);
    calls
}

/// The calls that a start and a stop make, beside those of the run that they begin and end.
pub fn switching(during: &Calls) -> Calls {
    minute_overhead::switching(during)
}

/// The queue's idle polling, which goes on while a run is on.
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
    /// The usage of one kind of call.
    pub(super) fn of(&self, call: Call) -> Usage {
        self.calls.get(&call).copied().unwrap_or_default()
    }

    /// Adds calls of one kind, charged as `units` each.
    pub(super) fn add(&mut self, call: Call, times: u64, units: u64) {
        let usage = self.calls.entry(call).or_default();
        usage.calls += times;
        usage.units += times * units;
    }

    /// Adds one invocation.
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
