//! The calls of a stretch of a run, of watching it, and of a queue that is only polled.
//!
//! The stretch is played through: every tick of the plan is claimed, executes the requests that its draws
//! say with response times that are assumed, and writes the records that the journal would write.

use std::time::Duration;

use traffic::clock::Slot;
use traffic::runs::LoadedRun;

use super::assumptions::Assumptions;
use super::aws_calls;
use super::calls::Calls;
use super::lambda_environments::Player;
use super::minute_overhead;

/// The calls of a run's slots from `from` on and before `until`.
///
/// Nothing is in flight to begin with, as where a run starts.
pub fn calls(run: &LoadedRun, from: Slot, until: Slot, assumptions: &Assumptions) -> Calls {
    calls_of_windows(run, [(from, from, until)], assumptions)
}

/// The calls of windows of a run that follow one another, `(begins, from, until)` of each: it is played with what the slots
/// since `begins` have left in flight.
pub(super) fn calls_of_windows(
    run: &LoadedRun,
    windows: impl IntoIterator<Item = (Slot, Slot, Slot)>,
    assumptions: &Assumptions,
) -> Calls {
    let mut player = Player::new(run, assumptions);
    let mut calls = Calls {
        shards: u64::from(run.plan.shards()),
        ..Calls::default()
    };
    let mut minutes = 0;
    for (begins, from, until) in windows {
        player.play(begins, from, &mut Calls::default());
        player.play(from, until, &mut calls);
        calls.seconds += until.0.saturating_sub(from.0);
        minutes += until.0.div_ceil(60).saturating_sub(from.0.div_ceil(60));
    }
    minute_overhead::play(minutes, player.names(), &mut calls);
    calls
}

/// The calls of watching for `time` while `during` goes on: a page that asks for statistics every
/// [`Assumptions::poll_every`].
pub fn watching(during: &Calls, time: Duration, assumptions: &Assumptions) -> Calls {
    let mut calls = Calls {
        seconds: time.as_secs(),
        ..Calls::default()
    };
    minute_overhead::watch(during, time, assumptions, &mut calls);
    calls
}

/// The calls that a start and a stop make, beside those of the run that they begin and end.
pub fn switching(during: &Calls) -> Calls {
    minute_overhead::switching(during)
}

/// The queue's idle polling, which goes on while a run is on.
pub fn idle(time: Duration) -> Calls {
    let mut calls = Calls {
        seconds: time.as_secs(),
        ..Calls::default()
    };
    let polls = time.as_secs_f64() / aws_calls::LONG_POLL.as_secs_f64() * aws_calls::POLLERS;
    calls.add(aws_calls::IDLE_RECEIVE, polls.round() as u64, 1);
    calls
}
