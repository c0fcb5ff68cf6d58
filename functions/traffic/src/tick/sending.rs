//! Sending the iterations of one execution: to the host that the run names, until they end or are cut off.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::watch;

use super::context::TickContext;
use super::senders::Senders;
use crate::clock::Timestamp;
use crate::iteration::{Sender, Turn};
use crate::ports::TickStore;
use crate::record::Fate;
use crate::run::RunId;
use crate::run_end::RunEnd;
use crate::runs::LoadedRun;
use crate::transport::Transport;

/// See the [module](self).
pub(super) struct Sending<S, T> {
    pub(super) tick: Arc<TickContext<S>>,
    /// The class, with the host that it has when the slot begins.
    pub(super) sender: Arc<Sender>,
    pub(super) senders: Arc<Senders>,
    pub(super) transport: Arc<T>,
    pub(super) class_key: u64,
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
        sender: &Sender,
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
        let mut cut_off = self.cut_off.clone();
        let run = &journal.key.run;
        // where it stays: a future that is handed on by value has its room in each that it is handed to
        let mut sending = pin!(sender.iterate(&*self.transport, journal, turn, &self.run_end));
        tokio::select! {
            biased;
            fate = &mut sending => fate,
            _ = cut_off.wait_for(|cut| cut.as_ref().is_some_and(|cut| cut >= run)) => Some(Fate::CutOff),
            () = self.run_end.timed_out() => Some(Fate::CutOff),
        }
    }
}
