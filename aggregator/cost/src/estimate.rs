//! The cost of a month of traffic: a stretch of calls times its hours, by the list of prices.

use std::time::Duration;

use serde::Serialize;
use traffic::runs::LoadedRun;
use utoipa::ToSchema;

use super::alternatives::{self, Alternative};
use super::assumptions::Assumptions;
use super::average;
use super::bill::{self, Deployment, Line, Share};
use super::calls::Calls;
use super::concurrency;
use super::hours::Hours;
use super::memory::{OWN_SHARE, Sizes};
use super::prices::Prices;
use super::sampled_window::{self, steady};
use super::stretch::{idle, switching, watching};

/// The cost of a month of traffic.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Estimate {
    /// Year and month of the prices.
    pub prices: String,
    /// Their region.
    pub region: String,
    /// Users while traffic is on, on average.
    pub users: u64,
    /// Hours of traffic in a month.
    pub hours: f64,
    /// Hours in which somebody watches.
    pub watch_hours: f64,
    /// Iterations in a month.
    pub iterations: f64,
    /// Requests to the targets in a month.
    pub requests: f64,
    /// Memory of the tick function in MB.
    pub memory: u32,
    /// The tick's own share of a response time at p95 with that memory, in milliseconds.
    pub own_share_ms: f64,
    /// That the memory is too little, and how much is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub starved: Option<String>,
    /// Executions of the tick function at once, at most; of the fan-out and of the aggregator there is one more each.
    pub concurrency: u64,
    /// How late iterations will be, where fewer functions may run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub late: Option<String>,
    /// Everything that is paid for.
    pub lines: Vec<Line>,
    /// The lines' sum, US$ a month.
    pub usd: f64,
    /// The same for a million iterations; none without any.
    pub usd_per_million_iterations: Option<f64>,
    /// Everything that is paid for in a month while nothing runs, without storage.
    pub stopped: Vec<Line>,
    /// The sum of those.
    pub stopped_usd: f64,
    /// Other things that could send the traffic.
    pub alternatives: Vec<Alternative>,
    /// Answers that the question has left to the estimate.
    pub assumed: Vec<String>,
    /// The stretch that all of this follows from.
    #[schema(value_type = Object)]
    pub stretch: Calls,
}

/// The hours of traffic, and those in which somebody watches.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Schedule {
    pub hours: Hours,
    pub watch_hours: Hours,
}

impl Estimate {
    /// The cost of `run` in a month when it is on by `schedule`; that of the average users where a load
    /// shape changes them.
    pub fn of(
        run: &LoadedRun,
        schedule: Schedule,
        assumptions: &Assumptions,
        prices: &Prices,
    ) -> Self {
        let averaged = average::averaged(run);
        let (stretch, users) = steady(averaged.as_ref().unwrap_or(run), assumptions);
        let fullest = average::fullest(run).map(|run| steady(&run, assumptions).0);
        let fullest = fullest.as_ref().unwrap_or(&stretch);
        let sizes = Sizes::built_in();
        let needed = || sizes.needed(fullest);
        let deployment = Deployment {
            assumptions,
            tick_memory_mb: assumptions.tick_memory_mb.unwrap_or_else(needed),
            prices,
        };
        let hours = schedule.hours.in_month();
        let runs = schedule.hours.runs_in_month();
        let (ramp, seconds) = if assumptions.has_ramp && runs > 0.0 {
            sampled_window::ramp(run, hours * 3_600.0 / runs, assumptions)
        } else {
            Default::default()
        };
        let ramp_hours = runs * seconds / 3_600.0;
        let watch_hours = schedule.watch_hours.in_month();
        let hour = Duration::from_secs(3_600);
        let (watching, idle) = (watching(&stretch, hour, assumptions), idle(hour));
        let running = [
            Share::of_hours(&stretch, hours - ramp_hours),
            Share::of_hours(&ramp, ramp_hours),
        ];
        let polled = Share::of_hours(&idle, hours);
        let (switching, times) = (switching(&stretch), runs);
        let switched = Share {
            calls: &switching,
            times,
        };
        let watched = Share::of_hours(&watching, watch_hours);
        let lines = bill::month(
            &[running[0], running[1], watched, polled, switched],
            hours,
            deployment,
        );
        let stopped = bill::month(&[], 0.0, deployment);
        let usd = total(&lines);
        let iterations = bill::sum(&running, |share| share.calls.iterations);
        Self {
            prices: prices.date.clone(),
            region: prices.region.clone(),
            users,
            hours,
            watch_hours,
            iterations,
            requests: bill::sum(&running, |share| share.calls.requests),
            memory: deployment.tick_memory_mb,
            own_share_ms: sizes.own_share_ms(deployment.tick_memory_mb, fullest),
            starved: sizes.starved(deployment.tick_memory_mb, fullest),
            concurrency: fullest.concurrency,
            late: concurrency::lateness(
                fullest,
                assumptions.tick_concurrency,
                assumptions.ticks_per_message,
            ),
            usd,
            usd_per_million_iterations: (iterations > 0.0).then(|| usd / iterations * 1e6),
            lines,
            stopped_usd: total(&stopped),
            stopped,
            alternatives: alternatives::of(iterations, hours, prices),
            assumed: assumed(deployment, fullest, &sizes, (runs, seconds)),
            stretch,
        }
    }
}

/// Memory and ramps, in words.
fn assumed(
    deployment: Deployment<'_>,
    fullest: &Calls,
    sizes: &Sizes,
    (runs, ramp_seconds): (f64, f64),
) -> Vec<String> {
    let mut assumed = Vec::new();
    if deployment.assumptions.tick_memory_mb.is_none() {
        let (memory, requests) = (deployment.tick_memory_mb, fullest.message_requests);
        let own = sizes.own_share_ms(memory, fullest);
        assumed.push(if own < OWN_SHARE {
            format!(
                "memory: {memory} MB, the least with which response times have below {OWN_SHARE} ms of the tick's own at p95: \
                 {own:.1} ms for {requests} requests a message (--memory)"
            )
        } else {
            format!("memory: {memory} MB, the most that was measured (--memory)")
        });
    }
    if deployment.assumptions.has_ramp {
        assumed.push(format!(
            "runs: {runs:.1} a month, each with a ramp of {ramp_seconds:.0} s (--hours)"
        ));
    }
    assumed
}

fn total(lines: &[Line]) -> f64 {
    // the empty sum of floats is -0.0
    lines.iter().map(|line| line.usd).sum::<f64>() + 0.0
}
