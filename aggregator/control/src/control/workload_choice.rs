//! The workload that new runs are pinned to: the one that was chosen last, or the configured one.
//!
//! The choice is in the store, so that all processes on it agree. A run that is on goes on as it was: it is pinned
//! to its version.

use std::sync::Arc;

use traffic::ports::{Heartbeat, Queue, Store, StoreError};
use traffic::workload::{Workload, WorkloadErrors};

use super::{Control, Refusal};
use crate::desired_run::check_hosts;
use traffic::run_rules::InvalidField;

/// The longest text that can be chosen, in bytes, without the files that it brings along.
pub const MAX_WORKLOAD: usize = 400_000;

/// The longest text with its files, in bytes.
pub const MAX_UPLOAD: usize = 10_000_000;

/// The reason why a workload was not chosen; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadRefusal {
    /// The text has mistakes.
    #[error("the workload has mistakes, nothing was changed")]
    Mistakes(#[from] WorkloadErrors),
    /// The workload does not fit the settings or the allowed hosts of this process.
    #[error("the workload cannot run here, nothing was changed: {0}")]
    Settings(#[from] InvalidField),
    /// The version that the workload was to replace is not the chosen one any more.
    #[error("somebody else has chosen version {0} in between, nothing was changed: read it again")]
    Changed(String),
    /// The chosen workload or this one could not be read or written.
    #[error(transparent)]
    Store(#[from] Refusal),
}

impl From<StoreError> for WorkloadRefusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// The workload that a new run would have, from a copy that is at most a second old.
    pub async fn workload(&self) -> Result<Arc<Workload>, Refusal> {
        match self.workload_copy.fresh(self.now()) {
            Some(chosen) => Ok(chosen),
            None => self.read_workload().await,
        }
    }

    /// Makes a text the workload of new runs; with `expected`, only in place of that version.
    pub async fn choose_workload(
        &self,
        source: &str,
        expected: Option<&str>,
    ) -> Result<Arc<Workload>, WorkloadRefusal> {
        let _turn = self.turn.lock().await;
        let chosen = self.check_workload(source).await?;
        if let Some(expected) = expected {
            let present = self.read_workload().await?.version().to_owned();
            if present != expected {
                return Err(WorkloadRefusal::Changed(present));
            }
        }
        self.write_workload(&chosen).await?;
        let version = chosen.version();
        tracing::info!(version, "the next run has another workload");
        Ok(chosen)
    }

    /// The workload that [`Self::choose_workload`] would choose; the choice stays as it is.
    pub async fn check_workload(&self, source: &str) -> Result<Arc<Workload>, WorkloadRefusal> {
        let chosen = self.deployment.runs.parse(source).await?;
        let chosen = Arc::new(chosen.with_equal_weights(self.settings.has_equal_weights()));
        self.settings.fits(&chosen)?;
        check_hosts(&self.settings, &chosen)?;
        // runs that are pinned to this version need not read it from the store
        self.deployment.runs.know(&chosen);
        Ok(chosen)
    }

    /// Chooses the configured workload in place of the one before.
    pub async fn choose_configured_workload(&self) -> Result<(), Refusal> {
        let _turn = self.turn.lock().await;
        Ok(self.write_workload(&self.settings.workload).await?)
    }

    async fn write_workload(&self, chosen: &Arc<Workload>) -> Result<(), StoreError> {
        let store = &self.deployment.store;
        let version = chosen.version();
        store.put_workload(version, chosen.source()).await?;
        store.choose_workload(version).await?;
        self.workload_copy.keep(self.now(), chosen);
        Ok(())
    }

    /// The workload that is chosen now.
    pub(super) async fn read_workload(&self) -> Result<Arc<Workload>, Refusal> {
        let version = self.deployment.store.chosen_workload().await?;
        let known = |version: &String| self.workload_copy.of_version(version);
        let chosen = match (version.as_ref().and_then(known), version) {
            (Some(known), _) => known,
            (None, None) => Arc::clone(&self.settings.workload),
            (None, Some(version)) => {
                let equal_weights = self.settings.has_equal_weights();
                let runs = &self.deployment.runs;
                runs.workload(&version, equal_weights).await?
            }
        };
        self.workload_copy.keep(self.now(), &chosen);
        Ok(chosen)
    }
}
