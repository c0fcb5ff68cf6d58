//! The decisions on an adaptive load, from the segments of its run.

use serde::Serialize;
use traffic::run::{Run, Segment, Step};
use utoipa::ToSchema;

/// An adaptive load: the step that it is in, and the decisions that led there.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AdaptiveLoad {
    /// The number of the step, from 1.
    pub step: u32,
    /// The users of the step.
    pub users: u32,
    /// The most users with which the target has held so far; null before the first such step.
    #[schema(required)]
    pub held: Option<u32>,
    /// True once it stays at its users.
    pub is_settled: bool,
    /// Why the step lasts longer: too few requests to judge.
    #[schema(required)]
    pub waits: Option<String>,
    /// The decisions, from the first.
    pub decisions: Vec<Decision>,
}

/// A decision on a step that was over.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Decision {
    /// The instant from which it holds, in seconds since the Unix epoch.
    pub at: f64,
    /// The users from then on.
    pub users: u32,
    /// Why: `p95 812 ms at 120 users: back to 110`.
    pub reason: String,
}

impl AdaptiveLoad {
    /// The adaptive load of a run; `None` if it has another one.
    pub(crate) fn of(run: &Run) -> Option<Self> {
        fn step(segment: &Segment) -> Option<&Step> {
            segment.shape.as_ref()?.step.as_ref()
        }
        let last = run.segments.last()?;
        let now = step(last)?;
        let decision = |segment: &Segment| {
            Some(Decision {
                at: segment.from.seconds(),
                users: segment.user_count,
                reason: step(segment)?.reason.clone()?,
            })
        };
        Some(Self {
            step: now.number,
            users: last.user_count,
            held: now.held,
            is_settled: now.window_until.is_none(),
            waits: now.waits.clone(),
            decisions: run.segments.iter().filter_map(decision).collect(),
        })
    }
}
