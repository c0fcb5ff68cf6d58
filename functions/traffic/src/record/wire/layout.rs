//! The version and the flags that writing and reading share, and why a payload cannot be read.

/// Of a payload without streams and custom metrics.
pub(super) const VERSION: u8 = 1;
/// What streams add to the version.
pub(super) const WITH_STREAMS: u8 = 1;
/// What custom metrics add to the version.
pub(super) const WITH_MEASURED: u8 = 2;
/// The greatest version.
pub(super) const LAST_VERSION: u8 = VERSION + WITH_STREAMS + WITH_MEASURED;
pub(super) const HAS_ERROR: u64 = 1;
pub(super) const HAS_LATENESS: u64 = 2;
pub(super) const IS_COLD: u64 = 4;

/// The reason why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum WireError {
    #[error(
        "record version {0} is not known here, only {VERSION} to {LAST_VERSION}: use the cicada that wrote it, or delete the database"
    )]
    Version(u8),
    #[error("record ends in the middle of its {0}")]
    Truncated(&'static str),
    #[error("record has an impossible value in its {0}")]
    Invalid(&'static str),
}
