//! The state of the traffic, in Locust's words.

use serde::Serialize;
use strum::IntoStaticStr;
use traffic::clock::Timestamp;
use traffic::plan::Phase;
use traffic::run::Run;
use traffic::runs::LoadedRun;
use utoipa::ToSchema;

/// The state of the traffic, as Locust names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum State {
    /// Nothing has run yet.
    Ready,
    /// Users are being started or stopped, or are about to be.
    Spawning,
    /// All users are there.
    Running,
    /// The run was stopped or is over, and results of it may still come.
    Stopping,
    /// The last run is over, and all its results are here.
    Stopped,
}

impl State {
    /// The state of the newest run at an instant; `is_settled` is true for a run that is over with all its results.
    pub fn of(run: Option<&LoadedRun>, now: Timestamp, is_settled: bool) -> Self {
        let Some(plan) = run.map(|run| &run.plan) else {
            return Self::Ready;
        };
        // the next stage of a shape is no change: it was asked for when the shape began
        let changes_soon = |run: &Run| {
            run.segments.windows(2).any(|pair| {
                let goes_on = pair[0].shape.is_some() && pair[1].shape.is_some();
                !goes_on && pair[1].from > now
            })
        };
        match plan.phase(now) {
            Phase::Over if is_settled => Self::Stopped,
            Phase::Over => Self::Stopping,
            _ if plan.run().stopped_at.is_some() => Self::Stopping,
            Phase::Running if !changes_soon(plan.run()) => Self::Running,
            _ => Self::Spawning,
        }
    }

    /// Locust's word.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The users active at an instant, of the newest run.
pub fn user_count(run: Option<&LoadedRun>, now: Timestamp) -> u64 {
    run.map_or(0, |run| run.plan.user_count(now))
}
