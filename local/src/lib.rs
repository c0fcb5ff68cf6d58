//! The `cicada` binary's parts: the command line, the ports on SQLite and tokio, what drives the
//! functions here.

pub mod console;
pub mod cost_command;
mod descriptors;
mod duration;
pub mod engine;
pub mod exports;
pub mod health_command;
pub mod heartbeat;
pub mod inspect;
pub mod logging;
pub mod options;
pub mod program;
pub mod queue;
mod reset;
mod session;
pub mod settings;
pub mod store;
pub mod web;
