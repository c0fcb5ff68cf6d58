//! What traffic costs on AWS: calls from the plan, money from a dated list of prices.
//!
//! [`calls`] plays a stretch of a run and counts the calls to each service, without a price; an
//! [`Estimate`] makes a month of them, and puts it beside a container that is always on and beside
//! CloudWatch's canaries. Nothing here reads a clock or a network.

mod alternatives;
mod assumptions;
mod average;
mod aws_calls;
mod bill;
mod calls;
mod hours;
mod lambda_environments;
mod minute_overhead;
mod prices;
mod question;
mod response_times;
mod sampled_window;
mod table;
#[cfg(test)]
mod tests;
mod ticks;

use std::time::Duration;

use serde::Serialize;
use traffic::runs::LoadedRun;
use utoipa::ToSchema;

pub use self::alternatives::Alternative;
pub use self::assumptions::{Architecture, Assumptions};
pub use self::average::run_of_shape;
pub use self::bill::Line;
pub use self::calls::{Call, Calls, Function, Invocations, Service, Usage, calls, idle, watching};
pub use self::hours::{HOURS_IN_MONTH, Hours, InvalidHours};
pub use self::prices::{Prices, PricesError};
pub use self::question::{ALARMS, BLOCK_SIZE, MEMORY, Question, RETENTION_DAYS, TICKS_PER_MESSAGE};
pub use self::response_times::{InvalidResponseTime, ResponseTimes};
pub use self::sampled_window::{STRETCH, run_of, steady};

use self::bill::Share;

/// What a month of traffic costs.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Estimate {
    /// When the prices were looked up.
    pub prices: String,
    /// Where they hold.
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
    /// What is paid for.
    pub lines: Vec<Line>,
    /// The lines' sum, US$ a month.
    pub usd: f64,
    /// The same for a million iterations; none without any.
    pub usd_per_million_iterations: Option<f64>,
    /// What is paid for in a month while nothing runs, without what was kept.
    pub stopped: Vec<Line>,
    /// The sum of those.
    pub stopped_usd: f64,
    /// What else could send the traffic.
    pub alternatives: Vec<Alternative>,
    /// The stretch that all of this follows from.
    #[schema(value_type = Object)]
    pub stretch: Calls,
}

/// When traffic is on, and when somebody watches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Traffic.
    pub hours: Hours,
    /// Somebody looks at the statistics.
    pub watch_hours: Hours,
}

impl Estimate {
    /// What `run` costs in a month when it is on by `schedule`; by the users on average where a load
    /// shape changes them.
    pub fn of(
        run: &LoadedRun,
        schedule: Schedule,
        assumptions: &Assumptions,
        prices: &Prices,
    ) -> Self {
        let averaged = average::averaged(run);
        let (stretch, users) = steady(averaged.as_ref().unwrap_or(run), assumptions);
        let hours = schedule.hours.in_month();
        let watch_hours = schedule.watch_hours.in_month();
        let hour = Duration::from_secs(3_600);
        let (watching, idle) = (watching(&stretch, hour, assumptions), idle(hour));
        let running = Share::of_hours(&stretch, hours);
        let always = Share::of_hours(&idle, HOURS_IN_MONTH);
        let shares = [running, Share::of_hours(&watching, watch_hours), always];
        let lines = bill::month(&shares, hours, assumptions, prices);
        let stopped = bill::month(&[always], 0.0, assumptions, prices);
        let usd = total(&lines);
        let iterations = stretch.iterations as f64 * running.times;
        Self {
            prices: prices.date.clone(),
            region: prices.region.clone(),
            users,
            hours,
            watch_hours,
            iterations,
            requests: stretch.requests as f64 * running.times,
            usd,
            usd_per_million_iterations: (iterations > 0.0).then(|| usd / iterations * 1e6),
            lines,
            stopped_usd: total(&stopped),
            stopped,
            alternatives: alternatives::of(iterations, hours, prices),
            stretch,
        }
    }
}

fn total(lines: &[Line]) -> f64 {
    // the empty sum of floats is -0.0
    lines.iter().map(|line| line.usd).sum::<f64>() + 0.0
}
