//! Locust's statistics and the ledger, folded from the records of a run.

pub mod adaptive;
mod ageing_series;
pub mod custom_metrics;
pub mod ledger;
pub mod reader;
pub mod report;
pub mod run_part;
pub mod state;
pub mod stats;
pub mod thresholds;
pub mod visible;
