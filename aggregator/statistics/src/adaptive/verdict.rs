//! The verdict on a step: whether its target held, and where the load goes.

use std::time::Duration;

use traffic::run::Step;
use traffic::run_rules::Limits;
use traffic::workload::{Adaptive, Threshold};

use crate::stats::Stats;
use crate::thresholds::{figure, requests};

/// Fewer requests say nothing.
const FEWEST: u64 = 10;

/// What follows a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// Too little came to say, for this reason.
    Waits(String),
    /// The next step.
    Goes(To),
}

/// A next step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct To {
    pub(super) users: u32,
    /// The most users with which the target has held.
    pub(super) held: Option<u32>,
    /// True if it is the last one.
    pub(super) is_settled: bool,
    pub(super) reason: String,
}

/// Judges a step by its results and their time; `users` are those that it had at its end, and those that it was to have.
pub(super) fn judge(
    adaptive: &Adaptive,
    step: &Step,
    users: (u64, u32),
    limits: &Limits,
    (stats, time): (&Stats, Duration),
) -> Verdict {
    let ((there, wanted), seconds) = (users, time.as_secs_f64().round());
    let at = format!("at {there} {}", plural(there, "user"));
    let mut figures = Vec::new();
    for condition in &adaptive.until {
        let row = condition.row.as_deref();
        let entry = requests(row, stats);
        let of = row.map_or(String::new(), |row| format!(" of {row}"));
        let (count, value) = (entry.sum.requests, figure(condition.metric, &entry));
        let Some(value) = value.filter(|_| count >= FEWEST) else {
            let what = match count >= FEWEST {
                true => format!("no {}{of}", condition.metric),
                false => format!("{count} {}{of}", plural(count, "request")),
            };
            return Verdict::Waits(format!(
                "{what} in {seconds} s {at}, too few to judge (fewer than {FEWEST}): waits"
            ));
        };
        figures.push((condition, value));
    }
    let failed = figures.iter().filter(|(one, value)| *value >= one.below);
    let failed: Vec<String> = failed.map(|(one, value)| said(one, *value)).collect();
    if !failed.is_empty() {
        let what = format!("{} {at}", failed.join(", "));
        let (users, goes) = match step.held {
            Some(held) => (held, format!("back to {held}")),
            None => (wanted, format!("stays at {wanted}, fewer were not tried")),
        };
        return settled(users, step.held, format!("{what}: {goes}"));
    }
    let held: Vec<String> = figures
        .iter()
        .map(|(one, value)| said(one, *value))
        .collect();
    let what = format!("{} {at}", held.join(", "));
    let next = adaptive.above(wanted);
    let end = match next {
        None => "the most that it may have".to_owned(),
        Some(_) if there < u64::from(wanted) => "its classes have no more".to_owned(),
        Some(next) if next > limits.max_users => format!("the limit is {} users", limits.max_users),
        Some(next) => {
            return Verdict::Goes(To {
                users: next,
                held: Some(wanted),
                is_settled: false,
                reason: format!("{what}: on to {next}"),
            });
        }
    };
    settled(
        wanted,
        Some(wanted),
        format!("{what}: stays at {wanted}, {end}"),
    )
}

fn settled(users: u32, held: Option<u32>, reason: String) -> Verdict {
    Verdict::Goes(To {
        users,
        held,
        is_settled: true,
        reason,
    })
}

fn plural(count: u64, one: &str) -> String {
    format!("{one}{}", if count == 1 { "" } else { "s" })
}

/// A figure in words: `p95 812 ms`, `fail_ratio of Chat A 0.031`.
fn said(condition: &Threshold, value: f64) -> String {
    let (metric, unit) = (condition.metric, condition.metric.unit());
    let value = (value * 1e4).round() / 1e4;
    match &condition.row {
        Some(row) => format!("{metric} of {row} {value}{unit}"),
        None => format!("{metric} {value}{unit}"),
    }
}
