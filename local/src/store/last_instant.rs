//! The latest instant at which a process was at work on the database, from what it wrote.
//!
//! The wall clock may have been set back since. The instant is never too late; it is too early by the moments in
//! which nothing was written.

use std::time::Duration;

use traffic::clock::{Slot, Timestamp};
use traffic::run::Run;

use super::database::Database;

/// The longest time that `planned_until` is ahead: the end of the next minute, and a slot for each change in it.
const PLAN_REACHES: Duration = Duration::from_secs(180);

/// The instant, if there is any run.
pub(super) fn of(database: &mut Database) -> rusqlite::Result<Option<Timestamp>> {
    let Some(run) = database.latest_run()? else {
        return Ok(None);
    };
    let planned = database.planned_until(&run.id)?.map(Slot::full_second);
    let recorded = database.last_recorded_slot(&run.id)?.map(Slot::full_second);
    let instants = [
        planned.map(|until| until - PLAN_REACHES),
        recorded,
        Some(by_changes(&run)),
    ];
    Ok(instants.into_iter().flatten().max())
}

/// The instant of the last change that the run shows. The later stages of a load shape do not count: they were
/// written long before they begin.
fn by_changes(run: &Run) -> Timestamp {
    let asked_for = run.segments.windows(2).filter(|pair| {
        let goes_on = pair[0].shape.is_some() && pair[1].shape.is_some();
        !goes_on
    });
    let changed = asked_for.map(|pair| pair[1].from);
    // segments were folded into `past` while the first of the others was on
    let folded = run.past.as_ref().map(|_| run.kept_from());
    let changed = changed.chain(folded).chain(run.stopped_at).max();
    let instants = [Some(run.created_at), run.reset_at, changed];
    instants.into_iter().flatten().max().unwrap_or_default()
}
