//! A request that was sent, or could not be: what its outcome says of it besides the response.

use std::sync::Arc;
use std::time::Duration;

use super::prepared::Prepared;
use crate::clock::Timestamp;
use crate::record::{Measured, Outcome, Streamed};
use crate::trace_context::TraceId;

/// Error texts are cut at this many characters, so that a target cannot fill the store with them.
const MAX_ERROR: usize = 500;

/// A request, as its outcome shows it besides the response.
pub(super) struct Sent<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) lateness: Option<Duration>,
    pub(super) cold: bool,
    /// The trace that its failure leads to.
    pub(super) leads_to: Option<TraceId>,
}

impl<'a> Sent<'a> {
    /// A request that could not even be put together.
    pub(super) fn not_at_all(prepared: &'a Prepared) -> Self {
        Self {
            prepared,
            lateness: None,
            cold: false,
            leads_to: None,
        }
    }

    pub(super) fn outcome(
        &self,
        completed_at: Timestamp,
        response_time: Duration,
        content_length: u64,
        error: Option<String>,
        (streamed, measured): (Option<Streamed>, Vec<Measured>),
    ) -> Outcome {
        Outcome {
            request: Arc::clone(&self.prepared.name),
            completed_at,
            response_time,
            content_length,
            trace: self.leads_to.filter(|_| error.is_some()),
            error: error.map(Into::into),
            lateness: self.lateness,
            cold: self.cold,
            stream: streamed.map(Box::new),
            measured,
        }
    }
}

/// Cuts a text that is longer than [`MAX_ERROR`].
pub(super) fn shortened(mut text: String) -> String {
    if let Some((cut, _)) = text.char_indices().nth(MAX_ERROR) {
        text.truncate(cut);
        text.push('…');
    }
    text
}
