//! Locust's statistics and control API over Cicada's records.

pub mod report;
pub mod stats;
