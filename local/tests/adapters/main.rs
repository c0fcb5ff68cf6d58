//! The local adapters: the contract of the three ports, and what is SQLite's or tokio's own.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod child;
mod heartbeat;
mod queue;
mod speed;
mod sqlite;
