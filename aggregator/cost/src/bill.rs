//! From calls to money: a month's bill, line by line.

use serde::Serialize;
use utoipa::ToSchema;

use super::assumptions::{Architecture, Assumptions};
use super::aws_calls;
use super::call::Service;
use super::calls::{Calls, Function};
use super::hours::HOURS_IN_MONTH;
use super::prices::Prices;

/// Bytes in a GB of AWS's storage.
const GB: f64 = 1_073_741_824.0;

const MILLION: f64 = 1e6;

/// Days in a month, on average.
const DAYS_IN_MONTH: f64 = HOURS_IN_MONTH / 24.0;

/// Custom metrics that exist while a run is on.
const METRICS: f64 = 2.0;

/// The order of lines.
const SERVICES: [&str; 5] = ["Lambda", "DynamoDB", "SQS", "Scheduler", "CloudWatch"];

/// One line: a quantity, and its price.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct Line {
    /// By AWS's name.
    pub service: &'static str,
    pub item: String,
    pub quantity: f64,
    pub unit: &'static str,
    pub usd: f64,
}

/// The deployment that a bill is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deployment<'a> {
    pub(super) assumptions: &'a Assumptions,
    pub(super) tick_memory_mb: u32,
    pub(super) prices: &'a Prices,
}

/// The calls of a stretch of time, and the number of such stretches in a month.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share<'c> {
    pub(super) calls: &'c Calls,
    pub(super) times: f64,
}

impl<'c> Share<'c> {
    /// Calls that go on for some hours of a month.
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
    deployment: Deployment<'_>,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for function in [Function::Tick, Function::FanOut, Function::Aggregator] {
        lambda(&mut lines, shares, function, deployment);
    }
    calls(&mut lines, shares, deployment.prices);
    kept(&mut lines, shares, deployment);
    watched(&mut lines, shares, running_hours, deployment);
    lines.retain(|line| line.quantity > 0.0);
    lines.sort_by_key(|line| SERVICES.iter().position(|service| *service == line.service));
    lines
}

fn lambda(
    lines: &mut Vec<Line>,
    shares: &[Share<'_>],
    function: Function,
    deployment: Deployment<'_>,
) {
    let prices = &deployment.prices.lambda;
    let invocations = |share: &Share<'_>| {
        let invocations = share.calls.functions.get(&function);
        invocations.copied().unwrap_or_default()
    };
    let count = sum(shares, |share| invocations(share).count);
    let busy_ms = sum(shares, |share| invocations(share).busy_ms);
    let memory_mb = match function {
        Function::Tick => deployment.tick_memory_mb,
        Function::FanOut | Function::Aggregator => deployment.assumptions.other_memory_mb,
    };
    let gb_second = match deployment.assumptions.architecture {
        Architecture::X86 => prices.gb_second_x86,
        Architecture::Arm => prices.gb_second_arm,
    };
    let gb_seconds = busy_ms / 1_000.0 * f64::from(memory_mb) / 1_024.0;
    lines.push(Line {
        service: "Lambda",
        item: format!("{function}: invocations"),
        quantity: count,
        unit: "requests",
        usd: count / MILLION * prices.million_requests,
    });
    lines.push(Line {
        service: "Lambda",
        item: format!("{function}: {memory_mb} MB"),
        quantity: gb_seconds,
        unit: "GB-seconds",
        usd: gb_seconds * gb_second,
    });
}

/// Charges by the call, one line for each purpose.
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

/// Charges by the time that things are kept, after the first such time.
fn kept(lines: &mut Vec<Line>, shares: &[Share<'_>], deployment: Deployment<'_>) {
    let (assumptions, prices) = (deployment.assumptions, deployment.prices);
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
    deployment: Deployment<'_>,
) {
    let (assumptions, prices) = (deployment.assumptions, deployment.prices);
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

/// A figure in a month.
pub(super) fn sum(shares: &[Share<'_>], of: impl Fn(&Share<'_>) -> u64) -> f64 {
    shares
        .iter()
        .map(|share| of(share) as f64 * share.times)
        .sum()
}
