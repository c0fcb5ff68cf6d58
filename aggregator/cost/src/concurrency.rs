//! How late wake-ups come where fewer functions may run at once than the traffic needs.
//!
//! An invocation lasts from shortly before its second until the slowest answer. While all functions that may run at once
//! are busy, messages wait, and the next function that is free is given up to [`messages_at_once`] of them; it has places for
//! [`REQUESTS_AT_ONCE`].

use traffic::requests_at_once::{REQUESTS_AT_ONCE, messages_at_once};
use traffic::runs::LoadedRun;
use traffic::tick::TOO_LATE;

use super::assumptions::Assumptions;
use super::calls::{Calls, Function};
use super::sampled_window::settled;
use super::stretch::calls;

/// Users times seconds that are played for a run that is about to start: some tens of milliseconds.
const PLAYED: u64 = 60_000;

/// The most seconds that are played for it.
const LONGEST: u64 = 30;

/// How late a run's wake-ups will come, in one sentence, with `at_once` functions for its ticks; `None` if they suffice.
/// It assumes the response times of [`Assumptions`].
pub fn lateness_of_run(run: &LoadedRun, at_once: u32, ticks_per_message: usize) -> Option<String> {
    let assumptions = Assumptions {
        ticks_per_message,
        ..Assumptions::default()
    };
    let from = settled(&run.plan);
    let users = run.plan.user_count(from.full_second()).max(1);
    let seconds = (PLAYED / users).clamp(1, LONGEST);
    let calls = calls(run, from, from.plus(seconds), &assumptions);
    lateness(&calls, at_once, ticks_per_message)
}

/// The same of traffic whose calls were counted.
pub(super) fn lateness(calls: &Calls, at_once: u32, ticks_per_message: usize) -> Option<String> {
    let ticks = calls.functions.get(&Function::Tick)?;
    let seconds_each = ticks.busy_ms as f64 / 1_000.0 / ticks.count.max(1) as f64;
    let needed = ticks.busy_ms as f64 / 1_000.0 / calls.seconds.max(1) as f64;
    let users = (calls.iterations + calls.skipped) as f64 / calls.messages.max(1) as f64;
    let places = REQUESTS_AT_ONCE as f64 / users.max(1.0);
    let together = places.clamp(1.0, messages_at_once(ticks_per_message) as f64);
    sentence(needed, seconds_each, at_once, together)
}

/// `needed` functions are busy on average, each for some seconds; one can execute some messages together.
fn sentence(needed: f64, each: f64, at_once: u32, together: f64) -> Option<String> {
    let there = f64::from(at_once.max(1));
    if needed <= there {
        return None;
    }
    let begin = format!(
        "too few functions at once: this traffic needs {:.0}, and {at_once} are there",
        needed.ceil()
    );
    // a message waits until the next function is free
    let wait = each / there;
    let late = TOO_LATE.as_secs_f64();
    Some(if needed <= there * together && wait < late {
        format!("{begin}: iterations will be up to {wait:.1} s late")
    } else {
        let missing = 100.0 * (1.0 - there * together / needed).max(0.0);
        format!("{begin}: iterations will be {late:.0} s late, and {missing:.0} % of them missing")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_functions_make_wake_ups_late_and_far_too_few_make_them_missing() {
        let of = |needed, at_once| sentence(needed, 20.0, at_once, 4.0);
        assert_eq!(of(10.0, 10), None);
        assert_eq!(
            of(20.4, 10).unwrap(),
            "too few functions at once: this traffic needs 21, and 10 are there: iterations will be up to 2.0 s late"
        );
        // up to four messages are taken together
        assert_eq!(
            of(80.0, 10).unwrap(),
            "too few functions at once: this traffic needs 80, and 10 are there: iterations will be 30 s late, and \
             50 % of them missing"
        );
    }
}
