//! Turns: how a user under `constant` loops, from one slot into the next.
//!
//! Within a process a user's turns wait for one another, each taking over where the one before left
//! off, response and rest included. Between processes they follow one another by markers:
//!
//! - A turn reads the markers once, at its beginning. Who is marked until later in the turn waits for
//!   that; who is marked beyond it has its turn elsewhere, or rests.
//! - Nothing starts in a turn's last [`GAP`]. What is still running [`ARRIVES`] before its end is marked,
//!   and arrives before the next turn reads: responses within 75 ms never are. Then the process holds the
//!   user: it goes on with the user's turns in the next slots, by the run as it is then, and lets go when
//!   the user is between iterations at a turn's end, or after [`HOLDS`] at the end of an iteration.
//! - A rest beyond the turn's end is written at once, as a marker until then, and never taken back.
//!
//! So turns cost a read each, a write per rest that outlasts its slot, and two writes for each time that a
//! user is held. The price in traffic is the gap: users who never wait do 15 % fewer iterations than in one
//! process, and one who is let go amid a slot rests until the next.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::execution::{Copies, Shared};
use super::markers::{ARRIVES, Said};
use crate::clock::Timestamp;
use crate::iteration::{Sender, Turn};
use crate::plan::Due;
use crate::ports::TickStore;
use crate::record::Fate;
use crate::transport::Transport;

/// Before the end of a turn nothing starts for so long, where its user's next turn is another
/// process's: half of it for an iteration to end in, half of it for a marker to arrive in.
pub(super) const GAP: Duration = ARRIVES.saturating_mul(2);

/// How much longer than its iteration a process may hold a user, and how much longer than that a user
/// stands still whose process dies.
const HOLDS: Duration = Duration::from_secs(10);

/// Where a user's turns among processes have got to.
struct Progress {
    /// The earliest for the next iteration.
    earliest: Timestamp,
    /// What was said of the user, once it was.
    said: Option<Said>,
    /// Whether the next turn must have seen it.
    is_held: bool,
    has_run: bool,
    fate: Fate,
}

impl<S: TickStore, T: Transport> Shared<S, T> {
    /// A user's turn where all turns share a process: it loops until the turn ends, each time after
    /// the response. A change to the run may end it earlier or later.
    pub(super) async fn turns(
        &self,
        mut item: Due,
        rest: Duration,
        mut sender: Arc<Sender>,
        mut copies: Copies,
    ) {
        let turn = self.in_flight.turn(self.key(item.user));
        let clock = &self.journal.clock;
        let mut fate = Fate::Done;
        // the turn before may still be in a response: then this one is for waiting
        let mut taken = None;
        tokio::select! {
            biased;
            guard = turn.lock_owned() => taken = Some(guard),
            () = self.turn_over(&mut item, &mut copies) => {}
        }
        if let Some(mut earliest) = taken {
            let _busy = self.in_flight.start(self.key(item.user), &self.counts);
            let mut iteration = item.iteration;
            if !Arc::ptr_eq(&copies.borrow(), &self.run) {
                copies.mark_changed();
            }
            loop {
                let now = self.runs.certain_now().await;
                if copies.has_changed().unwrap_or(false) {
                    self.follow_change(&mut item, &mut copies);
                    let run = Arc::clone(&copies.borrow());
                    let Some(changed) = self.sender_at(&run, now) else {
                        break;
                    };
                    sender = changed;
                }
                if (*earliest).max(now) >= item.until {
                    break;
                }
                if *earliest > now {
                    tokio::select! {
                        () = clock.sleep_until(*earliest) => {}
                        Ok(()) = copies.changed() => copies.mark_changed(),
                    }
                    continue;
                }
                fate = self.iteration_of_turn(item.user, iteration, &sender).await;
                if fate == Fate::CutOff {
                    break;
                }
                iteration += 1;
                *earliest = clock.now() + rest;
                // a response that is there at once must not keep the other users from their turn
                tokio::task::consume_budget().await;
            }
        }
        self.journal.iteration(item.user, item.ordinal, fate);
    }

    /// Returns when a turn is over, whatever is changed meanwhile.
    async fn turn_over(&self, item: &mut Due, copies: &mut Copies) {
        loop {
            tokio::select! {
                () = self.journal.clock.sleep_until(item.until) => return,
                Ok(()) = copies.changed() => self.follow_change(item, copies),
            }
        }
    }

    /// Asks the run as it is now until when a turn lasts.
    fn follow_change(&self, item: &mut Due, copies: &mut Copies) {
        let run = Arc::clone(&copies.borrow_and_update());
        let due = run
            .plan
            .due_of_user(self.class, item.user, self.journal.key.slot);
        let turn = due.into_iter().find(|due| due.iteration == item.iteration);
        item.until = turn.map_or(item.at, |turn| turn.until);
    }

    async fn iteration_of_turn(&self, user: u32, iteration: u64, sender: &Sender) -> Fate {
        let turn = Turn {
            class_key: self.class_key,
            user,
            iteration,
            planned_at: None,
            until: self.sends_until,
        };
        let sending = pin!(self.send(sender, turn));
        self.or_cut_off(sending).await
    }

    /// A user's turn where others may have its next ones, and those that it comes to hold.
    pub(super) async fn turns_among_processes(&self, item: Due, rest: Duration) {
        let turn = self.in_flight.turn(self.key(item.user));
        let Ok(mut earliest) = turn.try_lock_owned() else {
            // held by this very process
            return self.journal.iteration(item.user, item.ordinal, Fate::Done);
        };
        let _busy = self.in_flight.start(self.key(item.user), &self.counts);
        let mut progress = Progress {
            earliest: self
                .busy_until(item.user)
                .map_or(*earliest, |until| until.max(*earliest)),
            said: None,
            is_held: false,
            has_run: false,
            fate: Fate::Done,
        };
        let mut turn = item;
        self.one_turn(turn, rest, &mut progress).await;
        self.journal
            .iteration(item.user, item.ordinal, progress.fate);
        while progress.fate != Fate::CutOff
            && let Some(next) = self.held_turn(&turn, &progress).await
        {
            turn = next;
            progress.earliest = progress.earliest.max(turn.at);
            self.one_turn(turn, rest, &mut progress).await;
        }
        if progress.has_run {
            *earliest = progress.earliest;
            self.hand_over(&turn, progress).await;
        }
    }

    /// Loops until the turn ends.
    async fn one_turn(&self, turn: Due, rest: Duration, progress: &mut Progress) {
        let clock = &self.journal.clock;
        let mut iteration = turn.iteration;
        loop {
            let start = progress.earliest.max(clock.now());
            if start >= turn.until - GAP || !self.may_start(start, progress) {
                return;
            }
            clock.sleep_until(start).await;
            let sending = pin!(self.iteration_of_turn(turn.user, iteration, &self.sender));
            progress.has_run = true;
            progress.fate = if progress.said.is_some() {
                sending.await
            } else {
                let it_matters = clock.sleep_until(turn.until - ARRIVES);
                let marked = self.marked(turn.user, it_matters, HOLDS, sending);
                let (fate, said) = marked.await;
                let confirmed_at = said.as_ref().and_then(|said| said.confirmed_at);
                progress.is_held = confirmed_at.is_some_and(|at| at <= self.slot_end(turn.at));
                progress.said = said;
                fate
            };
            iteration += 1;
            progress.earliest = clock.now();
            if progress.fate == Fate::CutOff {
                return;
            }
            progress.earliest = progress.earliest + rest;
            // a response that is there at once must not keep the other users from their turn
            tokio::task::consume_budget().await;
        }
    }

    /// Whether an iteration that starts then ends while its user is held; one that nobody was told of
    /// will be marked if it lasts.
    fn may_start(&self, start: Timestamp, progress: &Progress) -> bool {
        let Some(said) = &progress.said else {
            return true;
        };
        let ends = start + self.sender.class().longest_iteration();
        ends <= said.marker.until && self.ends_by(ends) == ends
    }

    /// The turn that the user's next iteration lies in, if this process holds the user then: whoever
    /// has that turn has seen the marker, or may see it still.
    async fn held_turn(&self, turn: &Due, progress: &Progress) -> Option<Due> {
        let said = progress.said.as_ref()?;
        let now = self.journal.clock.now();
        let start = progress.earliest.max(now);
        let slots = self.slots();
        let present = slots.of(start);
        let next = match start < slots.end(present) - GAP {
            true => present,
            false => present.plus(1),
        };
        let slot = next.max(slots.of(turn.at).plus(1));
        let is_ours =
            slot < slots.at_or_after(now + ARRIVES) && slots.end(slot) <= said.marker.until;
        if !progress.is_held || !is_ours || !self.may_start(start.max(slots.start(slot)), progress)
        {
            return None;
        }
        let run = match self.runs.get(&self.journal.key.run).await {
            Ok(run) => run,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "a user cannot go on without the run");
                return None;
            }
        };
        let segment = |slot| {
            let segment = run.plan.segment_at(slots.start(slot));
            segment.map(|segment| segment.from)
        };
        if segment(slot) != segment(self.journal.key.slot) {
            // its requests may have to go elsewhere
            return None;
        }
        let due = run.plan.due(self.class, self.journal.key.block, slot);
        due.into_iter().find(|due| due.user == turn.user)
    }

    /// Says what the user's next turns must know.
    async fn hand_over(&self, turn: &Due, progress: Progress) {
        let earliest = progress.earliest;
        match progress.said {
            None => {
                let ends = self.slot_end(turn.at);
                if earliest > ends {
                    self.say_rest(turn.user, earliest, ends).await;
                }
            }
            Some(said) => {
                // a turn that sees the marker as it was waits just as well
                if progress.is_held && earliest > self.journal.clock.now() {
                    self.say_rest(turn.user, earliest, said.marker.until).await;
                } else {
                    self.unsay(&said).await;
                }
            }
        }
    }

    /// The end of the slot that an instant lies in.
    fn slot_end(&self, at: Timestamp) -> Timestamp {
        let slots = self.slots();
        slots.end(slots.of(at))
    }
}
