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
use statistics::reader::Aggregation;
use statistics::stats::Limits;
use tokio::time::Instant;
use traffic::clock::Clock;
use traffic::deployment::Deployment;
use traffic::error_chain::one_line;
use traffic::ports::{Heartbeat, Queue, Store, StoreError};
use traffic::run_rules::InvalidField;
use web::api::{Api, Door, Trouble, router};
use web::logs::{LocustFormat, LogBuffer};

pub mod function;
pub mod server;
pub mod settings;

use settings::{AggregatorSettings, Misconfigured, TableSettings};

/// The time between two folds of sealed buckets where no heartbeat folds them.
const FOLD_EVERY: Duration = Duration::from_secs(60);

/// A store that is to have its table made has this long to answer.
const STORE_WITHIN: Duration = Duration::from_secs(60);

/// And is asked again after this.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The aggregator on some ports.
pub struct Cloud<S, Q, H> {
    api: Api<S, Q, H>,
}

/// Makes the table; a store that has just been started beside this process may need a moment.
async fn make(store: &aws::DynamoStore) -> Result<(), StoreError> {
    let begun = Instant::now();
    loop {
        match store.create().await {
            Err(error) if error.may_pass() && begun.elapsed() < STORE_WITHIN => {
                tracing::info!(error = one_line(&error), "the table cannot be made yet");
                tokio::time::sleep(ASK_AGAIN).await;
            }
            made => return made,
        }
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
        let cloud = Self::new(deployment, settings.control, settings.door, logs)?;
        cloud.warm_up().await;
        Ok(cloud)
    }
}

impl Cloud<aws::DynamoStore, NoQueue, NoHeartbeat> {
    /// The aggregator of a stage whose ticks processes execute.
    pub async fn of_processes(
        settings: AggregatorSettings<TableSettings>,
        variables: &Variables,
        logs: LogBuffer,
    ) -> anyhow::Result<Self> {
        let TableSettings { store, is_made } = settings.stage;
        let deployment = processes::connect(store, variables.lookup(), Clock::system()).await?;
        if is_made {
            make(&deployment.store).await?;
        }
        let cloud = Self::new(deployment, settings.control, settings.door, logs)?;
        cloud.warm_up().await;
        Ok(cloud)
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

    /// Asks the store for the newest run, so that the first request finds everything connected. What
    /// is wrong is logged, and shown at `/health` as long as it is: a store that is away for a moment
    /// is no reason not to start. A run that was begun under other limits than this process has is ended.
    pub async fn warm_up(&self) {
        if let Err(error) = self.api.control.end_what_does_not_fit().await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the store cannot be read");
        }
    }

    /// Folds sealed buckets once a minute, for as long as it is polled: with functions the fan-out
    /// does so, too, and either finds what the other has done.
    pub async fn fold_by_the_minute(&self) {
        loop {
            tokio::time::sleep(FOLD_EVERY).await;
            match self.api.aggregation.fold_sealed().await {
                Ok(()) => self.api.trouble.clear(),
                Err(error) => {
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
