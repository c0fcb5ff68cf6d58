//! The reader: turns a run's records into statistics and a ledger, and keeps them up to date.
//!
//! Each record is read once and folded into its bucket. A bucket that no write can reach any more is sealed, and sealed
//! buckets are checkpointed in the store. A snapshot is the sealed part with the open buckets on top. So a poll costs only
//! the new records, a restart resumes at the checkpoint, and any number of readers agree, because they share nothing but
//! the records.

mod aggregation;
mod error;
mod follower;
mod listed;
mod open;
mod sealed;
mod snapshot;

pub use self::aggregation::{Aggregation, settled_until};
pub use self::error::AggregatorError;
pub use self::listed::{ListedRun, RunsPage};
pub use self::snapshot::Snapshot;
