//! The parts of the `cicada` binary: the command line, the ports on SQLite and tokio, and the loops that
//! drive the functions.

#![allow(
    missing_docs,
    reason = "public for this crate's binaries and tests only: a field or an error's text that says it all needs no sentence"
)]

pub mod absent_options;
pub mod commands;
pub mod config_files;
pub mod console;
pub mod convert_command;
pub mod cost_command;
mod descriptors;
mod duration;
mod ending;
pub mod engine;
pub mod env_command;
pub mod exports;
pub mod exposure;
pub mod first_word;
mod har;
pub mod har_command;
pub mod health_command;
pub mod heartbeat;
pub mod init_command;
pub mod inspect;
pub mod interrupts;
mod keys;
mod locustfiles;
pub mod logging;
pub mod mcp_command;
mod milestones;
mod observers;
pub mod options;
pub mod program;
pub mod queue;
pub mod results;
pub mod results_command;
pub mod screen;
mod session;
pub mod settings;
pub mod stand_in_markers;
pub mod store;
mod tags;
mod telemetry_variables;
mod user_keys;
pub mod web;
pub mod workload_command;
