//! What every adapter of a port must do, as tests: the same for SQLite and DynamoDB, tokio and AWS.
//!
//! An adapter's tests call [`store::all`], [`queue::all`] and [`heartbeat::all`] with a way to open
//! an empty adapter. Each sentence of the contract is one function, named for it, that panics when
//! the adapter breaks it.

pub mod heartbeat;
pub mod queue;
pub mod store;
