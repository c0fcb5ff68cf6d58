//! The settings of a deployment and the figures of AWS and of our own functions that no plan knows.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::response_times::ResponseTimes;

/// The functions that may run at once where a deployment was told nothing else.
const TICK_CONCURRENCY: u32 = 100;

/// The processors of a function, by Lambda's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(try_from = "String")]
#[allow(missing_docs)]
pub enum Architecture {
    #[default]
    #[serde(rename = "x86_64")]
    #[cfg_attr(feature = "clap", value(name = "x86_64"))]
    X86,
    /// AWS Graviton: a fifth cheaper
    #[serde(rename = "arm64")]
    #[cfg_attr(feature = "clap", value(name = "arm64"))]
    Arm,
}

impl TryFrom<String> for Architecture {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            "x86_64" => Ok(Self::X86),
            "arm64" => Ok(Self::Arm),
            _ => Err("must be x86_64 or arm64"),
        }
    }
}

/// A deployment's settings and its targets' response times.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Assumptions {
    pub response_times: ResponseTimes,
    /// Whether each run of the month begins with the ramp of its spawn rate; or else all users are there at once.
    pub has_ramp: bool,
    pub architecture: Architecture,
    /// The tick function's memory; without it, the least that the traffic needs.
    pub tick_memory_mb: Option<u32>,
    /// The fan-out's and the aggregator's memory.
    pub other_memory_mb: u32,
    pub ticks_per_message: usize,
    /// The number of tick functions that may run at once.
    pub tick_concurrency: u32,
    /// The time between two polls of somebody who watches.
    pub poll_every: Duration,
    pub retention_days: f64,
    pub log_retention_days: f64,
    /// Alarms of the deployment; they are paid for also while it is stopped.
    pub alarms: u32,
}

impl Default for Assumptions {
    /// The settings of `infra/deploy`.
    fn default() -> Self {
        Self {
            response_times: ResponseTimes::default(),
            has_ramp: false,
            architecture: Architecture::default(),
            tick_memory_mb: None,
            other_memory_mb: 256,
            ticks_per_message: 10,
            tick_concurrency: TICK_CONCURRENCY,
            poll_every: Duration::from_secs(2),
            retention_days: 30.0,
            log_retention_days: 14.0,
            alarms: 3,
        }
    }
}
