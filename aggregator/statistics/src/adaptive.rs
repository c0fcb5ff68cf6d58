//! Adaptive load: looks at the figures of a step when it is over, and writes what follows as the run's next segment.
//!
//! Any number of processes may look, and a process that begins later goes on: all that they need is in the run and its
//! records, and the run is written only as long as nobody else has changed it.

use std::time::Duration;

use tokio::sync::Mutex;
use traffic::clock::Timestamp;
use traffic::deployment::Deployment;
use traffic::fanout::FanOutError;
use traffic::plan::bounded::bounded;
use traffic::ports::{Heartbeat, Queue, Store, StoreError};
use traffic::run::{Run, Segment, ShapePart, Step};
use traffic::run_rules::Limits;
use traffic::runs::{LoadedRun, RunError, planned_classes};
use traffic::workload::{Adaptive, Course};

use self::verdict::{Verdict, judge};

mod verdict;
mod window;

/// From the end of a step to the decision: results are written two seconds after they came, and on their way then.
pub const DECIDES_AFTER: Duration = Duration::from_secs(3);

/// The longest time whose results are judged: older ones may be dropped, since they are in the statistics.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Why nothing could be decided; the next look does.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum AdaptError {
    #[error("the adaptive load has no run")]
    Run(#[from] RunError),
    #[error("the figures of a step cannot be read, or its decision cannot be written")]
    Store(#[from] StoreError),
    #[error("the step is decided on, but its traffic is late")]
    FanOut(#[from] FanOutError),
}

/// A step that is not decided on.
struct Current<'r> {
    part: &'r ShapePart,
    step: &'r Step,
    until: Timestamp,
    adaptive: &'r Adaptive,
    segment: &'r Segment,
}

/// The outcome of a look at the newest run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// No run is on of which a step is to be decided on.
    Idle,
    /// The step goes on, or another process has just decided on it.
    Climbing,
    /// This process has written what follows.
    Decided,
}

/// Decides on the step of the newest run that is over, if one is, as far as `limits` allow. To be called again and again.
/// `turn` is that of all who change runs in this process.
pub async fn adapt<S: Store, Q: Queue, H: Heartbeat>(
    deployment: &Deployment<S, Q, H>,
    limits: &Limits,
    turn: &Mutex<()>,
) -> Result<Looked, AdaptError> {
    let Some(before) = deployment.runs.latest().await? else {
        return Ok(Looked::Idle);
    };
    let now = deployment.clock.now();
    let Some(ended) = current(&before, now) else {
        return Ok(Looked::Idle);
    };
    if now < ended.until + DECIDES_AFTER {
        return Ok(Looked::Climbing);
    }
    let from = ended.step.window_from.max(ended.until - LONGEST);
    let stats = window::read(deployment, &before, from, ended.until).await?;
    let last = Timestamp::from_micros(ended.until.micros() - 1);
    let users = (before.plan.user_count(last), ended.segment.user_count);
    let time = ended.until.since(from);
    let verdict = judge(ended.adaptive, ended.step, users, limits, (&stats, time));
    let _turn = turn.lock().await;
    match verdict {
        Verdict::Waits(why) => wait(deployment, &before, &ended, why).await,
        Verdict::Goes(to) => decide(deployment, &before, &ended, to).await,
    }
}

/// The step of a run that is on, if it is to be decided on.
fn current(run: &LoadedRun, now: Timestamp) -> Option<Current<'_>> {
    let segment = run.plan.run().segments.last()?;
    let part = segment.shape.as_ref()?;
    let step = part.step.as_ref()?;
    let until = step.window_until?;
    let Course::Adaptive(adaptive) = run.workload.shape(&part.name)?.course() else {
        return None;
    };
    let is_on = !run.plan.run().is_over(now) && run.plan.run().stopped_at.is_none();
    is_on.then_some(Current {
        part,
        step,
        until,
        adaptive,
        segment,
    })
}

/// Gives a step with too few results more time: the plan stays as it is.
async fn wait<S: Store, Q: Queue, H: Heartbeat>(
    deployment: &Deployment<S, Q, H>,
    before: &LoadedRun,
    ended: &Current<'_>,
    why: String,
) -> Result<Looked, AdaptError> {
    let every = Duration::from_secs(ended.adaptive.every);
    let (until, now) = (ended.until + every, deployment.clock.now());
    // while nobody looked, nothing may have been sent
    let until = if until < now { now + every } else { until };
    let mut run = before.plan.run().clone();
    let step = Step {
        window_until: Some(until),
        waits: Some(why.clone()),
        ..ended.step.clone()
    };
    if let Some(part) = run.segments.last_mut().and_then(|last| last.shape.as_mut()) {
        part.step = Some(step);
    }
    run.revision += 1;
    if !write(deployment, &run).await? {
        return Ok(Looked::Climbing);
    }
    tracing::info!(run = %run.id, shape = ended.part.name, "{why}");
    deployment.runs.put(run).await?;
    Ok(Looked::Decided)
}

/// Goes to the users of a verdict, with a segment that says why.
async fn decide<S: Store, Q: Queue, H: Heartbeat>(
    deployment: &Deployment<S, Q, H>,
    before: &LoadedRun,
    ended: &Current<'_>,
    to: verdict::To,
) -> Result<Looked, AdaptError> {
    let change = deployment.begin_change();
    let from = change.from();
    let mut run = before.plan.run().clone();
    if run.ends().is_some_and(|end| end <= from) {
        return Ok(Looked::Idle);
    }
    let adaptive = ended.adaptive;
    let ramp = adaptive.ramp(to.users.abs_diff(ended.segment.user_count));
    let step = Step {
        number: ended.step.number + 1,
        window_from: from + ramp,
        window_until: (!to.is_settled).then(|| from + Duration::from_secs(adaptive.every)),
        held: to.held,
        reason: Some(to.reason.clone()),
        waits: None,
    };
    run.segments.push(Segment {
        from,
        user_count: to.users,
        shape: Some(ShapePart {
            step: Some(step),
            ..ended.part.clone()
        }),
        ..ended.segment.clone()
    });
    run.revision += 1;
    let run = bounded(run, planned_classes(&before.workload));
    if !write(deployment, &run).await? {
        return Ok(Looked::Climbing);
    }
    tracing::info!(run = %run.id, shape = ended.part.name, "{}", to.reason);
    let after = deployment.runs.put(run).await?;
    drop(change);
    deployment.plan_change(before, &after, from).await?;
    deployment.plan_ahead().await?;
    Ok(Looked::Decided)
}

/// Writes a run unless somebody has changed it: then the next look judges what it is by then.
async fn write<S: Store, Q, H>(
    deployment: &Deployment<S, Q, H>,
    run: &Run,
) -> Result<bool, StoreError> {
    match deployment.store.put_run(run).await {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}
