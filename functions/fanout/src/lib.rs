//! The function fanout: what it does when the heartbeat calls it, on any ports.
//!
//! It ends a run that does not obey the rules of this deployment, decides on an adaptive load's step that is over, and
//! plans some minutes ahead, which is [`traffic::fanout`]'s. Where the queue does not deliver yet, it hands over what is due meanwhile. In the time that
//! is left it folds sealed buckets, which is [`statistics::reader`]'s. Planning must not fail; folding may wait a
//! minute. `minute` logs the figures for alarms.

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::de::IgnoredAny;
use statistics::adaptive::adapt;
use statistics::reader::Aggregation;
use statistics::stats::Limits;
use tokio::sync::Mutex;
use traffic::clock::Timestamp;
use traffic::deployment::Deployment;
use traffic::fanout::{FanOutError, FanOutReport};
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run_rules::RunRules;

mod minute;

use minute::Minute;

/// All ends this long before the function is cut off.
const MARGIN: Duration = Duration::from_secs(2);

/// Folding ends before the next beat, which folds too.
const FOLDS_WITHIN: Duration = Duration::from_secs(58);

/// The function on some ports.
pub struct Function<S, Q, H> {
    deployment: Arc<Deployment<S, Q, H>>,
    rules: RunRules,
    aggregation: Aggregation<S>,
    minute: Minute,
}

impl<S: Store, Q: Queue, H: Heartbeat> Function<S, Q, H> {
    /// The function that plans with `deployment`, ends a run that does not obey `rules`, and folds what is in the store.
    pub fn new(deployment: Arc<Deployment<S, Q, H>>, rules: RunRules) -> Self {
        let (store, runs) = (Arc::clone(&deployment.store), Arc::clone(&deployment.runs));
        let aggregation = Aggregation::new(
            store,
            runs,
            deployment.clock.clone(),
            Limits::for_paid_writes(),
        );
        Self {
            deployment,
            rules,
            aggregation,
            minute: Minute::default(),
        }
    }

    /// Asks the store for the newest run, so that the first call finds everything connected. A store
    /// that is away for a moment is no reason not to start.
    pub async fn warm_up(&self) {
        if let Err(error) = self.deployment.runs.latest().await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the store does not answer yet");
        }
    }

    /// Plans ahead and folds, and hands over what is due until the queue delivers, or shortly before `deadline`.
    ///
    /// # Errors
    /// When the next minute is not planned; the next call does it.
    pub async fn beat(&self, deadline: Timestamp) -> Result<(), FanOutError> {
        let (planned, ()) = tokio::join!(self.plan(deadline), self.hand_over(deadline));
        planned
    }

    /// While the queue does not deliver, at the beginning of a run, this does. When it fails, only what the queue
    /// brings too late is missing.
    async fn hand_over(&self, deadline: Timestamp) {
        match self.deployment.hand_over(deadline - MARGIN).await {
            Ok(0) => {}
            Ok(slots) => tracing::info!(slots, "handed over what the queue did not deliver yet"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "whether the queue delivers is not known");
            }
        }
    }

    async fn plan(&self, deadline: Timestamp) -> Result<(), FanOutError> {
        let began = self.deployment.clock.now();
        // what keeps it from being judged keeps it from being planned as well, or the next minute judges it
        if let Err(error) = self.deployment.end_what_does_not_fit(&self.rules).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(
                error,
                "whether the run obeys the limits of now is not known yet"
            );
        }
        self.adapt().await;
        match self.deployment.plan_ahead().await? {
            FanOutReport::Idle => tracing::info!("no run is on: the heartbeat is off"),
            FanOutReport::Ending => {
                tracing::info!("the run has just ended: the heartbeat stays on")
            }
            FanOutReport::Planned { wake_ups, until } => {
                tracing::info!(wake_ups, until = until.0, "planned ahead");
            }
        }
        let ends = (deadline - MARGIN).min(began + FOLDS_WITHIN);
        let left = ends.since(self.deployment.clock.now());
        match tokio::time::timeout(left, self.fold()).await {
            Ok(()) => {}
            Err(_) => {
                tracing::warn!("no time was left to fold all that is sealed: the next minute does")
            }
        }
        Ok(())
    }

    /// Decides on the step of an adaptive load that is over; where it cannot, the next minute does.
    async fn adapt(&self) {
        let (limits, turn) = (&self.rules.limits, Mutex::default());
        if let Err(error) = adapt(&self.deployment, limits, &turn).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the step of the adaptive load is not decided on yet");
        }
    }

    /// Folds what is sealed, so that the page opens as fast after a week as after a minute, and says
    /// what the latest minute was like.
    async fn fold(&self) {
        if let Err(error) = self.aggregation.fold_sealed().await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "sealed records are not folded yet");
        }
        match self.aggregation.snapshot().await {
            Ok(snapshot) => self.minute.report(&snapshot),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the statistics of this minute cannot be read");
            }
        }
    }
}

/// Takes the heartbeat's calls, whatever is in them, as long as Lambda keeps the process.
pub async fn serve<S: Store, Q: Queue, H: Heartbeat>(
    function: Function<S, Q, H>,
) -> Result<(), lambda_runtime::Error> {
    let function = &function;
    let call = |event: LambdaEvent<IgnoredAny>| async move {
        let deadline = Timestamp::from_micros(event.context.deadline.saturating_mul(1_000));
        function
            .beat(deadline)
            .await
            .map_err(|error| failed(&error))
    };
    lambda_runtime::run(service_fn(call)).await
}

/// The error of a call: one line with all that caused it, in the log and in what Lambda shows.
fn failed(error: &FanOutError) -> Diagnostic {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "the next minute is not planned yet"
    );
    Diagnostic {
        error_type: "FanOutError".to_owned(),
        error_message: traffic::error_chain::one_line(error),
    }
}
