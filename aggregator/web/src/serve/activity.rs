//! The step that a connection is at: it waits for its client or the client for the server, and since when.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::api::Acquaintance;

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

/// The step of a connection; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    state: Arc<Mutex<State>>,
    acquaintance: Acquaintance,
}

#[derive(Debug)]
struct State {
    step: Step,
    since: Instant,
    /// Since when bytes of an answer wait to be taken. That goes on beside the other steps: the
    /// answer may be out of our hands, and the next request on its way.
    clogged: Option<Instant>,
    /// True if a request was answered whose body is still coming.
    is_unread: bool,
}

impl Activity {
    /// A new connection at its first step.
    pub(super) fn begun(step: Step) -> Self {
        let state = State {
            step,
            since: Instant::now(),
            clogged: None,
            is_unread: false,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            acquaintance: Acquaintance::default(),
        }
    }

    /// The connection's acquaintance with the password.
    pub(super) fn acquaintance(&self) -> &Acquaintance {
        &self.acquaintance
    }

    /// The step, and since when.
    pub(super) fn waiting(&self) -> (Step, Instant) {
        let state = self.state();
        match state.clogged {
            Some(since) => (Step::Answer, since),
            None => (state.step, state.since),
        }
    }

    /// Since when it waits for its client, or lets a guess at the password wait, if it does.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        let (step, since) = self.waiting();
        (step != Step::Work || self.is_put_off()).then_some(since)
    }

    /// True if its answer waits only because it was a guess at the password.
    pub(super) fn is_put_off(&self) -> bool {
        self.acquaintance.is_put_off()
    }

    /// True once it has shown the password, or a session.
    pub(super) fn is_known(&self) -> bool {
        self.acquaintance.is_known()
    }

    /// True if every request was answered, but for one that is put off.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.waiting().0, Step::Idle | Step::Handshake) || self.is_put_off()
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

    /// True after [`Self::leave_unread`].
    pub(super) fn is_unread(&self) -> bool {
        self.state().is_unread
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}
