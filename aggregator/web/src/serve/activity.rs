//! What a connection is at: whether it waits for its client or the client for us, and since when.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// A step of a connection; in all but [`Step::Work`] the server waits for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// TLS is being agreed on.
    Handshake,
    /// No byte of a request has come since the one before.
    Idle,
    /// The request's line and headers are coming.
    Head,
    /// Its body is coming.
    Body,
    /// It is being answered.
    Work,
    /// The answer is ready, and the client does not take it.
    Answer,
}

/// What a connection is at; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    step: Step,
    since: Instant,
    /// Since when bytes of an answer wait to be taken. That goes on beside the other steps: the
    /// answer may be out of our hands, and the next request on its way.
    clogged: Option<Instant>,
    /// Whether a request was answered whose body is still coming.
    is_unread: bool,
}

impl Activity {
    /// A new connection at its first step.
    pub(super) fn begun(step: Step) -> Self {
        Self(Arc::new(Mutex::new(State {
            step,
            since: Instant::now(),
            clogged: None,
            is_unread: false,
        })))
    }

    /// What it is at, and since when.
    pub(super) fn waiting(&self) -> (Step, Instant) {
        let state = self.state();
        match state.clogged {
            Some(since) => (Step::Answer, since),
            None => (state.step, state.since),
        }
    }

    /// Since when it waits for its client, if it does.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        let (step, since) = self.waiting();
        (step != Step::Work).then_some(since)
    }

    /// Whether the client has asked for nothing that is not answered.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.waiting().0, Step::Idle | Step::Handshake)
    }

    /// The connection is at another step now.
    pub(super) fn enter(&self, step: Step) {
        let mut state = self.state();
        state.step = step;
        state.since = Instant::now();
    }

    /// The same, if it was at the step before that one.
    pub(super) fn pass(&self, from: Step, to: Step) {
        let mut state = self.state();
        if state.step == from {
            state.step = to;
            state.since = Instant::now();
        }
    }

    /// Bytes of an answer cannot be written, or all have been.
    pub(super) fn clogs(&self, is_clogged: bool) {
        let mut state = self.state();
        if is_clogged {
            state.clogged.get_or_insert_with(Instant::now);
        } else {
            state.clogged = None;
        }
    }

    /// A request was answered that the client may still be sending.
    pub(super) fn leave_unread(&self) {
        self.state().is_unread = true;
    }

    /// Whether that is so.
    pub(super) fn is_unread(&self) -> bool {
        self.state().is_unread
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
