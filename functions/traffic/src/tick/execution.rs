//! One execution of one tick: begins what is due at its instant, and writes what came of it.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::agenda::{Agenda, Copies, slot_ends};
use super::parts::Parts;
use super::report::TickReport;
use super::starts::{Place, Starts};
use super::{planned, turns};
use crate::plan::Due;
use crate::ports::TickStore;
use crate::record::Fate;
use crate::run::GRAIN;
use crate::runs::LoadedRun;
use crate::transport::Transport;
use crate::workload::Wait;

/// One execution of one tick.
pub(super) struct Execution<S, T> {
    parts: Arc<Parts<S, T>>,
    starts: Starts,
    /// The iterations that were begun.
    started: JoinSet<bool>,
    report: TickReport,
}

impl<S: TickStore, T: Transport> Execution<S, T> {
    pub(super) fn new(parts: Parts<S, T>, starts: Starts) -> Self {
        Self {
            parts: Arc::new(parts),
            starts,
            started: JoinSet::new(),
            report: TickReport::default(),
        }
    }

    /// Executes what is due; returns when all of it has ended and is written.
    ///
    /// Where one process does all, a change to the run holds at once: what it drops is not begun any more,
    /// and what it adds is, until the slot ends.
    pub(super) async fn execute(mut self, mut agenda: Agenda, mut copies: Copies) -> TickReport {
        let parts = Arc::clone(&self.parts);
        let tick = &parts.tick;
        loop {
            self.begin_all(&mut agenda, &mut copies).await;
            if self.started.is_empty() {
                tick.journal.flush().await;
            }
            let ends = tick.ends_by(slot_ends(&copies.borrow(), tick.slot()));
            let may_change =
                tick.runs.may_change_before(ends) || copies.has_changed().unwrap_or(false);
            let may_change = tick.is_alone() && may_change;
            if self.started.is_empty() && !may_change {
                return self.report;
            }
            tokio::select! {
                Some(ended) = self.started.join_next(), if !self.started.is_empty() => {
                    self.report.count(ended);
                    while let Some(ended) = self.started.try_join_next() {
                        self.report.count(ended);
                    }
                }
                () = tick.until_flush() => tick.journal.flush().await,
                Ok(()) = copies.changed(), if may_change => self.replan(&mut agenda, &mut copies),
                () = tick.runs.until_certain_before(ends), if may_change => {
                    if copies.has_changed().unwrap_or(false) {
                        self.replan(&mut agenda, &mut copies);
                    }
                }
            }
        }
    }

    /// Begins what is on the agenda, each at its instant.
    async fn begin_all(&mut self, agenda: &mut Agenda, copies: &mut Copies) {
        let parts = Arc::clone(&self.parts);
        let tick = &parts.tick;
        let mut place = Place::default();
        while let Some(item) = agenda.next() {
            if tick.clock().now() < item.at {
                place.leave();
            }
            let knows_who_is_busy = parts.markers.knows_who_is_busy(&item).await;
            if !self.has_come(&item, copies).await {
                self.replan(agenda, copies);
                continue;
            }
            if !self.starts.try_take(&mut place) {
                self.take_place(&mut place).await;
                // the run may have changed meanwhile
                continue;
            }
            agenda.begin();
            let run = Arc::clone(&copies.borrow());
            // a turn that comes so late is over at once, as any that the one before it has used up
            let is_turn = matches!(tick.wait, Wait::Constant(_));
            let is_over = run.plan.run().is_over(tick.clock().now() - GRAIN);
            if (is_over && !is_turn) || !knows_who_is_busy || tick.is_too_late() {
                self.report.left += 1;
                continue;
            }
            self.begin(item, &run, copies).await;
            place.begun().await;
        }
    }

    /// Begins an iteration, or a turn, whose instant has come.
    async fn begin(&mut self, item: Due, run: &Arc<LoadedRun>, copies: &Copies) {
        let parts = Arc::clone(&self.parts);
        let tick = &parts.tick;
        let Some(sender) = parts.sending.sender_at(run, item.at) else {
            self.report.left += 1;
            return;
        };
        if let Wait::Constant(rest) = tick.wait {
            if tick.is_alone() {
                let copies = copies.clone();
                (self.started).spawn(turns::in_one_process(parts, item, rest, sender, copies));
            } else {
                (self.started).spawn(turns::among_processes(parts, item, rest));
            }
        } else if let Some(busy) = planned::take(&parts, &item).await {
            (self.started).spawn(planned::iteration(parts, item, busy, sender));
        } else {
            (tick.journal).iteration(item.user, item.ordinal, Fate::Skipped);
            parts.sending.sender.skipped();
            self.report.skipped += 1;
        }
    }

    /// Waits for the instant of what is due; false if the run was changed before.
    async fn has_come(&self, item: &Due, copies: &mut Copies) -> bool {
        let tick = &self.parts.tick;
        let clock = tick.clock();
        let at = tick.ends_by(item.at);
        if !tick.is_alone() {
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
        tick.runs.until_certain(item.at).await;
        !copies.has_changed().unwrap_or(false)
    }

    /// Waits for a place among those who begin iterations; what comes of the tick meanwhile is written in time.
    async fn take_place(&self, place: &mut Place) {
        let tick = &self.parts.tick;
        let taken = self.starts.take(place);
        tokio::pin!(taken);
        loop {
            tokio::select! {
                biased;
                () = &mut taken => return,
                () = tick.until_flush() => tick.journal.flush().await,
            }
        }
    }

    /// Asks the run as it is now what is due.
    fn replan(&self, agenda: &mut Agenda, copies: &mut Copies) {
        let tick = &self.parts.tick;
        let run = Arc::clone(&copies.borrow_and_update());
        let block = tick.journal.key.block;
        agenda.replace(run.plan.due(tick.class, block, tick.slot()));
    }
}
