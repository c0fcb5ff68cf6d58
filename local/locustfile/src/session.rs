//! What a user keeps of its `on_start`: headers, draws, and values of responses.
//!
//! Tasks see a request of `on_start` as a step from [`OF_START`] on. What they read of its response is captured
//! then, so nothing is kept that nobody needs.

use crate::value::{Draw, Piece};

/// The number of the first request of `on_start`, as tasks count requests.
pub(crate) const OF_START: usize = 1 << 24;

/// The number within `on_start` of a request that a task refers to, if it is one of `on_start`.
pub(crate) fn start_request(step: usize) -> Option<usize> {
    step.checked_sub(OF_START)
}

/// Headers by their names.
pub(crate) type Headers = Vec<(String, Vec<Piece>)>;

/// What a user keeps.
#[derive(Clone, Default)]
pub(crate) struct Session<'a> {
    /// The headers that its client sends with every request.
    pub(crate) headers: Headers,
    /// True if it trusts any certificate.
    pub(crate) insecure: bool,
    /// What it has drawn: the first draws of each of its tasks.
    pub(crate) draws: Vec<Draw<'a>>,
    /// What its tasks need of the responses.
    pub(crate) captures: Vec<SessionCapture>,
}

/// A value of a response of `on_start`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SessionCapture {
    /// The number of the request.
    pub(crate) request: usize,
    pub(crate) name: String,
    pub(crate) code: String,
}
