//! The cloud adapters: the contract of the three ports against emulators of AWS, and what is AWS's own.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod answers;
mod config;
mod emulator;
mod faults;
mod heartbeat;
mod queue;
mod store;
