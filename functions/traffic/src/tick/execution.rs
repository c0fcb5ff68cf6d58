//! One execution of one tick: starts what is due at its instant, and writes what came of it.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::markers::Known;
use super::{GRAIN, TOO_LATE, TickReport};
use crate::clock::Timestamp;
use crate::in_flight::{Busy, InFlight};
use crate::iteration::{Sender, Turn};
use crate::journal::Journal;
use crate::plan::Due;
use crate::ports::Store;
use crate::record::Fate;
use crate::run::RunId;
use crate::runs::{LoadedRun, Runs};
use crate::transport::{Transport, UserKey};
use crate::workload::Wait;

/// One execution of one tick.
pub(super) struct Execution<S, T>(pub(super) Arc<Shared<S, T>>);

/// What the iterations of one execution share.
pub(super) struct Shared<S, T> {
    pub(super) sender: Arc<Sender>,
    pub(super) wait: Wait,
    /// The class's number in the plan.
    pub(super) class: usize,
    pub(super) run: Arc<LoadedRun>,
    /// For those who go on into later slots, in which the run may be another.
    pub(super) runs: Arc<Runs<S>>,
    pub(super) class_key: u64,
    /// Tells the users of one run from those of another with the same seed.
    pub(super) turn_key: u64,
    pub(super) journal: Journal<S>,
    pub(super) transport: Arc<T>,
    pub(super) in_flight: Arc<InFlight>,
    /// Who is busy in other processes, as far as it was read.
    pub(super) known: Mutex<Option<Known>>,
    pub(super) cut_off: watch::Receiver<Option<RunId>>,
    /// When the last response must be there.
    pub(super) sends_until: Option<Timestamp>,
}

impl<S: Store, T: Transport> Execution<S, T> {
    /// Executes what is due; returns when all of it has ended and is written.
    pub(super) async fn execute(&self, due: Vec<Due>) -> TickReport {
        let mut report = TickReport::default();
        let mut started = JoinSet::new();
        for item in due {
            let knows_who_is_busy = self.0.knows_who_is_busy(&item).await;
            (self.0.journal.clock)
                .sleep_until(self.0.ends_by(item.at))
                .await;
            let shared = Arc::clone(&self.0);
            let is_over = (self.0.run.plan.run()).is_over(self.0.journal.clock.now() - GRAIN);
            if is_over || !knows_who_is_busy || self.0.is_too_late() {
                report.left += 1;
            } else if let Wait::Constant(rest) = self.0.wait {
                if self.0.is_alone() {
                    started.spawn(async move {
                        shared.turns(item, rest).await;
                        true
                    });
                } else {
                    started.spawn(async move {
                        shared.turns_among_processes(item, rest).await;
                        true
                    });
                }
            } else if let Some(busy) = self.0.take(&item).await {
                started.spawn(async move { shared.iteration(item, busy).await });
            } else {
                self.0
                    .journal
                    .iteration(item.user, item.ordinal, Fate::Skipped);
                self.0.sender.skipped();
                report.skipped += 1;
            }
        }
        report.executed = started.len() as u32;
        while !started.is_empty() {
            let flush_at = self.0.journal.due();
            tokio::select! {
                ended = started.join_next() => match ended {
                    Some(Ok(false)) => {
                        report.executed -= 1;
                        report.left += 1;
                    }
                    Some(Ok(true)) | None => {}
                    Some(Err(error)) => {
                        tracing::error!(%error, "an iteration broke off: it is missing");
                    }
                },
                () = self.0.sleep_until(flush_at) => self.0.journal.flush().await,
            }
        }
        self.0.journal.flush().await;
        report
    }
}

impl<S: Store, T: Transport> Shared<S, T> {
    pub(super) fn key(&self, user: u32) -> UserKey {
        (self.turn_key, user)
    }

    /// Takes the user of what is due now, unless it is busy here or elsewhere.
    async fn take(&self, item: &Due) -> Option<Busy> {
        if self.has_gone_on(item) || self.is_busy_elsewhere(item).await {
            None
        } else {
            self.in_flight.start(self.key(item.user))
        }
    }

    async fn sleep_until(&self, instant: Option<Timestamp>) {
        match instant {
            Some(instant) => self.journal.clock.sleep_until(instant).await,
            None => std::future::pending().await,
        }
    }

    /// Whether nothing of the slot may be sent any more: it is about to be settled as missing.
    fn is_too_late(&self) -> bool {
        let begins = self.journal.key.slot.start();
        self.journal.clock.now().since(begins) > TOO_LATE
    }

    /// One iteration whose instant the plan has set; false if its turn came too late to send anything.
    async fn iteration(&self, item: Due, busy: Busy) -> bool {
        if self.is_too_late() {
            return false;
        }
        let turn = Turn {
            class_key: self.class_key,
            user: item.user,
            iteration: item.iteration,
            planned_at: Some(item.at),
            until: self.sends_until,
        };
        let sending = self.or_cut_off(self.send(turn));
        let (fate, said) = self.planned_and_marked(&item, sending).await;
        // noted before the user is free again, so that no later entry can come first
        self.journal.iteration(item.user, item.ordinal, fate);
        if let Some(said) = said {
            self.unsay(&said).await;
        }
        drop(busy);
        true
    }

    pub(super) async fn send(&self, turn: Turn) -> Fate {
        self.sender
            .iterate(&*self.transport, &self.journal, turn)
            .await
    }

    /// Ends with the iteration, or when its run is cut off.
    pub(super) async fn or_cut_off(&self, iteration: impl Future<Output = Fate>) -> Fate {
        let mut cut_off = self.cut_off.clone();
        let run = &self.journal.key.run;
        tokio::select! {
            biased;
            fate = iteration => fate,
            _ = cut_off.wait_for(|cut| cut.as_ref().is_some_and(|cut| cut >= run)) => Fate::CutOff,
        }
    }

    /// What would go on until `instant` goes on no longer than requests may.
    pub(super) fn ends_by(&self, instant: Timestamp) -> Timestamp {
        self.sends_until.map_or(instant, |end| instant.min(end))
    }
}
