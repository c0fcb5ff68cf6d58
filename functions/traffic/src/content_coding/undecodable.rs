//! Why a body cannot be decoded, the limits that it may have passed, and where decoders put what they have decoded.

/// A longer body is a failure; decoded, if it is encoded.
pub const MAX_BODY: u64 = 64 * 1024 * 1024;

/// As many codings upon one another as urllib3 and curl decode.
pub(super) const MAX_CODINGS: usize = 5;

/// The largest window in bytes.
pub(super) const MAX_WINDOW: u64 = 8 * 1024 * 1024;

/// Decoders give what they have decoded in pieces of this size, in bytes.
pub(super) const PIECE: usize = 8 * 1024;

/// Where a decoder puts what it has decoded.
pub(super) type Next<'n> = &'n mut dyn FnMut(&[u8]) -> Result<(), Undecodable>;

/// Why a body cannot be read, in a text for the statistics.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum Undecodable {
    #[error("response is compressed by {0:?}, which cannot be decoded")]
    Unknown(String),
    #[error("response is compressed more than {MAX_CODINGS} times over")]
    TooMany,
    #[error("response is compressed by {0:?}, and incomplete or damaged")]
    Damaged(&'static str),
    #[error("response is compressed by \"zstd\" with a window of more than {} MiB", MAX_WINDOW >> 20)]
    Window,
    #[error("response body is longer than {} MiB", MAX_BODY >> 20)]
    TooLong,
}
