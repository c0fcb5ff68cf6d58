//! One execution of one tick: starts what is due at its instant, and writes what came of it.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::markers::Known;
use super::senders::Senders;
use super::starts::{Place, Starts};
use super::{Counts, GRAIN, TOO_LATE, TickReport};
use crate::clock::{Slot, Timestamp};
use crate::in_flight::{Busy, InFlight};
use crate::iteration::{Sender, Turn};
use crate::journal::Journal;
use crate::plan::Due;
use crate::ports::TickStore;
use crate::record::Fate;
use crate::run::RunId;
use crate::run_end::RunEnd;
use crate::runs::{LoadedRun, Runs};
use crate::transport::{Transport, UserKey};
use crate::workload::Wait;

/// The copies of a tick's run; what is due was asked of the one that was seen last.
pub(super) type Copies = watch::Receiver<Arc<LoadedRun>>;

/// What is due in a tick and was not begun yet.
#[derive(Debug)]
pub(super) struct Agenda {
    due: Vec<Due>,
    next: usize,
    /// User and ordinal of what was due before a change, and begun.
    begun: HashSet<(u32, u32)>,
}

impl Agenda {
    pub(super) fn new(due: Vec<Due>) -> Self {
        Self {
            due,
            next: 0,
            begun: HashSet::new(),
        }
    }

    /// Takes over what is due by the run as it is now; what was begun stays begun.
    fn replace(&mut self, due: Vec<Due>) {
        let begun = self.due.drain(..self.next);
        self.begun.extend(begun.map(|due| (due.user, due.ordinal)));
        self.due = due;
        self.due
            .retain(|due| !self.begun.contains(&(due.user, due.ordinal)));
        self.next = 0;
    }

    fn next(&self) -> Option<Due> {
        self.due.get(self.next).copied()
    }
}

/// One execution of one tick.
pub(super) struct Execution<S, T>(pub(super) Arc<Shared<S, T>>);

/// What the iterations of one execution share.
pub(super) struct Shared<S, T> {
    /// The class, with the host that it has when the slot begins.
    pub(super) sender: Arc<Sender>,
    pub(super) senders: Arc<Senders>,
    pub(super) wait: Wait,
    /// The class's number in the plan.
    pub(super) class: usize,
    /// The run as it was when the tick began.
    pub(super) run: Arc<LoadedRun>,
    pub(super) run_end: RunEnd<S>,
    /// For those who go on into later slots, in which the run may be another.
    pub(super) runs: Arc<Runs<S>>,
    pub(super) class_key: u64,
    /// Tells the users of one run from those of another with the same seed.
    pub(super) turn_key: u64,
    pub(super) journal: Journal<S>,
    pub(super) transport: Arc<T>,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) starts: Starts,
    pub(super) counts: Arc<Counts>,
    /// Who is busy in other processes, as far as it was read.
    pub(super) known: Mutex<Option<Known>>,
    pub(super) cut_off: watch::Receiver<Option<RunId>>,
    /// When the last response must be there.
    pub(super) sends_until: Option<Timestamp>,
}

impl<S: TickStore, T: Transport> Execution<S, T> {
    /// Executes what is due; returns when all of it has ended and is written.
    ///
    /// Where one process does all, a change to the run holds at once: what it drops is not begun any more,
    /// and what it adds is, until the slot ends.
    pub(super) async fn execute(&self, mut agenda: Agenda, mut copies: Copies) -> TickReport {
        let shared = &self.0;
        let mut report = TickReport::default();
        let mut started = JoinSet::new();
        loop {
            self.begin_all(&mut agenda, &mut copies, &mut started, &mut report)
                .await;
            if started.is_empty() {
                shared.journal.flush().await;
            }
            let ends = slot_ends(&copies.borrow(), shared.journal.key.slot);
            let ends = shared.ends_by(ends);
            let may_change =
                shared.runs.may_change_before(ends) || copies.has_changed().unwrap_or(false);
            let may_change = shared.is_alone() && may_change;
            if started.is_empty() && !may_change {
                return report;
            }
            let flush_at = shared.journal.due();
            tokio::select! {
                Some(ended) = started.join_next(), if !started.is_empty() => {
                    report.count(ended);
                    while let Some(ended) = started.try_join_next() {
                        report.count(ended);
                    }
                }
                () = shared.sleep_until(flush_at) => shared.journal.flush().await,
                Ok(()) = copies.changed(), if may_change => shared.replan(&mut agenda, &mut copies),
                () = shared.runs.until_certain_before(ends), if may_change => {
                    if copies.has_changed().unwrap_or(false) {
                        shared.replan(&mut agenda, &mut copies);
                    }
                }
            }
        }
    }

    /// Begins what is on the agenda, each at its instant.
    async fn begin_all(
        &self,
        agenda: &mut Agenda,
        copies: &mut Copies,
        started: &mut JoinSet<bool>,
        report: &mut TickReport,
    ) {
        let mut place = Place::default();
        while let Some(item) = agenda.next() {
            if self.0.journal.clock.now() < item.at {
                place.leave();
            }
            let knows_who_is_busy = self.0.knows_who_is_busy(&item).await;
            if !self.0.has_come(&item, copies).await {
                self.0.replan(agenda, copies);
                continue;
            }
            if !self.0.starts.try_take(&mut place) {
                self.0.take_place(&mut place).await;
                // the run may have changed meanwhile
                continue;
            }
            agenda.next += 1;
            let run = Arc::clone(&copies.borrow());
            // a turn that comes so late is over at once, as any that the one before it has used up
            let is_turn = matches!(self.0.wait, Wait::Constant(_));
            let is_over = (run.plan.run()).is_over(self.0.journal.clock.now() - GRAIN);
            if (is_over && !is_turn) || !knows_who_is_busy || self.0.is_too_late() {
                report.left += 1;
                continue;
            }
            let Some(sender) = self.0.sender_at(&run, item.at) else {
                report.left += 1;
                continue;
            };
            let shared = Arc::clone(&self.0);
            let copies = copies.clone();
            if let Wait::Constant(rest) = self.0.wait {
                if self.0.is_alone() {
                    started.spawn(async move {
                        shared.turns(item, rest, sender, copies).await;
                        true
                    });
                } else {
                    started.spawn(async move {
                        shared.turns_among_processes(item, rest).await;
                        true
                    });
                }
            } else if let Some(busy) = self.0.take(&item).await {
                started.spawn(async move { shared.iteration(item, busy, &sender).await });
            } else {
                self.0
                    .journal
                    .iteration(item.user, item.ordinal, Fate::Skipped);
                self.0.sender.skipped();
                report.skipped += 1;
            }
            place.begun().await;
        }
    }
}

/// When nothing of a slot starts any more, and no change can add anything.
pub(super) fn slot_ends(run: &LoadedRun, slot: Slot) -> Timestamp {
    let run = run.plan.run();
    let slot_ends = run.slots().end(slot);
    run.ends().map_or(slot_ends, |end| end.min(slot_ends))
}

impl TickReport {
    /// Counts an iteration by whether anything of it was sent.
    fn count(&mut self, ended: Result<bool, JoinError>) {
        match ended {
            Ok(true) => self.executed += 1,
            Ok(false) => self.left += 1,
            Err(error) => tracing::error!(%error, "an iteration broke off: it is missing"),
        }
    }
}

impl<S: TickStore, T: Transport> Shared<S, T> {
    pub(super) fn key(&self, user: u32) -> UserKey {
        (self.turn_key, user)
    }

    /// Takes the user of what is due now, unless it is busy here or elsewhere.
    async fn take(&self, item: &Due) -> Option<Busy> {
        if self.has_gone_on(item) || self.is_busy_elsewhere(item).await {
            None
        } else {
            self.in_flight.start(self.key(item.user), &self.counts)
        }
    }

    /// Waits for the instant of what is due; false if the run was changed before.
    async fn has_come(&self, item: &Due, copies: &mut Copies) -> bool {
        let clock = &self.journal.clock;
        let at = self.ends_by(item.at);
        if !self.is_alone() {
            clock.sleep_until(at).await;
            return true;
        }
        // never a moment before: a change from that moment on must find it not begun
        while clock.now() < at {
            tokio::select! {
                () = clock.sleep_until(at) => {}
                Ok(()) = copies.changed() => return false,
            }
        }
        self.runs.until_certain(item.at).await;
        !copies.has_changed().unwrap_or(false)
    }

    /// Waits for a place among those who begin iterations; what comes of the tick meanwhile is written in time.
    async fn take_place(&self, place: &mut Place) {
        let taken = self.starts.take(place);
        tokio::pin!(taken);
        loop {
            let flush_at = self.journal.due();
            tokio::select! {
                biased;
                () = &mut taken => return,
                () = self.sleep_until(flush_at) => self.journal.flush().await,
            }
        }
    }

    /// Asks the run as it is now what is due.
    fn replan(&self, agenda: &mut Agenda, copies: &mut Copies) {
        let run = Arc::clone(&copies.borrow_and_update());
        let key = &self.journal.key;
        agenda.replace(run.plan.due(self.class, key.block, key.slot));
    }

    /// The class with the host that a run gives it at an instant.
    pub(super) fn sender_at(&self, run: &Arc<LoadedRun>, at: Timestamp) -> Option<Arc<Sender>> {
        if Arc::ptr_eq(run, &self.run) {
            return Some(Arc::clone(&self.sender));
        }
        match self.senders.get(run, self.class, at) {
            Ok(sender) => Some(sender),
            Err(error) => {
                tracing::error!(%error, "an iteration is left out: it is missing");
                None
            }
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
        let run = self.run.plan.run();
        let begins = run.slots().start(self.journal.key.slot);
        self.journal.clock.now().since(begins) > TOO_LATE
    }

    /// One iteration whose instant the plan has set; false if its turn came too late to send anything.
    async fn iteration(&self, item: Due, busy: Busy, sender: &Sender) -> bool {
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
        // where it stays: a future that is handed on by value has its room in each that it is handed to
        let sending = pin!(self.send(sender, turn));
        let sending = pin!(self.or_cut_off(sending));
        let (fate, said) = self.planned_and_marked(&item, sending).await;
        // noted before the user is free again, so that no later entry can come first
        self.journal.iteration(item.user, item.ordinal, fate);
        if let Some(said) = said {
            self.unsay(&said).await;
        }
        drop(busy);
        true
    }

    pub(super) async fn send(&self, sender: &Sender, turn: Turn) -> Fate {
        sender
            .iterate(&*self.transport, &self.journal, turn, &self.run_end)
            .await
    }

    /// Ends with the iteration, or when its run is cut off or the stop timeout is over.
    pub(super) async fn or_cut_off(&self, iteration: impl Future<Output = Fate>) -> Fate {
        let mut cut_off = self.cut_off.clone();
        let run = &self.journal.key.run;
        tokio::select! {
            biased;
            fate = iteration => fate,
            _ = cut_off.wait_for(|cut| cut.as_ref().is_some_and(|cut| cut >= run)) => Fate::CutOff,
            () = self.run_end.timed_out() => Fate::CutOff,
        }
    }

    /// What would go on until `instant` goes on no longer than requests may.
    pub(super) fn ends_by(&self, instant: Timestamp) -> Timestamp {
        self.sends_until.map_or(instant, |end| instant.min(end))
    }
}
