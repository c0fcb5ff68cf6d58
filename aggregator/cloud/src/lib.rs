//! The aggregator in the cloud: the router of [`web::api`] on a stage's ports.
//!
//! [`Cloud`] puts it together, [`function`] serves it behind a Function URL, [`server`] in a container,
//! and [`settings`] are what both read from the environment. What is answered is the same as on a
//! laptop.

use std::sync::Arc;
use std::time::Duration;

use aws::deployment::{StageDeployment, connect};
use aws::environment::{SettingError, Variables, start_logging};
use aws::processes::{self, NoHeartbeat, NoQueue};
use axum::Router;
use control::{Control, ControlSettings};
use statistics::adaptive::Looked;
use statistics::reader::Aggregation;
use statistics::stats::Limits;
use traffic::clock::Clock;
use traffic::deployment::Deployment;
use traffic::error_chain::one_line;
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run_rules::InvalidField;
use web::api::{Api, Door, Trouble, router};
use web::logs::{LocustFormat, LogBuffer};

pub mod function;
pub mod server;
pub mod settings;

use settings::{AggregatorSettings, Misconfigured, TableSettings};

/// The time between two folds of sealed buckets where no heartbeat folds them.
const FOLD_EVERY: Duration = Duration::from_secs(60);

/// The time between two folds when the last one failed.
const FOLD_AGAIN: Duration = Duration::from_secs(5);

/// The time between two looks whether a step of an adaptive load is over.
const ADAPT_EVERY: Duration = Duration::from_secs(1);

/// The same while no adaptive load is on: each look is a read of the table.
const LOOK_FOR_CLIMBS_EVERY: Duration = Duration::from_secs(10);

/// The time between two looks at a store that may be away, or have lost its table.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The aggregator on some ports.
pub struct Cloud<S, Q, H> {
    api: Api<S, Q, H>,
}

/// Makes the table whenever it is not there, for as long as this is polled: at the start, beside a store that has just
/// been started, and again when it was deleted or DynamoDB Local begun anew.
pub async fn keep_table(store: &aws::DynamoStore) {
    let mut was_away = false;
    loop {
        let mut is_away = false;
        if store.connect().await.is_err()
            && let Err(error) = store.create().await
        {
            is_away = true;
            if !was_away {
                tracing::warn!(error = one_line(&error), "the table cannot be made yet");
            }
        }
        was_away = is_away;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Starts logging as `CICADA_LOG` says; the newest lines are kept for `/logs`.
pub fn logging(variables: &Variables) -> Result<LogBuffer, SettingError> {
    let logs = LogBuffer::default();
    start_logging(variables, logs.layer(LocustFormat::new(Clock::system())))?;
    Ok(logs)
}

impl Cloud<aws::DynamoStore, aws::SqsQueue, aws::SchedulerHeartbeat> {
    /// The aggregator of the stage that the settings name.
    pub async fn connect(
        settings: AggregatorSettings,
        variables: &Variables,
        logs: LogBuffer,
    ) -> Result<Self, Misconfigured> {
        let deployment: Arc<StageDeployment> =
            connect(settings.stage, variables.lookup(), Clock::system()).await?;
        Ok(Self::new(
            deployment,
            settings.control,
            settings.door,
            logs,
        )?)
    }
}

impl Cloud<aws::DynamoStore, NoQueue, NoHeartbeat> {
    /// The aggregator of a stage whose ticks processes execute, and its store.
    pub async fn of_processes(
        settings: AggregatorSettings<TableSettings>,
        variables: &Variables,
        logs: LogBuffer,
    ) -> Result<(Self, Arc<aws::DynamoStore>), Misconfigured> {
        let store = settings.stage.store;
        let deployment = processes::connect(store, variables.lookup(), Clock::system()).await?;
        let store = Arc::clone(&deployment.store);
        let cloud = Self::new(deployment, settings.control, settings.door, logs)?;
        Ok((cloud, store))
    }
}

impl<S: Store, Q: Queue, H: Heartbeat> Cloud<S, Q, H> {
    /// The aggregator of the runs that `deployment` plans.
    pub fn new(
        deployment: Arc<Deployment<S, Q, H>>,
        settings: ControlSettings,
        door: Door,
        logs: LogBuffer,
    ) -> Result<Self, InvalidField> {
        let aggregation = Aggregation::new(
            Arc::clone(&deployment.store),
            Arc::clone(&deployment.runs),
            deployment.clock.clone(),
            Limits::for_paid_writes(),
        );
        let control = Control::new(settings, deployment)?;
        let api = Api {
            control: Arc::new(control),
            aggregation: Arc::new(aggregation),
            logs,
            trouble: Trouble::default(),
            door,
        };
        Ok(Self { api })
    }

    /// All routes.
    pub fn router(&self) -> Router {
        router(self.api.clone())
    }

    /// Asks the store for the newest run, so that the first request finds everything connected. A run that was begun
    /// under other limits than this process has is ended. False if the store cannot be read, which is logged, and
    /// shown at `/health` as long as it is so: it is no reason not to start.
    pub async fn warm_up(&self) -> bool {
        let warm = self.api.control.end_what_does_not_fit().await;
        if let Err(error) = &warm {
            let error: &(dyn std::error::Error + 'static) = error;
            tracing::error!(error, "the store cannot be read");
        }
        warm.is_ok()
    }

    /// The same, again and again until the store can be read.
    pub async fn warm_up_at_last(&self) {
        if self.warm_up().await {
            return;
        }
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.api.control.end_what_does_not_fit().await.is_ok() {
                tracing::info!("the store can be read");
                return;
            }
        }
    }

    /// Decides on the steps of an adaptive load as they end, for as long as it is polled: with functions the fan-out does
    /// so, too, and either finds what the other has decided.
    pub async fn adapt(&self) {
        let mut wait = LOOK_FOR_CLIMBS_EVERY;
        loop {
            tokio::time::sleep(wait).await;
            wait = match self.api.control.adapt().await {
                Ok(Looked::Idle) => LOOK_FOR_CLIMBS_EVERY,
                Ok(Looked::Climbing | Looked::Decided) => ADAPT_EVERY,
                Err(error) => {
                    let error = one_line(&error);
                    tracing::warn!(error, "the step of the adaptive load is not decided on yet");
                    FOLD_AGAIN
                }
            };
        }
    }

    /// Folds sealed buckets once a minute, for as long as it is polled: with functions the fan-out
    /// does so, too, and either finds what the other has done.
    pub async fn fold_by_the_minute(&self) {
        let mut wait = FOLD_EVERY;
        loop {
            tokio::time::sleep(wait).await;
            wait = FOLD_EVERY;
            match self.api.aggregation.fold_sealed().await {
                Ok(()) => self.api.trouble.clear(),
                Err(error) => {
                    wait = FOLD_AGAIN;
                    let line = one_line(&error);
                    tracing::warn!(error = line, "sealed records are not folded yet");
                    self.api
                        .trouble
                        .set(format!("sealed records are not folded: {line}"));
                }
            }
        }
    }
}
