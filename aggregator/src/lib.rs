//! Locust's statistics and control API over Cicada's records.

pub mod ab;
pub mod api;
pub mod control;
pub mod cost;
pub mod export;
pub mod ledger;
pub mod logs;
pub mod metrics;
pub mod probe;
pub mod reader;
pub mod report;
mod seldom;
pub mod serve;
pub mod stats;
mod thinned;
pub mod visible;
