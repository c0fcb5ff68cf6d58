//! Turns: how a user under `constant` loops, from one slot into the next.
//!
//! Within a process a user's turns wait for one another, each taking over where the one before left
//! off, response and rest included. Between processes they follow one another by markers:
//!
//! - A turn reads the markers once, at its beginning. Who is marked until later in the turn waits for
//!   that; who is marked beyond it has its turn elsewhere, or rests.
//! - Nothing starts in a turn's last [`GAP`](super::marker_rules::GAP). What is still running [`ARRIVES`](super::marker_rules::ARRIVES) before its end is marked,
//!   and arrives before the next turn reads: responses within 75 ms never are. Then the process holds the
//!   user: it goes on with the user's turns in the next slots, by the run as it is then, and lets go when
//!   the user is between iterations at a turn's end, or after `HOLDS` at the end of an iteration.
//! - A rest beyond the turn's end is written at once, as a marker until then, and never taken back.
//!
//! So turns cost a read each, a write per rest that outlasts its slot, and two writes for each time that a
//! user is held. The price in traffic is the gap: users who never wait do 15 % fewer iterations than in one
//! process, and a user released in mid-slot starts again in the next slot.

use std::sync::Arc;
use std::time::Duration;

use super::agenda::Copies;
use super::parts::Parts;
use crate::iteration::Sender;
use crate::plan::Due;
use crate::ports::TickStore;
use crate::record::Fate;
use crate::transport::Transport;

mod held;

pub(super) use held::among_processes;

/// A user's turn where all turns share a process: it loops until the turn ends, each time after
/// the response. A change to the run may end it earlier or later.
pub(super) async fn in_one_process<S: TickStore, T: Transport>(
    parts: Arc<Parts<S, T>>,
    mut item: Due,
    rest: Duration,
    mut sender: Arc<Sender>,
    mut copies: Copies,
) -> bool {
    let (tick, sending) = (&parts.tick, &parts.sending);
    let turn = parts.users.turn(item.user);
    let clock = tick.clock();
    let mut fate = Fate::Done;
    // the turn before may still be in a response: then this one is for waiting
    let mut taken = None;
    tokio::select! {
        biased;
        guard = turn.lock_owned() => taken = Some(guard),
        () = turn_over(&parts, &mut item, &mut copies) => {}
    }
    if let Some(mut earliest) = taken {
        let _busy = parts.users.start(item.user);
        let mut iteration = item.iteration;
        if !Arc::ptr_eq(&copies.borrow(), &tick.run) {
            copies.mark_changed();
        }
        loop {
            let now = tick.runs.certain_now().await;
            if copies.has_changed().unwrap_or(false) {
                follow_change(&parts, &mut item, &mut copies);
                let run = Arc::clone(&copies.borrow());
                let Some(changed) = sending.sender_at(&run, now) else {
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
            let sent = (sending.iteration(&sender, item.user, iteration, None)).await;
            if sent.is_none() && iteration == item.iteration {
                // nothing of the turn was sent: it is missing
                return false;
            }
            fate = sent.unwrap_or(Fate::CutOff);
            if fate == Fate::CutOff {
                break;
            }
            iteration += 1;
            *earliest = clock.now() + rest;
            // a response that is there at once must not keep the other users from their turn
            tokio::task::consume_budget().await;
        }
    }
    tick.journal.iteration(item.user, item.ordinal, fate);
    true
}

/// Returns when a turn is over, whatever is changed meanwhile.
async fn turn_over<S: TickStore, T>(parts: &Parts<S, T>, item: &mut Due, copies: &mut Copies) {
    loop {
        tokio::select! {
            () = parts.tick.clock().sleep_until(item.until) => return,
            Ok(()) = copies.changed() => follow_change(parts, item, copies),
        }
    }
}

/// Asks the run as it is now until when a turn lasts.
fn follow_change<S: TickStore, T>(parts: &Parts<S, T>, item: &mut Due, copies: &mut Copies) {
    let run = Arc::clone(&copies.borrow_and_update());
    let tick = &parts.tick;
    let due = (run.plan).due_of_user(tick.class, item.user, tick.slot());
    let turn = due.into_iter().find(|due| due.iteration == item.iteration);
    item.until = turn.map_or(item.at, |turn| turn.until);
}
