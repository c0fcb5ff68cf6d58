//! The `cicada` binary's parts.

pub mod heartbeat;
pub mod queue;
pub mod store;
pub mod targets;
