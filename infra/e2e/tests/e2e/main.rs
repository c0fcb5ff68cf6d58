//! Cicada end to end on MiniStack: deployed by `infra/deploy`, driven by the emulator's own schedule.
//!
//! `make e2e` builds the functions and runs this; what it saw stands in `test-output/e2e`.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod costs;
mod emulator;
mod faults;
mod main_job;
mod processes;
mod proxy;
mod same_traffic;
mod scene;
mod schedules;
mod servers;
mod stage;
