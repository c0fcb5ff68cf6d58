//! Other ways to send the traffic, and their costs, for comparison.

use serde::Serialize;
use utoipa::ToSchema;

use super::hours::HOURS_IN_MONTH;
use super::prices::Prices;

/// Fargate's smallest task: a quarter of a CPU and half a GB.
const VCPU: f64 = 0.25;
const MEMORY_GB: f64 = 0.5;

/// Another way to send the traffic.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Alternative {
    /// Its name and size.
    pub name: &'static str,
    /// US$ a month.
    pub usd: f64,
}

/// The alternatives for a month with this number of iterations and hours of traffic, as far as their prices are known.
pub(super) fn of(iterations: f64, hours: f64, prices: &Prices) -> Vec<Alternative> {
    let mut alternatives = Vec::new();
    let mut add = |name, usd| alternatives.push(Alternative { name, usd });
    if let Some(fargate) = &prices.fargate {
        let x86 = VCPU * fargate.vcpu_hour_x86 + MEMORY_GB * fargate.gb_hour_x86;
        let arm = VCPU * fargate.vcpu_hour_arm + MEMORY_GB * fargate.gb_hour_arm;
        let address = fargate.public_ipv4_hour;
        add(
            "Fargate 0.25 vCPU, 0.5 GB, x86, always on",
            x86 * HOURS_IN_MONTH,
        );
        add(
            "Fargate 0.25 vCPU, 0.5 GB, arm, always on",
            arm * HOURS_IN_MONTH,
        );
        add("  the latter only while traffic is on", arm * hours);
        add(
            "  its public IPv4 address, always on",
            address * HOURS_IN_MONTH,
        );
    }
    if let Some(canary_run) = prices.cloudwatch.canary_run {
        add(
            "CloudWatch Synthetics, a canary run per iteration",
            iterations * canary_run,
        );
    }
    alternatives
}
