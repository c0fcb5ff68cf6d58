//! What an estimate takes for granted: settings of a deployment, and figures of AWS and of our own
//! functions that no plan can know.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::response_times::ResponseTimes;

/// What the functions run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub enum Architecture {
    /// The default.
    #[default]
    #[serde(rename = "x86_64")]
    X86,
    /// AWS Graviton: a fifth cheaper.
    #[serde(rename = "arm64")]
    Arm,
}

/// A deployment's settings and what it meets.
#[derive(Clone, Debug, PartialEq)]
pub struct Assumptions {
    /// How long requests take.
    pub response_times: ResponseTimes,
    /// What the functions run on.
    pub architecture: Architecture,
    /// The tick function's memory.
    pub tick_memory_mb: u32,
    /// The fan-out's and the aggregator's memory.
    pub other_memory_mb: u32,
    /// How many ticks of a slot one message carries at most.
    pub ticks_per_message: usize,
    /// How often somebody who watches asks for statistics.
    pub poll_every: Duration,
    /// How long records are kept.
    pub retention_days: f64,
    /// How long logs are kept.
    pub log_retention_days: f64,
    /// Alarms of the deployment; they are paid for also while it is stopped.
    pub alarms: u32,
}

impl Default for Assumptions {
    /// As `make deploy` sets things.
    fn default() -> Self {
        Self {
            response_times: ResponseTimes::default(),
            architecture: Architecture::default(),
            tick_memory_mb: 128,
            other_memory_mb: 256,
            ticks_per_message: 10,
            poll_every: Duration::from_secs(2),
            retention_days: 30.0,
            log_retention_days: 14.0,
            alarms: 6,
        }
    }
}
