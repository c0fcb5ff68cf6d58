//! The workload that new runs are pinned to: the one that was chosen last, or the configured one.
//!
//! It is chosen in the store, so that all processes on it agree; each has a copy that is at most a
//! second old. A run that is on goes on as it was: it is pinned to its version.

use std::sync::Arc;
use std::time::Duration;

use traffic::clock::Timestamp;
use traffic::ports::{Heartbeat, Queue, Store, StoreError};
use traffic::runs::RunError;
use traffic::workload::{EQUAL_WEIGHTS, Workload, WorkloadErrors};

use super::desired_run::check_hosts;
use super::{Control, InvalidField, Refusal};

/// How old a copy may be before the store is asked again which workload is chosen.
const FRESH_FOR: Duration = Duration::from_millis(900);

/// The longest text that can be chosen, in bytes: a DynamoDB item has 400 KiB with all its attributes.
pub const MAX_WORKLOAD: usize = 400_000;

/// A workload as it was chosen, and as runs have it.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The text as somebody chose it.
    pub text: Arc<Workload>,
    /// What runs are made of: the same, unless all weights are configured to be equal.
    pub workload: Arc<Workload>,
}

/// A process's copy.
#[derive(Clone, Debug)]
pub(super) struct CopyOfChoice {
    read_at: Timestamp,
    chosen: Chosen,
}

/// Why a workload was not chosen; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadRefusal {
    /// The text has mistakes.
    #[error("the workload has mistakes, nothing was changed")]
    Mistakes(#[from] WorkloadErrors),
    /// It does not fit what this process was started with, or may do.
    #[error("the workload cannot run here, nothing was changed: {0}")]
    Settings(#[from] InvalidField),
    /// It was to replace another one than it would have.
    #[error("somebody else has chosen version {0} in between, nothing was changed: read it again")]
    Changed(String),
    /// The one before or this one could not be read or written.
    #[error(transparent)]
    Store(#[from] Refusal),
}

impl From<StoreError> for WorkloadRefusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// The workload that a new run would have, as it was at most a second ago.
    ///
    /// # Errors
    /// When it cannot be read, or is not valid here.
    pub async fn workload(&self) -> Result<Chosen, Refusal> {
        let now = self.now();
        let copy = self.copy().filter(|copy| {
            // a clock that is set back must not keep a copy alive
            copy.read_at <= now && now.since(copy.read_at) < FRESH_FOR
        });
        match copy {
            Some(copy) => Ok(copy.chosen),
            None => self.read_workload().await,
        }
    }

    /// Makes a text the workload of new runs; with `expected`, only in place of that version.
    ///
    /// # Errors
    /// See [`WorkloadRefusal`].
    pub async fn choose_workload(
        &self,
        source: &str,
        expected: Option<&str>,
    ) -> Result<Chosen, WorkloadRefusal> {
        let _turn = self.turn.lock().await;
        let chosen = self.check_workload(source).await?;
        if let Some(expected) = expected {
            let present = self.read_workload().await?.text.version().to_owned();
            if present != expected {
                return Err(WorkloadRefusal::Changed(present));
            }
        }
        self.write_workload(&chosen).await?;
        let version = chosen.text.version();
        tracing::info!(version, "the next run has another workload");
        Ok(chosen)
    }

    /// What would be chosen; nothing is.
    ///
    /// # Errors
    /// When the text has mistakes, or does not fit here.
    pub async fn check_workload(&self, source: &str) -> Result<Chosen, WorkloadRefusal> {
        let text = self.deployment.runs.parse(source).await?;
        let chosen = self.as_configured(text).await?;
        self.settings.fits(&chosen.workload)?;
        check_hosts(&self.settings, &chosen.workload)?;
        // runs that are pinned to it need no copy of their own
        self.deployment.runs.know(&chosen.workload);
        Ok(chosen)
    }

    /// Chooses the configured workload, whatever was chosen before.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn choose_configured_workload(&self) -> Result<(), Refusal> {
        let _turn = self.turn.lock().await;
        let source = self.settings.workload.source();
        let as_typed = source
            .strip_prefix(EQUAL_WEIGHTS)
            .filter(|_| self.settings.equal_weights);
        let workload = Arc::clone(&self.settings.workload);
        let text = match as_typed {
            Some(as_typed) => {
                let text = self.deployment.runs.parse(as_typed).await;
                let text = text.map_err(RunError::from)?;
                Arc::new(text)
            }
            None => Arc::clone(&workload),
        };
        Ok(self.write_workload(&Chosen { text, workload }).await?)
    }

    async fn write_workload(&self, chosen: &Chosen) -> Result<(), StoreError> {
        let store = &self.deployment.store;
        let version = chosen.text.version();
        store.put_workload(version, chosen.text.source()).await?;
        store.choose_workload(version).await?;
        self.keep(chosen);
        Ok(())
    }

    /// The workload that is chosen now.
    pub(super) async fn read_workload(&self) -> Result<Chosen, Refusal> {
        let version = self.deployment.store.chosen_workload().await?;
        let known = self.copy().map(|copy| copy.chosen);
        let chosen = match (version, known) {
            (None, _) => Chosen {
                text: Arc::clone(&self.settings.workload),
                workload: Arc::clone(&self.settings.workload),
            },
            (Some(version), Some(known)) if known.text.version() == version => known,
            (Some(version), _) => {
                let text = self.deployment.runs.workload(&version).await?;
                self.as_configured(text).await.map_err(RunError::from)?
            }
        };
        self.keep(&chosen);
        Ok(chosen)
    }

    async fn as_configured(
        &self,
        text: impl Into<Arc<Workload>>,
    ) -> Result<Chosen, WorkloadErrors> {
        let text = text.into();
        let workload = if self.settings.equal_weights && !text.source().starts_with(EQUAL_WEIGHTS) {
            let source = format!("{EQUAL_WEIGHTS}{}", text.source());
            Arc::new(self.deployment.runs.parse(&source).await?)
        } else {
            Arc::clone(&text)
        };
        Ok(Chosen { text, workload })
    }

    fn copy(&self) -> Option<CopyOfChoice> {
        let copy = self.chosen.lock();
        copy.clone()
    }

    fn keep(&self, chosen: &Chosen) {
        let copy = CopyOfChoice {
            read_at: self.now(),
            chosen: chosen.clone(),
        };
        *self.chosen.lock() = Some(copy);
    }
}
