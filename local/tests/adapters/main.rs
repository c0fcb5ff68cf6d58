//! The local adapters: the contract of the three ports, and what is SQLite's or tokio's own.

mod child;
mod heartbeat;
mod queue;
mod sqlite;
