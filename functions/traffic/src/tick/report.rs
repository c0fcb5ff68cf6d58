//! The report of a tick: the iterations that it executed, skipped or left, or why it was not executed.

use tokio::task::JoinError;

use crate::ports::StoreError;
use crate::runs::RunError;

/// The iterations of a tick, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickReport {
    /// Iterations that were executed to their end, or turns.
    pub executed: u32,
    /// Iterations whose user was still busy.
    pub skipped: u32,
    /// Iterations that were due and not started, because the run was over or the tick too late.
    pub left: u32,
}

impl TickReport {
    /// Counts an iteration by whether anything of it was sent.
    pub(super) fn count(&mut self, ended: Result<bool, JoinError>) {
        match ended {
            Ok(true) => self.executed += 1,
            Ok(false) => self.left += 1,
            Err(error) => tracing::error!(%error, "an iteration broke off: it is missing"),
        }
    }
}

/// The reason why a tick was not executed; its iterations show as missing.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum TickError {
    #[error("tick has no run")]
    Run(#[from] RunError),
    #[error("tick cannot be claimed")]
    Claim(#[from] StoreError),
    #[error("nothing is sent while results cannot be written")]
    NotRecording,
    #[error("no time is left to execute the tick")]
    NoTime,
    #[error("host {0:?} of the run is not a URL")]
    Host(String),
}
