//! From calls to money: what a month comes to, line by line.

use serde::Serialize;
use utoipa::ToSchema;

use super::aws_calls;
use super::assumptions::{Architecture, Assumptions};
use super::calls::{Calls, Function, Service};
use super::hours::HOURS_IN_MONTH;
use super::prices::Prices;

/// Bytes in what AWS calls a GB when it charges for keeping things.
const GB: f64 = 1_073_741_824.0;

const MILLION: f64 = 1e6;

/// Days in a month, on average.
const DAYS_IN_MONTH: f64 = HOURS_IN_MONTH / 24.0;

/// Custom metrics that exist while a run is on.
const METRICS: f64 = 2.0;

/// The order of lines.
const SERVICES: [&str; 5] = ["Lambda", "DynamoDB", "SQS", "Scheduler", "CloudWatch"];

/// One line: so much of something, and what it costs.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Line {
    /// The service, by AWS's name.
    pub service: &'static str,
    /// What of it.
    pub item: String,
    /// How much.
    pub quantity: f64,
    /// Of what.
    pub unit: &'static str,
    /// US$.
    pub usd: f64,
}

/// Calls, so often in a month.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share<'c> {
    /// What is called in a stretch of time.
    pub(super) calls: &'c Calls,
    /// How many such stretches a month has.
    pub(super) times: f64,
}

impl<'c> Share<'c> {
    /// What goes on for so many hours of a month.
    pub(super) fn of_hours(calls: &'c Calls, hours: f64) -> Self {
        let stretch = calls.seconds as f64 / 3_600.0;
        let times = if stretch > 0.0 { hours / stretch } else { 0.0 };
        Self { calls, times }
    }
}

/// A month's lines; those that come to nothing are left out.
pub(super) fn month(
    shares: &[Share<'_>],
    running_hours: f64,
    assumptions: &Assumptions,
    prices: &Prices,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for function in [Function::Tick, Function::FanOut, Function::Aggregator] {
        lambda(&mut lines, shares, function, assumptions, prices);
    }
    calls(&mut lines, shares, prices);
    kept(&mut lines, shares, assumptions, prices);
    watched(&mut lines, shares, running_hours, assumptions, prices);
    lines.retain(|line| line.quantity > 0.0);
    lines.sort_by_key(|line| SERVICES.iter().position(|service| *service == line.service));
    lines
}

fn lambda(
    lines: &mut Vec<Line>,
    shares: &[Share<'_>],
    function: Function,
    assumptions: &Assumptions,
    prices: &Prices,
) {
    let invocations = |share: &Share<'_>| share.calls.functions.get(&function).copied();
    let count = sum(shares, |share| {
        invocations(share).map_or(0, |all| all.count)
    });
    let busy_ms = sum(shares, |share| {
        invocations(share).map_or(0, |all| all.busy_ms)
    });
    let (memory_mb, gb_second) = match (function, assumptions.architecture) {
        (Function::Tick, Architecture::X86) => {
            (assumptions.tick_memory_mb, prices.lambda.gb_second_x86)
        }
        (Function::Tick, Architecture::Arm) => {
            (assumptions.tick_memory_mb, prices.lambda.gb_second_arm)
        }
        (_, Architecture::X86) => (assumptions.other_memory_mb, prices.lambda.gb_second_x86),
        (_, Architecture::Arm) => (assumptions.other_memory_mb, prices.lambda.gb_second_arm),
    };
    let gb_seconds = busy_ms / 1_000.0 * f64::from(memory_mb) / 1_024.0;
    lines.push(Line {
        service: "Lambda",
        item: format!("{function}: invocations"),
        quantity: count,
        unit: "requests",
        usd: count / MILLION * prices.lambda.million_requests,
    });
    lines.push(Line {
        service: "Lambda",
        item: format!("{function}: {memory_mb} MB"),
        quantity: gb_seconds,
        unit: "GB-seconds",
        usd: gb_seconds * gb_second,
    });
}

/// What is charged by the call, one line for each purpose.
fn calls(lines: &mut Vec<Line>, shares: &[Share<'_>], prices: &Prices) {
    let mut known: Vec<_> = shares
        .iter()
        .flat_map(|share| share.calls.calls.keys())
        .collect();
    known.sort();
    known.dedup();
    for call in known {
        let quantity = sum(shares, |share| share.calls.of(*call).units);
        let (service, unit, million) = match call.service {
            Service::DynamoDb if call.is_write() => (
                "DynamoDB",
                "write units",
                prices.dynamodb.million_write_units,
            ),
            Service::DynamoDb => ("DynamoDB", "read units", prices.dynamodb.million_read_units),
            Service::Sqs => ("SQS", "requests", prices.sqs.million_requests),
            Service::Scheduler => (
                "Scheduler",
                "invocations",
                prices.scheduler.million_invocations,
            ),
        };
        lines.push(Line {
            service,
            item: format!("{} ({})", call.purpose, call.operation),
            quantity,
            unit,
            usd: quantity / MILLION * million,
        });
    }
}

/// What is charged by the time it is kept, once it has been going on for as long as it is kept.
fn kept(lines: &mut Vec<Line>, shares: &[Share<'_>], assumptions: &Assumptions, prices: &Prices) {
    let gb_months = |bytes: f64, days: f64| bytes / GB * days / DAYS_IN_MONTH;
    let record_bytes = sum(shares, |share| share.calls.record_bytes);
    let claim_bytes = sum(shares, |share| share.calls.claim_bytes);
    let stored = gb_months(record_bytes, assumptions.retention_days)
        + gb_months(claim_bytes, aws_calls::CLAIMS_STAY_DAYS);
    lines.push(Line {
        service: "DynamoDB",
        item: format!("storage for {} days", assumptions.retention_days),
        quantity: stored,
        unit: "GB-months",
        usd: stored * prices.dynamodb.gb_month,
    });
    let logged = sum(shares, |share| {
        let functions = share.calls.functions.values();
        functions.map(|function| function.log_bytes).sum()
    });
    lines.push(Line {
        service: "CloudWatch",
        item: "logs written".into(),
        quantity: logged / GB,
        unit: "GB",
        usd: logged / GB * prices.cloudwatch.logs_gb,
    });
    let kept = gb_months(logged, assumptions.log_retention_days);
    lines.push(Line {
        service: "CloudWatch",
        item: format!("logs kept for {} days", assumptions.log_retention_days),
        quantity: kept,
        unit: "GB-months",
        usd: kept * prices.cloudwatch.logs_gb_month,
    });
}

/// Alarms, and the metrics that they watch.
fn watched(
    lines: &mut Vec<Line>,
    shares: &[Share<'_>],
    running_hours: f64,
    assumptions: &Assumptions,
    prices: &Prices,
) {
    let alarms = f64::from(assumptions.alarms);
    lines.push(Line {
        service: "CloudWatch",
        item: "alarms".into(),
        quantity: alarms,
        unit: "alarms",
        usd: alarms * prices.cloudwatch.alarm_month,
    });
    let heartbeats = sum(shares, |share| share.calls.requests_to(Service::Scheduler));
    if heartbeats > 0.0 && alarms > 0.0 {
        // charged by the hour in which there is something to say
        let metrics = METRICS * running_hours / HOURS_IN_MONTH;
        lines.push(Line {
            service: "CloudWatch",
            item: "metrics".into(),
            quantity: metrics,
            unit: "metric-months",
            usd: metrics * prices.cloudwatch.metric_month,
        });
    }
}

fn sum(shares: &[Share<'_>], of: impl Fn(&Share<'_>) -> u64) -> f64 {
    shares
        .iter()
        .map(|share| of(share) as f64 * share.times)
        .sum()
}
