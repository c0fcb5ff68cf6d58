//! Sending the iterations of one execution: to the host that the run names, until they end or are cut off.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::watch;

use super::context::TickContext;
use super::leave::Leave;
use super::senders::Senders;
use crate::clock::Timestamp;
use crate::iteration::{Sender, Turn};
use crate::ports::TickStore;
use crate::random::UserKey;
use crate::record::Fate;
use crate::run::RunId;
use crate::run_end::RunEnd;
use crate::runs::LoadedRun;
use crate::sessions::{Sessions, Shared};
use crate::transport::Transport;

/// See the [module](self).
pub(super) struct Sending<S, T> {
    pub(super) tick: Arc<TickContext<S>>,
    /// The class, with the host that it has when the slot begins.
    pub(super) sender: Arc<Sender>,
    pub(super) senders: Arc<Senders>,
    pub(super) transport: Arc<T>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) class_key: u64,
    /// Tells the users of one run from those of another with the same seed.
    pub(super) turn_key: u64,
    pub(super) run_end: RunEnd<S>,
    pub(super) cut_off: watch::Receiver<Option<RunId>>,
}

impl<S: TickStore, T: Transport> Sending<S, T> {
    /// The class with the host that a run gives it at an instant.
    pub(super) fn sender_at(&self, run: &Arc<LoadedRun>, at: Timestamp) -> Option<Arc<Sender>> {
        if Arc::ptr_eq(run, &self.tick.run) {
            return Some(Arc::clone(&self.sender));
        }
        match self.senders.get(run, self.tick.class, at) {
            Ok(sender) => Some(sender),
            Err(error) => {
                tracing::error!(%error, "an iteration is left out: it is missing");
                None
            }
        }
    }

    /// Sends an iteration of a user until it ends, its run is cut off, or the stop timeout is over.
    /// `planned_at` is its instant, if the plan has set it. `None` if nothing of it was sent.
    pub(super) async fn iteration(
        &self,
        sender: &Arc<Sender>,
        user: u32,
        iteration: u64,
        planned_at: Option<Timestamp>,
    ) -> Option<Fate> {
        let turn = Turn {
            class_key: self.class_key,
            user,
            iteration,
            planned_at,
            until: self.tick.sends_until,
        };
        let journal = &self.tick.journal;
        let session = self.session(sender, user);
        // nobody else has it but who sees the user out
        let mut session = match &session {
            Some(session) => Some(session.lock().await),
            None => None,
        };
        let session = session.as_deref_mut();
        let mut cut_off = self.cut_off.clone();
        let run = &journal.key.run;
        // where it stays: a future that is handed on by value has its room in each that it is handed to
        let iterating = sender.iterate(&*self.transport, journal, turn, &self.run_end, session);
        let mut sending = pin!(iterating);
        tokio::select! {
            biased;
            fate = &mut sending => fate,
            _ = cut_off.wait_for(|cut| cut.as_ref().is_some_and(|cut| cut >= run)) => Some(Fate::CutOff),
            () = self.run_end.timed_out() => Some(Fate::CutOff),
        }
    }

    /// The session of a user, if its class has sessions. Where one process does all, a user with a new one is seen out
    /// when it goes.
    fn session(&self, sender: &Arc<Sender>, user: u32) -> Option<Shared> {
        let rules = sender.class().session()?;
        let key = (self.turn_key, user);
        let (session, is_new) = self.sessions.of(&self.tick.journal.key.run, key);
        if is_new && self.tick.is_alone() && rules.stop().is_some() {
            self.leave(sender, key, &session).begin();
        }
        Some(session)
    }

    fn leave(&self, sender: &Arc<Sender>, user: UserKey, session: &Shared) -> Leave<S, T> {
        let run_end = &self.run_end;
        Leave {
            tick: Arc::clone(&self.tick),
            sender: Arc::clone(sender),
            transport: Arc::clone(&self.transport),
            sessions: Arc::clone(&self.sessions),
            session: Arc::clone(session),
            user,
            class_key: self.class_key,
            run_end: RunEnd {
                runs: Arc::clone(&run_end.runs),
                run: run_end.run.clone(),
                copies: run_end.copies.clone(),
                clock: run_end.clock.clone(),
                stop_timeout: run_end.stop_timeout,
            },
            cut_off: self.cut_off.clone(),
        }
    }
}
