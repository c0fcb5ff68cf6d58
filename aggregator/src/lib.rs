//! Locust's statistics and control API over Cicada's records.

pub mod control;
pub mod logs;
pub mod report;
pub mod stats;
