//! The stand-in targets: two HTTP servers to send traffic to, in demos and in tests.
//!
//! `target-app` is a small shop, `ai-agent` an agent that repairs it and chats about it. Both take
//! as long as such services take, fail when they are told to, and count exactly what arrived.
//! [`Misbehaving`] is a third kind of server: it breaks HTTP on purpose.

#![allow(
    missing_docs,
    reason = "public for `cicada --demo` and for tests only: a field whose name says it all needs no sentence"
)]

mod admin;
mod agent;
mod behaviour;
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

pub use behaviour::Behaviour;
pub use counters::{CountersSnapshot, Gauge, RouteCount, USER_HEADER, UserCount};
pub use data::Mode;
pub use misbehaving::Misbehaving;
pub use route::{Lane, Model, Route, Server};
pub use server::TargetsError;
pub use settings::{BadSetting, TargetSettings};
pub use targets::{Targets, TargetsConfig};
