//! Locust's statistics and control API over Cicada's records.

pub mod api;
pub mod control;
pub mod cost;
pub mod ledger;
pub mod logs;
pub mod probe;
pub mod reader;
pub mod report;
pub mod stats;
