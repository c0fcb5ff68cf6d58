//! The queue: wake-ups with a due time, delivered at least once and in no order.

use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::block::{BLOCK_USERS, Block};
use crate::clock::{Slot, Slots};
use crate::run::RunId;

/// A message that says "look at this tick", and nothing else: it carries no decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WakeUp {
    /// The run.
    pub run: RunId,
    /// The class, by its name.
    pub class: String,
    /// The block of its users.
    pub block: Block,
    /// The slot to be executed; the message is due when it begins.
    pub slot: Slot,
}

/// A wake-up that is to be queued, and how much its tick has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedWakeUp {
    /// The wake-up.
    pub wake_up: WakeUp,
    /// The users of whom anything is due: so many requests may be under way at once.
    pub users: u32,
}

impl From<WakeUp> for PlannedWakeUp {
    /// For a tick of which no more is known than the most that a block can have.
    fn from(wake_up: WakeUp) -> Self {
        Self {
            wake_up,
            users: BLOCK_USERS,
        }
    }
}

/// Where wake-ups wait for their slots.
pub trait Queue: Send + Sync + 'static {
    /// Queues wake-ups, each to be delivered about when its slot begins, which `slots` says; one whose slot
    /// has begun comes at once. SQS takes up to 15 minutes, and whole seconds.
    ///
    /// # Errors
    /// When any of them may not have been queued; sending all of them again is safe.
    fn send(
        &self,
        slots: Slots,
        wake_ups: Vec<PlannedWakeUp>,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Has wake-ups executed at once, where what [`Queue::send`] was given may not be delivered yet: see
    /// [`Delivery`](crate::ports::Delivery). A queue that always delivers is sent them.
    ///
    /// # Errors
    /// When any of them may not be executed.
    fn hand_over(
        &self,
        slots: Slots,
        wake_ups: Vec<PlannedWakeUp>,
    ) -> impl Future<Output = Result<(), QueueError>> + Send {
        self.send(slots, wake_ups)
    }
}

/// Wake-ups could not be queued.
#[derive(Debug, thiserror::Error)]
#[error("{undelivered} wake-ups could not be queued")]
pub struct QueueError {
    /// The number of wake-ups that were not taken.
    pub undelivered: usize,
    /// The queue's error.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
