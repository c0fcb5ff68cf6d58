//! The reasons why records could not be aggregated.

use traffic::ports::StoreError;
use traffic::run::RunId;
use traffic::runs::RunError;

use crate::stats::checkpoint::CheckpointError;

/// The reason why records could not be aggregated; the records that were read before are kept.
#[derive(Debug, thiserror::Error)]
pub enum AggregatorError {
    /// The run could not be read with its workload.
    #[error("the run of the statistics cannot be read")]
    Run(#[from] RunError),
    /// The store could not be read or written.
    #[error("records cannot be read from the store")]
    Store(#[from] StoreError),
    /// The checkpoint of a run cannot be read.
    #[error("the statistics folded so far of run {run} cannot be read")]
    Checkpoint {
        /// The run.
        run: RunId,
        /// The mistake in it.
        source: CheckpointError,
    },
}
