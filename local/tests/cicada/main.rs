//! The `cicada` binary as its users have it: started as a process, asked by HTTP, against real
//! targets, stopped, killed, and started again.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod bounds;
mod checks;
mod cli;
mod control;
mod crash;
mod custom_metrics;
mod database;
mod door;
mod examples;
mod harness;
mod hostile;
mod kept;
mod ledger;
mod mcp;
mod openapi;
mod results;
mod resumed;
mod safety;
mod sessions;
mod stood_still;
mod stopped;
mod streams;
mod telemetry;
mod terminal;
mod time;
mod variables;
