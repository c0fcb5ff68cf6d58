//! The stand-in targets: two HTTP servers to send traffic to, in demos and in tests.
//!
//! `target-app` is a small shop, `ai-agent` an agent that repairs it and chats about it. Both take
//! as long as such services take, fail when they are told to, and count exactly what arrived.
//! [`Misbehaving`] is a third kind of server: it breaks HTTP on purpose.

mod admin;
mod agent;
mod chaos;
pub mod cli;
mod counters;
mod data;
mod latency;
mod levels;
mod misbehaving;
mod reply;
mod route;
mod server;
mod settings;
mod shop;
mod targets;
mod timestamp;

pub use counters::{CountersSnapshot, Gauge, RouteCount, USER_HEADER, UserCount};
pub use misbehaving::{Misbehaving, Mode};
pub use route::{Lane, Model, Route, Server};
pub use settings::{BadSetting, Settings};
pub use targets::{Targets, TargetsConfig, TargetsError};
