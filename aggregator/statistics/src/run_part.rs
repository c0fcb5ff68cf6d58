//! The parts of a run: a reset ends one, whose statistics can still be read.

use serde::{Deserialize, Serialize};
use traffic::clock::Timestamp;
use traffic::run::{KEPT_PARTS, RunId};
use utoipa::ToSchema;

use crate::stats::Stats;

/// A part of a run that a reset has ended, and its figures in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunPart {
    /// Its number from 1. The name of the part is the run's, a point and this number.
    pub number: u32,
    /// Its first instant, in seconds since the Unix epoch.
    #[serde(with = "seconds")]
    #[schema(value_type = f64)]
    pub from: Timestamp,
    /// The instant of the reset, in seconds since the Unix epoch.
    #[serde(with = "seconds")]
    #[schema(value_type = f64)]
    pub until: Timestamp,
    /// Requests, failed or not.
    pub num_requests: u64,
    /// Failures among them.
    pub num_failures: u64,
    /// The mean response time.
    pub avg_response_time: f64,
    /// The median.
    pub median_response_time: u64,
    /// The 95th percentile.
    #[serde(rename = "response_time_percentile_0.95")]
    pub response_time_percentile_95: u64,
    /// Requests a second.
    pub total_rps: f64,
}

impl RunPart {
    pub(crate) fn of(number: u32, stats: &Stats, until: Timestamp) -> Self {
        let total = stats.report_of(until, Some(until)).total;
        Self {
            number,
            from: stats.since(),
            until,
            num_requests: total.num_requests,
            num_failures: total.num_failures,
            avg_response_time: total.avg_response_time,
            median_response_time: total.percentiles[0],
            response_time_percentile_95: total.percentiles[5],
            total_rps: total.total_rps,
        }
    }
}

/// The name under which the store keeps the statistics of a part, as a checkpoint. Names are used again, so that a run
/// that is reset often takes no more room.
pub(crate) fn place(run: &RunId, number: u32) -> RunId {
    RunId(format!("{run}.{}", number % KEPT_PARTS))
}

/// All names under which statistics of a run may be kept.
pub fn places(run: &RunId) -> Vec<RunId> {
    let parts = (0..KEPT_PARTS).map(|number| place(run, number));
    [run.clone()].into_iter().chain(parts).collect()
}

/// A run, or a part of it by its number, from a name such as `0660f426501488-0000002a.1`.
pub fn parse(text: &str) -> Option<(RunId, Option<u32>)> {
    match text.split_once('.') {
        None => Some((RunId::parse(text)?, None)),
        Some((run, number)) if number.bytes().all(|digit| digit.is_ascii_digit()) => {
            Some((RunId::parse(run)?, Some(number.parse().ok()?)))
        }
        Some(_) => None,
    }
}

/// Seconds since the Unix epoch, where people read them.
mod seconds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use traffic::clock::Timestamp;

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        match to.is_human_readable() {
            true => at.seconds().serialize(to),
            false => at.serialize(to),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        match from.is_human_readable() {
            true => {
                let seconds = f64::deserialize(from)?;
                Ok(Timestamp::from_micros((seconds * 1e6) as u64))
            }
            false => Timestamp::deserialize(from),
        }
    }
}
