//! What arrives at an OTLP receiver, and what happens when there is none that takes it.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod custom_metrics;
mod figures;
mod gen_ai;
mod new_relic;
mod scene;
mod spans;
mod trouble;
