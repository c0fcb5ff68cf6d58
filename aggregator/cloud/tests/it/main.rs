//! The aggregator in the cloud: behind a Function URL, called by schedules, and in a container.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod instances;
mod process;
mod routes;
mod scene;
mod schedules;
mod server;
mod settings;
