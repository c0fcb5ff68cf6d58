//! Ports of a stage whose ticks are executed by processes of their own, as in a container: these find
//! their ticks in the store, so there is nothing to queue and nothing to switch.
//!
//! The table is all that such a stage has. Whoever starts and changes runs goes on as with functions.

use std::sync::Arc;
use std::time::Duration;

use traffic::clock::{Clock, Slots};
use traffic::deployment::Deployment;
use traffic::ports::{
    Delivery, Heartbeat, HeartbeatError, NoSchedules, PlannedWakeUp, Queue, QueueError, Schedule,
};
use traffic::runs::Environment;

use crate::environment::{SettingError, StoreSettings, check_region};
use crate::{DynamoStore, config};

/// Such a stage: its fan-out notes how far a run is planned, and sends nothing.
pub type ProcessDeployment = Deployment<DynamoStore, NoQueue, NoHeartbeat>;

/// The queue of those who need no wake-up.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoQueue;

/// The heartbeat of those who look by themselves: always on.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHeartbeat;

/// The ports of the stage on the table that the settings name. `environment` is asked for the variables
/// that override a workload's hosts.
pub async fn connect(
    settings: StoreSettings,
    environment: Environment,
    clock: Clock,
) -> Result<Arc<ProcessDeployment>, SettingError> {
    let config = config::load().await;
    check_region(&config)?;
    let store = DynamoStore::new(&config, settings.table, settings.retention, clock.clone());
    let (queue, heartbeat) = (Arc::new(NoQueue), Arc::new(NoHeartbeat));
    let deployment = Deployment::new(Arc::new(store), queue, heartbeat, clock, environment);
    Ok(Arc::new(deployment))
}

impl Queue for NoQueue {
    async fn send(&self, _: Slots, _: Vec<PlannedWakeUp>) -> Result<(), QueueError> {
        Ok(())
    }
}

impl Heartbeat for NoHeartbeat {
    fn reach(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn turn_on(&self) -> Result<Delivery, HeartbeatError> {
        Ok(Delivery::On)
    }

    async fn beat_now(&self) -> Result<(), HeartbeatError> {
        Ok(())
    }

    async fn turn_off(&self) -> Result<(), HeartbeatError> {
        Ok(())
    }

    async fn is_on(&self) -> Result<bool, HeartbeatError> {
        Ok(true)
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, HeartbeatError> {
        Ok(Vec::new())
    }

    async fn put_schedule(&self, _: &Schedule) -> Result<(), HeartbeatError> {
        Err(HeartbeatError(NoSchedules.into()))
    }

    async fn delete_schedule(&self, _: &str) -> Result<bool, HeartbeatError> {
        Ok(false)
    }
}
