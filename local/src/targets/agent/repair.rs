//! What a repair finds, does and reports.
//!
//! A scenario is drawn for each; its steps share the time that the repair really took.

use std::time::Duration;

use serde::Serialize;
use traffic::random::Draws;

use super::super::route::Model;
use super::millis;

/// The tools that the agent works with.
pub(crate) const TOOLS: [&str; 6] = [
    "system_health",
    "docker_ps",
    "docker_logs",
    "docker_inspect",
    "docker_restart",
    "http_probe",
];

/// What happened in a repair.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    repair_id: String,
    pub(crate) success: bool,
    pub(crate) final_status: &'static str,
    model: Model,
    model_name: &'static str,
    failure_type: &'static str,
    container: &'static str,
    diagnosis: &'static str,
    containers_restarted: Vec<&'static str>,
    iterations: usize,
    steps: Vec<Step>,
    latency_seconds: f64,
    total_tokens: u64,
    pub(crate) started_at: String,
    pub(crate) finished_at: String,
}

/// One call of a tool in a repair.
#[derive(Debug, Serialize)]
struct Step {
    step: usize,
    tool: &'static str,
    input: String,
    observation: &'static str,
    duration_ms: f64,
}

/// Something that goes wrong, and what the agent sees when it looks.
struct Scenario {
    failure_type: &'static str,
    container: &'static str,
    health: &'static str,
    state: &'static str,
    logs: &'static str,
    diagnosis: &'static str,
}

const SCENARIOS: [Scenario; 5] = [
    Scenario {
        failure_type: "service_down",
        container: "aim-target-app",
        health: "target-app: connection refused on port 8000",
        state: "aim-target-app  Exited (137) 2 minutes ago",
        logs: "Killed. Memory limit of the container reached",
        diagnosis: "The container was killed for its memory use and did not come back by itself.",
    },
    Scenario {
        failure_type: "high_latency",
        container: "aim-target-app",
        health: "target-app: healthy, GET /orders p95 4.8 s",
        state: "aim-target-app  Up 3 hours (healthy)",
        logs: "WARN slow query: select from orders took 4712 ms",
        diagnosis: "Queries wait for a connection that an earlier request never gave back.",
    },
    Scenario {
        failure_type: "error_rate",
        container: "aim-target-app",
        health: "target-app: 31 % of requests answered with 500",
        state: "aim-target-app  Up 41 minutes (unhealthy)",
        logs: "ERROR configuration value PAYMENT_URL is empty",
        diagnosis: "The container started with an incomplete configuration.",
    },
    Scenario {
        failure_type: "unresponsive",
        container: "aim-target-app",
        health: "target-app: no answer within 5 s",
        state: "aim-target-app  Up 6 hours (unhealthy)",
        logs: "worker timeout, all workers busy for 30 s",
        diagnosis: "All workers are stuck on a dependency that does not answer.",
    },
    Scenario {
        failure_type: "none",
        container: "aim-target-app",
        health: "target-app: healthy, all checks pass",
        state: "aim-target-app  Up 5 hours (healthy)",
        logs: "no errors in the last 200 lines",
        diagnosis: "No failure found; the container was restarted as a precaution.",
    },
];

const FAILED_ENDINGS: [(&str, &str); 4] = [
    (
        "still_unhealthy",
        "target-app: still failing after the restart",
    ),
    (
        "restart_failed",
        "target-app: connection refused, the container exits at once",
    ),
    (
        "max_iterations_reached",
        "target-app: healthy and unhealthy by turns",
    ),
    (
        "diagnosis_inconclusive",
        "target-app: unhealthy, no cause in the logs",
    ),
];

/// The report of a repair by `model` that took `took`; the caller fills in the two instants.
pub(crate) fn report(model: Model, fails: bool, took: Duration, draws: &mut Draws) -> Report {
    let scenario = &SCENARIOS[draws.below(SCENARIOS.len() as u64) as usize];
    let ending = FAILED_ENDINGS[draws.below(FAILED_ENDINGS.len() as u64) as usize];
    let (final_status, seen_last) = if fails {
        ending
    } else {
        ("healthy", "target-app: healthy, answered in 3 ms")
    };
    let steps = timed(calls(scenario, seen_last, fails), took, draws);
    Report {
        repair_id: format!("rep-{:012x}", draws.bits() >> 16),
        success: !fails,
        final_status,
        model,
        model_name: model.full_name(),
        failure_type: scenario.failure_type,
        container: scenario.container,
        diagnosis: scenario.diagnosis,
        containers_restarted: vec![scenario.container; if fails { 2 } else { 1 }],
        iterations: steps.len(),
        latency_seconds: (took.as_secs_f64() * 1_000.0).round() / 1_000.0,
        total_tokens: 380 * steps.len() as u64 + draws.below(400),
        steps,
        started_at: String::new(),
        finished_at: String::new(),
    }
}

impl Report {
    pub(crate) fn tokens(&self) -> u64 {
        self.total_tokens
    }
}

type Call = (&'static str, String, &'static str);

/// The tool calls of a repair: look, restart, look again; twice when it does not help.
fn calls(scenario: &Scenario, seen_last: &'static str, fails: bool) -> Vec<Call> {
    let container = scenario.container.to_owned();
    let mut calls = vec![
        ("system_health", "all services".to_owned(), scenario.health),
        ("docker_ps", "all".to_owned(), scenario.state),
        (
            "docker_logs",
            format!("{container}, tail 200"),
            scenario.logs,
        ),
    ];
    if fails {
        let seen = "target-app: not healthy yet";
        calls.push(("docker_restart", container.clone(), "restarted in 2.4 s"));
        calls.push(("http_probe", "GET /health".to_owned(), seen));
        let seen = "restart policy: unless-stopped, restart count 3";
        calls.push(("docker_inspect", container.clone(), seen));
    }
    calls.push(("docker_restart", container, "restarted in 2.1 s"));
    calls.push(("http_probe", "GET /health".to_owned(), seen_last));
    calls
}

/// `calls` as steps whose durations add up to about `took`.
fn timed(calls: Vec<Call>, took: Duration, draws: &mut Draws) -> Vec<Step> {
    let weights: Vec<f64> = calls.iter().map(|_| draws.uniform(0.5, 1.5)).collect();
    let sum: f64 = weights.iter().sum();
    calls
        .into_iter()
        .zip(weights)
        .enumerate()
        .map(|(place, ((tool, input, observation), weight))| Step {
            step: place + 1,
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
            let endings = FAILED_ENDINGS.map(|(status, _)| status);
            assert!(endings.contains(&failed.final_status), "{failed:?}");
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
        assert!(report.steps.iter().all(|step| TOOLS.contains(&step.tool)));
    }
}
