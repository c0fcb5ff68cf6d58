//! The version and the flags that writing and reading share, and why a payload cannot be read.

/// Of a payload without streams.
pub(super) const VERSION: u8 = 1;
/// Of a payload with streams.
pub(super) const WITH_STREAMS: u8 = 2;
pub(super) const HAS_ERROR: u64 = 1;
pub(super) const HAS_LATENESS: u64 = 2;
pub(super) const IS_COLD: u64 = 4;

/// The reason why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum WireError {
    #[error(
        "record version {0} is not known here, only {VERSION} and {WITH_STREAMS}: use the cicada that wrote it, or delete the database"
    )]
    Version(u8),
    #[error("record ends in the middle of its {0}")]
    Truncated(&'static str),
    #[error("record has an impossible value in its {0}")]
    Invalid(&'static str),
}
