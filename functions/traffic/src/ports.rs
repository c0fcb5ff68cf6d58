//! The three ports: where traffic meets the world, and the only places where it does.
//!
//! Each has a cloud and a local adapter with the same contract: [`Store`], a sum of
//! parts, on DynamoDB and SQLite,
//! [`Queue`] on SQS and tokio, [`Heartbeat`] on EventBridge Scheduler and tokio. The functions are
//! written once against these traits.

mod heartbeat;
mod queue;
mod store;

pub use heartbeat::{Delivery, Heartbeat, HeartbeatError, NoSchedules, Schedule};
pub use queue::{PlannedWakeUp, Queue, QueueError, WakeUp};
pub use store::{
    Checkpoint, CheckpointStore, Cursor, Marker, MarkerStore, ProgressStore, ReaderStore,
    RecordPage, RecordStore, RunStore, Store, StoreError, TickStore, WRITE_DEADLINE,
};
