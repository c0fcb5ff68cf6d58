//! Turns of a user whose next ones may be another process's: the process that has marked the user goes on with
//! them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::plan::Due;
use crate::ports::TickStore;
use crate::record::Fate;
use crate::tick::marker_rules::{ARRIVES, GAP, may_start, turn_marked_from};
use crate::tick::markers::WrittenMarker;
use crate::tick::parts::Parts;
use crate::transport::Transport;

/// A process may hold a user so much longer than its iteration; a user whose process dies stands still so much
/// longer than that.
const HOLDS: Duration = Duration::from_secs(10);

/// A user whose turns this process has.
struct HeldUser<'p, S, T> {
    parts: &'p Parts<S, T>,
    rest: Duration,
    /// The earliest for the next iteration.
    earliest: Timestamp,
    /// The user's marker, once it was written.
    said: Option<WrittenMarker>,
    /// True if the next turn must have seen it.
    is_held: bool,
    has_run: bool,
    fate: Fate,
}

/// A user's turn where others may have its next ones, and those that it comes to hold.
pub(in crate::tick) async fn among_processes<S: TickStore, T: Transport>(
    parts: Arc<Parts<S, T>>,
    item: Due,
    rest: Duration,
) -> bool {
    let journal = &parts.tick.journal;
    let turn = parts.users.turn(item.user);
    let Ok(mut earliest) = turn.try_lock_owned() else {
        // held by this very process
        journal.iteration(item.user, item.ordinal, Fate::Done);
        return true;
    };
    let _busy = parts.users.start(item.user);
    let busy_until = parts.markers.busy_until(item.user);
    let mut user = HeldUser {
        parts: &parts,
        rest,
        earliest: busy_until.map_or(*earliest, |until| until.max(*earliest)),
        said: None,
        is_held: false,
        has_run: false,
        fate: Fate::Done,
    };
    let mut turn = item;
    user.one_turn(turn).await;
    journal.iteration(item.user, item.ordinal, user.fate);
    while user.fate != Fate::CutOff
        && let Some(next) = user.held_turn(&turn).await
    {
        turn = next;
        user.earliest = user.earliest.max(turn.at);
        user.one_turn(turn).await;
    }
    if user.has_run {
        *earliest = user.earliest;
        user.hand_over(&turn).await;
    }
    true
}

impl<S: TickStore, T: Transport> HeldUser<'_, S, T> {
    /// Loops until the turn ends.
    async fn one_turn(&mut self, turn: Due) {
        let (parts, clock) = (self.parts, self.parts.tick.clock());
        let mut iteration = turn.iteration;
        loop {
            let start = self.earliest.max(clock.now());
            if !may_start(&turn, start) || !self.is_held_until_after(start) {
                return;
            }
            clock.sleep_until(start).await;
            let sending = &parts.sending;
            let sending = pin!(sending.iteration(&sending.sender, turn.user, iteration, None));
            self.has_run = true;
            let fate = if self.said.is_some() {
                sending.await
            } else {
                let it_matters = clock.sleep_until(turn_marked_from(&turn));
                let marked = parts.markers.marked(turn.user, it_matters, HOLDS, sending);
                let (fate, said) = marked.await;
                let confirmed_at = said.as_ref().and_then(|said| said.confirmed_at);
                self.is_held = confirmed_at.is_some_and(|at| at <= self.slot_end(turn.at));
                self.said = said;
                fate
            };
            self.fate = fate.unwrap_or(Fate::CutOff);
            iteration += 1;
            self.earliest = clock.now();
            if self.fate == Fate::CutOff {
                return;
            }
            self.earliest = self.earliest + self.rest;
            // a response that is there at once must not keep the other users from their turn
            tokio::task::consume_budget().await;
        }
    }

    /// True if an iteration that starts then ends while its user is held; one that nobody was told of
    /// will be marked if it lasts.
    fn is_held_until_after(&self, start: Timestamp) -> bool {
        let Some(said) = &self.said else {
            return true;
        };
        let tick = &self.parts.tick;
        let ends = start + tick.longest_iteration;
        ends <= said.marker.until && tick.ends_by(ends) == ends
    }

    /// The turn that the user's next iteration lies in, if this process holds the user then: whoever
    /// has that turn has seen the marker, or may see it still.
    async fn held_turn(&self, turn: &Due) -> Option<Due> {
        let said = self.said.as_ref()?;
        let tick = &self.parts.tick;
        let now = tick.clock().now();
        let start = self.earliest.max(now);
        let slots = tick.slots();
        let present = slots.of(start);
        let next = match start < slots.end(present) - GAP {
            true => present,
            false => present.plus(1),
        };
        let slot = next.max(slots.of(turn.at).plus(1));
        let is_ours =
            slot < slots.at_or_after(now + ARRIVES) && slots.end(slot) <= said.marker.until;
        let start = start.max(slots.start(slot));
        if !self.is_held || !is_ours || !self.is_held_until_after(start) {
            return None;
        }
        let run = match tick.runs.get(&tick.journal.key.run).await {
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
        if segment(slot) != segment(tick.slot()) {
            // its requests may have to go elsewhere
            return None;
        }
        let due = run.plan.due(tick.class, tick.journal.key.block, slot);
        due.into_iter().find(|due| due.user == turn.user)
    }

    /// Marks the user for its next turns, or takes its marker back.
    async fn hand_over(self, turn: &Due) {
        let (markers, earliest) = (&self.parts.markers, self.earliest);
        match &self.said {
            None => {
                let ends = self.slot_end(turn.at);
                if earliest > ends {
                    markers.say_rest(turn.user, earliest, ends).await;
                }
            }
            Some(said) => {
                // a turn that sees the marker as it was waits just as well
                if self.is_held && earliest > self.parts.tick.clock().now() {
                    markers
                        .say_rest(turn.user, earliest, said.marker.until)
                        .await;
                } else {
                    markers.unsay(said).await;
                }
            }
        }
    }

    /// The end of the slot that an instant lies in.
    fn slot_end(&self, at: Timestamp) -> Timestamp {
        let slots = self.parts.tick.slots();
        slots.end(slots.of(at))
    }
}
