//! Adaptive load: users that climb step by step while a target holds, as a workload file says it.
//!
//! Whether it holds is said by the figures of a step, which are judged by whoever steers the run. What is decided is
//! a segment of the run, so the plan knows nothing of targets.

use std::time::Duration;

use super::threshold::Threshold;
use crate::clock::Timestamp;
use crate::run::Step;

/// Users by what the target bears.
#[derive(Clone, Debug, PartialEq)]
pub struct Adaptive {
    /// The users of the first step.
    pub start: u32,
    /// The users that each step adds; above zero.
    pub step: u32,
    /// The seconds that a step lasts.
    pub every: u64,
    /// What must hold in a step for the next one to follow; at least one.
    pub until: Vec<Threshold>,
    /// The most users; not less than `start`.
    pub at_most: u32,
    /// Users started or stopped a second; finite, and each step's are there by half of its time.
    pub spawn_rate: f64,
}

impl Adaptive {
    /// The users of the step after one with so many; `None` at the end of the climb.
    pub fn above(&self, users: u32) -> Option<u32> {
        let next = users.saturating_add(self.step).min(self.at_most);
        (next > users).then_some(next)
    }

    /// The first step of a run that begins to climb at an instant.
    pub fn first_step(&self, from: Timestamp) -> Step {
        let window_from = from + self.ramp(self.start);
        Step {
            number: 1,
            window_from,
            window_until: Some(from + Duration::from_secs(self.every)),
            held: None,
            reason: None,
            waits: None,
        }
    }

    /// The time in which so many users are started or stopped.
    pub fn ramp(&self, users: u32) -> Duration {
        Duration::from_secs_f64(f64::from(users) / self.spawn_rate)
    }
}

/// Conditions joined by `and`: `p95 < 800 and fail_ratio < 0.02`.
///
/// # Errors
/// A text that says what is no condition, and what to write.
pub(super) fn conditions(text: &str) -> Result<Vec<Threshold>, String> {
    let mut conditions: Vec<Threshold> = Vec::new();
    for part in text.split(" and ") {
        match (part.parse(), conditions.last_mut()) {
            (Ok(condition), _) => conditions.push(condition),
            // the name of a request may have the word in it
            (Err(_), Some(Threshold { row: Some(row), .. })) if !part.contains('<') => {
                *row = format!("{row} and {}", part.trim()).into();
            }
            (Err(problem), _) => return Err(problem),
        }
    }
    match conditions.iter().find(|one| !one.metric.is_of_requests()) {
        Some(of_run) => Err(format!(
            "{} is not known while a step lasts: write it as a threshold of the run",
            of_run.metric
        )),
        None => Ok(conditions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let conditions = conditions(text).unwrap();
        conditions.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn conditions_are_thresholds_joined_by_and() {
        assert_eq!(said("p95 < 800"), ["p95<800"]);
        assert_eq!(
            said("p95 < 800 and  fail_ratio<0.02"),
            ["p95<800", "fail_ratio<0.02"]
        );
        assert_eq!(
            said("p95 < 800 of salt and pepper and average < 5 of GET /a"),
            ["p95<800 of salt and pepper", "average<5 of GET /a"]
        );
        for text in [
            "",
            "p95",
            "p95 < 800 and",
            "p95 < 800 or fail_ratio < 0.02",
            "p95 < 800 and median < 5",
            "p95 < 800 and fast",
            "p95 < 800 of a and median < 5",
            "missing < 1",
            "p95 > 800",
        ] {
            assert!(conditions(text).is_err(), "{text}");
        }
    }
}
