//! Cicada's traffic, written once for laptop and cloud.
//!
//! The [`plan`] says which user is due when; a tick executes what is due and writes records;
//! the fan-out sends the wake-ups. Where these meet the world stand three ports: store, queue and
//! heartbeat. No AWS here and no web server: those plug in from outside.

pub mod back_off;
mod base_url;
mod block;
pub mod clock;
pub mod content_coding;
pub mod credentials;
pub mod custom_metric;
pub mod deployment;
mod environment;
pub mod error_chain;
pub mod fanout;
mod hand_over;
pub mod host_allowlist;
mod in_flight;
mod iteration;
pub mod journal;
pub mod log_throttle;
pub mod machine;
#[cfg(any(test, feature = "memory"))]
pub mod memory;
pub mod plan;
pub mod ports;
pub mod random;
pub mod record;
pub mod requests_at_once;
pub mod run;
mod run_end;
pub mod run_rules;
pub mod runs;
pub mod schedule;
mod sessions;
pub mod stream;
pub mod telemetry;
pub mod tick;
pub mod tls;
mod trace_context;
pub mod transport;
mod under_way;
pub mod workload;
