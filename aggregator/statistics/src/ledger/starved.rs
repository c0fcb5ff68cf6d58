//! The judgement that response times include our own waiting: the lateness at p95 is above [`LATE_MS`].
//!
//! A process that begins iterations late for want of CPU, or of places for requests, reads responses late too. Every
//! place that says so, and the log, takes it from here: one threshold, one wording.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use traffic::clock::Slot;
use utoipa::ToSchema;

use super::lateness::Lateness;
use super::past::Booked;
use crate::ageing_series::AgeingSeries;
use crate::stats::smallest_keys::Merge as _;

/// Lateness at p95 above this number of milliseconds is in the response times too.
pub(crate) const LATE_MS: f64 = 50.0;

/// The length of the window before the last slot that is counted.
const WINDOW_SECONDS: u64 = 60;

/// A 95th percentile of fewer iterations is the latest of them, which says nothing.
const FEWEST: u64 = 20;

/// Response times include our own waiting.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Starved {
    /// The 95th percentile of lateness in milliseconds.
    pub lateness_p95_ms: f64,
    /// One sentence with the figure.
    #[schema(value_type = String)]
    pub message: Arc<str>,
}

/// The time that a lateness is of.
#[derive(Clone, Copy, Debug)]
enum Window {
    LastMinute,
    Run,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LastMinute => "in the last minute of the run",
            Self::Run => "over the whole run",
        })
    }
}

impl Starved {
    /// Judges the minute before `until`, and then all of the run, which its statistics are of.
    pub(crate) fn judge<'a>(
        classes: impl Iterator<Item = &'a AgeingSeries<Booked>>,
        until: Slot,
        of_run: &Lateness,
    ) -> Option<Self> {
        let mut minute = Booked::default();
        let from = until.0.saturating_sub(WINDOW_SECONDS);
        for series in classes {
            let intervals = series.iter();
            let in_window = intervals.filter(|(one, _)| one.end() > from && one.start < until.0);
            in_window.for_each(|(_, booked)| minute.merge(booked));
        }
        let last_minute = (minute.sent(), minute.lateness_p95_ms(), Window::LastMinute);
        let run = (of_run.count(), Some(of_run.figures().p95), Window::Run);
        let mut windows = [last_minute, run].into_iter();
        windows.find_map(|(sent, p95, window)| {
            let late = p95.filter(|p95| sent >= FEWEST && *p95 > LATE_MS)?;
            Some(Self::of(late, window))
        })
    }

    fn of(late: f64, window: Window) -> Self {
        let message = format!(
            "response times include our own waiting: lateness at p95 was {late:.0} ms {window}, above {LATE_MS} ms"
        );
        Self {
            lateness_p95_ms: late,
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL: u64 = 1_795_000_000;

    /// The judgement of a run with so many iterations of a lateness, each due so many seconds before the end.
    fn judged(iterations: &[(u64, u64, u64)]) -> Option<Starved> {
        let (mut series, mut run) = (AgeingSeries::<Booked>::default(), Lateness::default());
        for &(count, late_ms, before) in iterations {
            for _ in 0..count {
                run.add(late_ms * 1_000);
                series.count(UNTIL - before, |booked| {
                    booked.add_lateness(late_ms * 1_000)
                });
            }
        }
        Starved::judge([&series].into_iter(), Slot(UNTIL), &run)
    }

    #[test]
    fn one_iteration_in_ten_that_is_late_is_said_with_the_figure() {
        let starved = judged(&[(18, 1, 30), (2, 200, 30)]).unwrap();
        assert!(starved.lateness_p95_ms >= 200.0 && starved.lateness_p95_ms < 225.0);
        let said = "response times include our own waiting: lateness at p95 was 2";
        assert!(starved.message.starts_with(said), "{}", starved.message);
        assert!(starved.message.contains("in the last minute of the run"));
    }

    #[test]
    fn one_in_forty_is_not_said_nor_are_all_of_a_few_nor_lateness_within_the_limit() {
        assert_eq!(judged(&[(39, 1, 30), (1, 5_000, 30)]), None);
        assert_eq!(judged(&[(19, 5_000, 30)]), None);
        assert_eq!(judged(&[(1_000, 48, 30)]), None);
        assert_eq!(judged(&[]), None);
    }

    #[test]
    fn a_minute_that_is_over_counts_by_its_share_in_the_run() {
        let starved = judged(&[(50, 80, 300), (50, 1, 5)]).unwrap();
        assert!(starved.message.contains("over the whole run"));
        assert_eq!(judged(&[(4, 80, 300), (96, 1, 5)]), None);
        let starved = judged(&[(900, 1, 300), (30, 80, 5)]).unwrap();
        assert!(starved.message.contains("in the last minute"));
    }
}
