//! The statistics of the minute since the last look, as a log line that the stage's alarms are fed by.
//!
//! A metric filter takes the numbers from the line: no call to CloudWatch is made for them. A process
//! that has just started knows no last look, and so is silent for a minute, unless the run is as young.

use std::time::Duration;

use parking_lot::Mutex;
use statistics::reader::Snapshot;
use traffic::clock::Timestamp;
use traffic::run::RunId;

/// A run that counts since this long ago is reported from its beginning.
const YOUNG: Duration = Duration::from_secs(120);

/// The totals at the last look.
#[derive(Debug, Default)]
pub(crate) struct Minute(Mutex<Option<Totals>>);

/// The totals of a run's statistics at some instant.
#[derive(Clone, Debug, PartialEq)]
struct Totals {
    run: RunId,
    /// Since when they count: a reset makes them start again.
    since: Timestamp,
    requests: u64,
    failures: u64,
    /// The sum of all response times.
    response_ms: f64,
    /// Iterations of which nothing is known, since the run's start.
    missing: u64,
}

/// The difference of two [`Totals`].
#[derive(Clone, Copy, Debug, PartialEq)]
struct Figures {
    requests: u64,
    fail_ratio: f64,
    average_response_time_ms: f64,
}

impl Minute {
    /// Logs what is new in a snapshot, if anything is.
    pub(crate) fn report(&self, snapshot: &Snapshot) {
        let Some(now) = Totals::of(snapshot) else {
            return;
        };
        let mut last = self.0.lock();
        let before = last.replace(now.clone());
        drop(last);
        let missing = now.missing_after(before.as_ref(), snapshot.at);
        if missing > 0 {
            tracing::warn!(missing, "iterations are missing");
        }
        if let Some(figures) = now.after(before.as_ref(), snapshot.at) {
            tracing::info!(
                requests = figures.requests,
                fail_ratio = figures.fail_ratio,
                average_response_time_ms = figures.average_response_time_ms,
                "statistics of a minute"
            );
        }
    }
}

impl Totals {
    fn of(snapshot: &Snapshot) -> Option<Self> {
        let run = snapshot.run.as_ref()?;
        let total = snapshot.report().total;
        Some(Self {
            run: run.plan.run().id.clone(),
            since: snapshot.stats.since(),
            requests: total.num_requests,
            failures: total.num_failures,
            response_ms: total.avg_response_time * total.num_requests as f64,
            missing: snapshot.ledger.total.missing,
        })
    }

    /// What is missing that was not at `before`, or since the run's beginning where that was a moment
    /// ago. A reset of the statistics does not change it.
    fn missing_after(&self, before: Option<&Self>, now: Timestamp) -> u64 {
        match before.filter(|before| before.run == self.run) {
            Some(before) => self.missing.saturating_sub(before.missing),
            None if now.since(self.since) > YOUNG => 0,
            None => self.missing,
        }
    }

    /// The figures counted after `before`, or since the beginning where that was a moment ago; nothing
    /// if there was no request.
    fn after(&self, before: Option<&Self>, now: Timestamp) -> Option<Figures> {
        let known = before.filter(|before| before.run == self.run && before.since == self.since);
        if known.is_none() && now.since(self.since) > YOUNG {
            return None;
        }
        let (requests, failures, response_ms) = known.map_or((0, 0, 0.0), |before| {
            (before.requests, before.failures, before.response_ms)
        });
        let requests = self.requests.checked_sub(requests)?;
        if requests == 0 {
            return None;
        }
        let count = requests as f64;
        Some(Figures {
            requests,
            fail_ratio: self.failures.saturating_sub(failures) as f64 / count,
            average_response_time_ms: (self.response_ms - response_ms).max(0.0) / count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(run: &str, since: u64, requests: u64, failures: u64, response_ms: f64) -> Totals {
        Totals {
            run: RunId(run.to_owned()),
            since: second(since),
            requests,
            failures,
            response_ms,
            missing: 0,
        }
    }

    fn second(second: u64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    #[test]
    fn a_minute_is_the_difference_of_two_looks() {
        let before = totals("a", 0, 100, 10, 5_000.0);
        let now = totals("a", 0, 150, 20, 25_000.0);
        let figures = now.after(Some(&before), second(9_000));
        let expected = Figures {
            requests: 50,
            fail_ratio: 0.2,
            average_response_time_ms: 400.0,
        };
        assert_eq!(figures, Some(expected));
    }

    #[test]
    fn what_is_missing_is_said_once_also_without_a_request_and_across_a_reset() {
        let missing = |run: &str, since, missing| Totals {
            missing,
            ..totals(run, since, 0, 0, 0.0)
        };
        let before = missing("a", 0, 3);
        let late = second(9_000);
        assert_eq!(missing("a", 0, 3).missing_after(Some(&before), late), 0);
        assert_eq!(missing("a", 8_990, 5).missing_after(Some(&before), late), 2);
        assert_eq!(missing("b", 8_990, 4).missing_after(Some(&before), late), 4);
        assert_eq!(missing("b", 0, 4).missing_after(None, late), 0);
    }

    #[test]
    fn a_minute_without_requests_says_nothing() {
        let same = totals("a", 0, 100, 10, 5_000.0);
        assert_eq!(same.after(Some(&same), second(9_000)), None);
    }

    #[test]
    fn what_was_counted_before_a_process_began_is_not_taken_for_a_minutes() {
        let now = totals("a", 0, 1_000_000, 0, 1.0);
        assert_eq!(now.after(None, second(9_000)), None);
        let other = totals("b", 0, 1, 0, 1.0);
        assert_eq!(now.after(Some(&other), second(9_000)), None);
    }

    #[test]
    fn a_young_run_and_a_reset_one_are_reported_from_their_beginning() {
        let young = totals("b", 9_000, 4, 1, 40.0);
        let other = totals("a", 0, 100, 10, 5_000.0);
        let expected = Figures {
            requests: 4,
            fail_ratio: 0.25,
            average_response_time_ms: 10.0,
        };
        assert_eq!(young.after(None, second(9_060)), Some(expected));
        assert_eq!(young.after(Some(&other), second(9_060)), Some(expected));
        let before_reset = totals("b", 0, 100, 10, 5_000.0);
        assert_eq!(
            young.after(Some(&before_reset), second(9_060)),
            Some(expected)
        );
    }
}
