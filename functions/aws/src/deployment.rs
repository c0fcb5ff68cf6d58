//! A stage as its settings name it: the three ports on its table, queue and schedules, put together.
//!
//! Making them connects nothing; whoever needs a port early asks it something.

use std::sync::Arc;

use traffic::clock::Clock;
use traffic::deployment::Deployment;
use traffic::runs::Environment;

use crate::environment::{FanOutSettings, SettingError, check_region};
use crate::lambda_api::LambdaApi;
use crate::{DynamoStore, SchedulerHeartbeat, SqsQueue, config};

/// A stage on AWS.
pub type StageDeployment = Deployment<DynamoStore, SqsQueue, SchedulerHeartbeat>;

/// The ports of the stage that the settings name, as the fan-out and the control use them.
/// `environment` is asked for the variables that override a workload's hosts.
pub async fn connect(
    settings: FanOutSettings,
    environment: Environment,
    clock: Clock,
) -> Result<Arc<StageDeployment>, SettingError> {
    let FanOutSettings {
        store,
        queue,
        schedules,
    } = settings;
    let (config, client) = config::load_with_client().await;
    check_region(&config)?;
    let store = DynamoStore::new(&config, store.table, store.retention, clock.clone());
    let lambda = LambdaApi::new(&config, client);
    let queue = SqsQueue::new(&config, queue.url, queue.ticks_per_message, clock.clone())
        .beside(queue.tick_function, lambda.clone());
    let heartbeat = SchedulerHeartbeat::over(lambda, &config, schedules);
    let (store, queue, heartbeat) = (Arc::new(store), Arc::new(queue), Arc::new(heartbeat));
    let deployment = Deployment::new(store, queue, heartbeat, clock, environment);
    Ok(Arc::new(deployment))
}
