//! A stage as its settings name it: the three ports on its table, queue and schedules, put together.
//!
//! Making them connects nothing; whoever needs a port early asks it something.

use std::sync::Arc;

use traffic::clock::Clock;
use traffic::fanout::FanOut;
use traffic::runs::{Environment, Runs};

use crate::environment::{FanOutSettings, SettingError, check_region};
use crate::{DynamoStore, SchedulerHeartbeat, SqsQueue, config};

/// The fan-out on a stage's ports.
pub type StageFanOut = FanOut<DynamoStore, SqsQueue, SchedulerHeartbeat>;

/// The ports of the stage that the settings name, as the fan-out and the control use them.
/// `environment` is asked for the variables that override a workload's hosts.
///
/// # Errors
/// When no region is configured.
pub async fn connect(
    settings: FanOutSettings,
    environment: Environment,
    clock: Clock,
) -> Result<Arc<StageFanOut>, SettingError> {
    let FanOutSettings {
        store,
        queue,
        schedules,
    } = settings;
    let config = config::load().await;
    check_region(&config)?;
    let store = DynamoStore::new(&config, store.table, store.retention, clock.clone());
    let store = Arc::new(store);
    let queue = SqsQueue::new(&config, queue.url, queue.ticks_per_message, clock.clone());
    Ok(Arc::new(FanOut {
        runs: Arc::new(Runs::new(Arc::clone(&store), clock.clone(), environment)),
        store,
        queue: Arc::new(queue),
        heartbeat: Arc::new(SchedulerHeartbeat::new(&config, schedules)),
        clock,
    }))
}
