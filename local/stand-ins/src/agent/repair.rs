//! Repairs: the scenario that one finds, its steps, and its report.
//!
//! A scenario is drawn for each; its steps share the time that the repair really took.

use std::time::Duration;

use serde::Serialize;
use traffic::random::Draws;

use crate::data::{self, DATA, Scenario};
use crate::reply::{millis, rounded};
use crate::route::Model;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    repair_id: String,
    pub(crate) success: bool,
    final_status: &'static str,
    model: Model,
    model_name: &'static str,
    failure_type: &'static str,
    container: &'static str,
    diagnosis: &'static str,
    containers_restarted: Vec<&'static str>,
    iterations: usize,
    steps: Vec<Step>,
    latency_seconds: f64,
    pub(crate) total_tokens: u64,
    pub(crate) started_at: String,
    pub(crate) finished_at: String,
}

#[derive(Debug, Serialize)]
struct Step {
    step: usize,
    tool: &'static str,
    input: String,
    observation: &'static str,
    duration_ms: f64,
}

/// The report of a repair by `model` that took `took`; the caller fills in the two instants.
pub(crate) fn report(model: Model, fails: bool, took: Duration, draws: &mut Draws) -> Report {
    let scenario = data::pick(&DATA.repairs.scenarios, draws);
    let failed = data::pick(&DATA.repairs.failed, draws);
    let ending = if fails { failed } else { &DATA.repairs.healthy };
    let steps = timed(calls(scenario, &ending.observation, fails), took, draws);
    Report {
        repair_id: format!("rep-{:012x}", draws.bits() >> 16),
        success: !fails,
        final_status: &ending.final_status,
        model,
        model_name: model.full_name(),
        failure_type: &scenario.failure_type,
        container: &scenario.container,
        diagnosis: &scenario.diagnosis,
        containers_restarted: vec![&scenario.container; if fails { 2 } else { 1 }],
        iterations: steps.len(),
        latency_seconds: rounded(took.as_secs_f64(), 3),
        total_tokens: 380 * steps.len() as u64 + draws.below(400),
        steps,
        started_at: String::new(),
        finished_at: String::new(),
    }
}

/// The tool that is called, its input, and the observation.
type Call = (&'static str, String, &'static str);

/// The tool calls of a repair: look, restart, look again; twice when it does not help.
fn calls(scenario: &'static Scenario, seen_last: &'static str, fails: bool) -> Vec<Call> {
    let container = scenario.container.as_str();
    let logs_of = format!("{container}, tail 200");
    let mut calls = vec![
        ("system_health", "all services".into(), &*scenario.health),
        ("docker_ps", "all".into(), &*scenario.state),
        ("docker_logs", logs_of, &*scenario.logs),
    ];
    if fails {
        let inspected = "restart policy: unless-stopped, restart count 3";
        calls.extend([
            ("docker_restart", container.into(), "restarted in 2.4 s"),
            (
                "http_probe",
                "GET /health".into(),
                "target-app: not healthy yet",
            ),
            ("docker_inspect", container.into(), inspected),
        ]);
    }
    calls.push(("docker_restart", container.into(), "restarted in 2.1 s"));
    calls.push(("http_probe", "GET /health".into(), seen_last));
    calls
}

/// `calls` as steps whose durations add up to about `took`.
fn timed(calls: Vec<Call>, took: Duration, draws: &mut Draws) -> Vec<Step> {
    let weights: Vec<f64> = calls.iter().map(|_| draws.uniform(0.5, 1.5)).collect();
    let sum: f64 = weights.iter().sum();
    let timed = calls.into_iter().zip(weights).zip(1..);
    timed
        .map(|(((tool, input, observation), weight), step)| Step {
            step,
            tool,
            input,
            observation,
            duration_ms: millis(took.mul_f64(weight / sum)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repair_that_fails_says_how_it_ended() {
        let took = Duration::from_secs(9);
        for n in 0..50 {
            let mut draws = Draws::new(1, "repair", 0, n);
            let failed = report(Model::B, true, took, &mut draws);
            assert!(!failed.success);
            let mut endings = DATA.repairs.failed.iter();
            assert!(
                endings.any(|ending| ending.final_status == failed.final_status),
                "{failed:?}"
            );
            let mended = report(Model::A, false, took, &mut draws);
            assert_eq!((mended.success, mended.final_status), (true, "healthy"));
        }
    }

    #[test]
    fn the_steps_take_as_long_as_the_repair() {
        let mut draws = Draws::new(1, "repair", 0, 0);
        let report = report(Model::A, false, Duration::from_secs(6), &mut draws);
        let sum: f64 = report.steps.iter().map(|step| step.duration_ms).sum();
        assert!((sum - 6_000.0).abs() < 1.0, "{sum}");
        for step in &report.steps {
            let mut tools = DATA.repairs.tools.iter();
            assert!(tools.any(|tool| tool == step.tool), "{step:?}");
        }
    }
}
