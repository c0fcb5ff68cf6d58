//! The claims of ticks: in memory, because all ticks of a database share one process.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use traffic::clock::{Slot, Timestamp};
use traffic::ports::WakeUp;

/// The seconds from its slot that a claim is remembered.
const REMEMBERED: u64 = 120;

/// The execution that has claimed each tick.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<BTreeMap<(Slot, WakeUp), u64>>);

impl Claims {
    /// Claims a tick; true for the first writer, also if it claims again. Forgets old claims.
    pub(super) fn claim(&self, tick: &WakeUp, writer: u64, now: Timestamp) -> bool {
        let mut claims = self.0.lock();
        let old = now.full_second().minus(REMEMBERED);
        while let Some(oldest) = claims.first_entry().filter(|oldest| oldest.key().0 < old) {
            oldest.remove();
        }
        *claims.entry((tick.slot, tick.clone())).or_insert(writer) == writer
    }
}
