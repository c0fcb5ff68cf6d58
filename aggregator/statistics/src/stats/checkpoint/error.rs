//! Why a checkpoint cannot be read.

/// The version of checkpoints that is written and read.
pub(super) const VERSION: u8 = 1;

/// Why a checkpoint cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It was written by another Cicada, or is no checkpoint at all.
    #[error(
        "checkpoint version {0} is not known here, only {VERSION}: use the cicada that wrote it, or fold the records again"
    )]
    Version(u8),
    /// It is damaged or cut off.
    #[error("checkpoint cannot be read ({0}): fold the records again")]
    Malformed(Box<str>),
}

impl CheckpointError {
    pub(super) fn malformed(what: &str) -> Self {
        Self::Malformed(what.into())
    }
}
