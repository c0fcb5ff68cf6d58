//! Why records could not be aggregated.

use traffic::ports::StoreError;
use traffic::run::RunId;
use traffic::runs::RunError;

use crate::stats::CheckpointError;

/// Why records could not be aggregated; what was read before stays.
#[derive(Debug, thiserror::Error)]
pub enum AggregatorError {
    /// The run could not be had.
    #[error("statistics have no run")]
    Run(#[from] RunError),
    /// The store could not be read or written.
    #[error("records cannot be read from the store")]
    Store(#[from] StoreError),
    /// What was folded earlier cannot be read.
    #[error("the statistics folded so far of run {run} cannot be read")]
    Checkpoint {
        /// The run.
        run: RunId,
        /// What is wrong with it.
        source: CheckpointError,
    },
}
