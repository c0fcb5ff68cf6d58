//! What else could send the traffic, for comparison.

use serde::Serialize;
use utoipa::ToSchema;

use super::hours::HOURS_IN_MONTH;
use super::prices::Prices;

/// Fargate's smallest task: a quarter of a CPU and half a GB.
const VCPU: f64 = 0.25;
const MEMORY_GB: f64 = 0.5;

/// Something else that sends the traffic.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Alternative {
    /// What it is.
    pub name: &'static str,
    /// US$ a month.
    pub usd: f64,
}

/// The alternatives for so many iterations in so many hours of a month.
pub(super) fn of(iterations: f64, hours: f64, prices: &Prices) -> Vec<Alternative> {
    let fargate = &prices.fargate;
    let x86 = VCPU * fargate.vcpu_hour_x86 + MEMORY_GB * fargate.gb_hour_x86;
    let arm = VCPU * fargate.vcpu_hour_arm + MEMORY_GB * fargate.gb_hour_arm;
    [
        (
            "Fargate 0.25 vCPU, 0.5 GB, x86, always on",
            x86 * HOURS_IN_MONTH,
        ),
        (
            "Fargate 0.25 vCPU, 0.5 GB, arm, always on",
            arm * HOURS_IN_MONTH,
        ),
        ("  the latter only while traffic is on", arm * hours),
        (
            "  its public IPv4 address, always on",
            fargate.public_ipv4_hour * HOURS_IN_MONTH,
        ),
        (
            "CloudWatch Synthetics, a canary run per iteration",
            iterations * prices.cloudwatch.canary_run,
        ),
    ]
    .map(|(name, usd)| Alternative { name, usd })
    .into()
}
