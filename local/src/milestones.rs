//! The milestones of a run in Locust's words, for scripts that wait for them in the log: all users are there, and the
//! run time is over. Locust's `--reset-stats` counts anew at the first.

use control::Control;
use statistics::state::State;
use traffic::clock::Timestamp;
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run::RunId;
use traffic::runs::LoadedRun;

/// The milestones that were said so far.
#[derive(Debug)]
pub(crate) struct Milestones {
    resets_statistics: bool,
    /// True if the program ends with the run.
    ends_with_run: bool,
    /// What began earlier was said by an earlier process.
    since: Timestamp,
    /// The segment whose users are all there: its run and its first instant.
    spawned: Option<(RunId, Timestamp)>,
    ended: Option<RunId>,
}

impl Milestones {
    pub(crate) fn new(since: Timestamp, resets_statistics: bool, ends_with_run: bool) -> Self {
        Self {
            resets_statistics,
            ends_with_run,
            since,
            spawned: None,
            ended: None,
        }
    }

    /// Looks at the newest run. A reset that the store refuses is tried again at the next look.
    pub(crate) async fn look<S: Store, Q: Queue, H: Heartbeat>(
        &mut self,
        control: &Control<S, Q, H>,
    ) {
        let run = match control.run().await {
            Ok(run) => run,
            Err(error) => {
                tracing::debug!(%error, "the run cannot be looked at");
                return;
            }
        };
        let Some(run) = run.as_deref() else {
            return;
        };
        let now = control.now();
        if control.state(Some(run)) == State::Running {
            self.spawned(run, now, control).await;
        }
        self.ended(run, now);
    }

    async fn spawned<S: Store, Q: Queue, H: Heartbeat>(
        &mut self,
        run: &LoadedRun,
        now: Timestamp,
        control: &Control<S, Q, H>,
    ) {
        let mut segments = run.plan.run().segments.iter();
        let Some(segment) = segments.rfind(|segment| segment.from <= now) else {
            return;
        };
        let reached = (run.plan.run().id.clone(), segment.from);
        if segment.from < self.since || self.spawned.as_ref() == Some(&reached) {
            return;
        }
        if self.resets_statistics {
            if let Err(error) = control.reset().await {
                tracing::warn!(%error, "statistics are not reset yet");
                return;
            }
            tracing::info!("Resetting stats");
        }
        let counts = run.plan.class_counts(now);
        let shares = segment.shares.iter();
        let mut classes: Vec<(&str, u32)> = shares
            .filter_map(|share| {
                let number = run.plan.class_number(&share.class)?;
                Some((share.class.as_str(), counts[number]))
            })
            .collect();
        classes.sort_unstable();
        let total: u32 = classes.iter().map(|(_, count)| count).sum();
        let classes = classes
            .iter()
            .map(|(class, count)| format!("\"{class}\": {count}"));
        let classes: Vec<String> = classes.collect();
        tracing::info!(
            "All users spawned: {{{}}} ({total} total users)",
            classes.join(", ")
        );
        self.spawned = Some(reached);
    }

    fn ended(&mut self, run: &LoadedRun, now: Timestamp) {
        let plan = run.plan.run();
        let by_itself = plan.is_over(now) && plan.stopped_at.is_none();
        let is_new = plan.ends().is_some_and(|end| end >= self.since);
        if !by_itself || !is_new || self.ended.as_ref() == Some(&plan.id) {
            return;
        }
        self.ended = Some(plan.id.clone());
        let last = plan.iterations.and_then(|limit| limit.last);
        if last.is_some() && plan.breaks_off().is_none_or(|end| now < end) {
            tracing::info!("--iterations limit reached, waiting for the last ones");
            return;
        }
        match (plan.shape(), self.ends_with_run) {
            (Some(_), _) => tracing::info!("Shape test stopping"),
            (None, true) => tracing::info!("--run-time limit reached, shutting down"),
            (None, false) => tracing::info!("--run-time limit reached, stopping test"),
        }
    }
}
