//! The calls of a stretch of a run: every service and operation, counted, without a price.
//!
//! What makes them is in `stretch`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::aws_calls;
use super::call::{Call, Service};

/// The functions of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Function {
    Tick,
    FanOut,
    Aggregator,
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
