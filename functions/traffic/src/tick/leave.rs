//! A user's leave, where one process does all: once the user is gone, by the plan, it sends the requests with which its
//! session ends. The run is under way until it has.

use std::sync::Arc;

use parking_lot::Mutex;
use rand::RngExt as _;
use tokio::sync::watch;

use super::context::TickContext;
use crate::clock::Timestamp;
use crate::iteration::{Sender, Turn};
use crate::journal::Journal;
use crate::plan::Next;
use crate::ports::TickStore;
use crate::random::UserKey;
use crate::record::RecordKey;
use crate::run::RunId;
use crate::run_end::RunEnd;
use crate::runs::LoadedRun;
use crate::sessions::{Sessions, Shared};
use crate::transport::Transport;

/// See the [module](self).
pub(super) struct Leave<S, T> {
    pub(super) tick: Arc<TickContext<S>>,
    pub(super) sender: Arc<Sender>,
    pub(super) transport: Arc<T>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) session: Shared,
    pub(super) user: UserKey,
    pub(super) class_key: u64,
    pub(super) run_end: RunEnd<S>,
    pub(super) cut_off: watch::Receiver<Option<RunId>>,
}

impl<S: TickStore, T: Transport> Leave<S, T> {
    /// Sees out a user whose session is new.
    pub(super) fn begin(self) {
        let now = || self.tick.clock().now();
        let run = self.tick.run.plan.run();
        let Some(under_way) = self.tick.runs.under_way().enter(run, now) else {
            return;
        };
        tokio::spawn(async move {
            self.when_gone().await;
            drop(under_way);
        });
    }

    async fn when_gone(mut self) {
        let run = self.run_end.run.clone();
        let mut cut_off = self.cut_off.clone();
        let is_cut = |cut: &Option<RunId>| cut.as_ref().is_some_and(|cut| *cut >= run);
        tokio::select! {
            biased;
            _ = cut_off.wait_for(is_cut) => return,
            () = self.gone() => {}
        }
        let _held = self.tick.clock().hold();
        let journal = self.journal();
        tokio::select! {
            biased;
            _ = cut_off.wait_for(is_cut) => {}
            () = self.run_end.timed_out() => {}
            () = self.end_session(&journal) => {}
        }
        self.sessions.forget(self.user);
        journal.flush().await;
    }

    /// Returns when the user is not there any more.
    async fn gone(&mut self) {
        let slots = self.tick.slots();
        loop {
            let copy = Arc::clone(&self.run_end.copies.borrow_and_update());
            let now = self.tick.clock().now();
            let slot = slots.of(now);
            if copy.plan.run().is_over(now) || self.is_gone(&copy, now) {
                return;
            }
            let ends = copy.plan.run().ends();
            let looks_at = ends.map_or(slots.end(slot), |ends| ends.min(slots.end(slot)));
            tokio::select! {
                () = self.tick.clock().sleep_until(looks_at) => {}
                // the copies last as long as the run
                Ok(()) = self.run_end.copies.changed() => {}
            }
        }
    }

    fn is_gone(&self, copy: &LoadedRun, now: Timestamp) -> bool {
        let slot = self.tick.slots().of(now);
        let next = copy.plan.first_due(self.tick.class, self.user.1, slot);
        matches!(next, Next::Gone)
    }

    async fn end_session(&self, journal: &Journal<S>) {
        // it ends the request that it is in
        let mut session = self.session.lock().await;
        let turn = Turn {
            class_key: self.class_key,
            user: self.user.1,
            iteration: 0,
            planned_at: None,
            until: None,
        };
        let run_end = &self.run_end;
        let (sender, transport) = (&self.sender, &*self.transport);
        let leaving = sender.leave(transport, journal, turn, run_end, &mut session);
        leaving.await;
    }

    /// A journal of its own: the ticks of the user's block have written theirs.
    fn journal(&self) -> Journal<S> {
        let of_tick = &self.tick.journal;
        let slot = self.tick.slots().of(of_tick.clock.now());
        Journal {
            store: Arc::clone(&of_tick.store),
            clock: of_tick.clock.clone(),
            health: Arc::clone(&of_tick.health),
            key: RecordKey {
                slot,
                writer: rand::rng().random(),
                sequence: 0,
                ..of_tick.key.clone()
            },
            first_user: of_tick.first_user,
            pending: Mutex::default(),
            settles_at: of_tick.settles_at,
            deadline: None,
        }
    }
}
