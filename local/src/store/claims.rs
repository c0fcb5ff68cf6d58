//! The claims of ticks: in memory, because all ticks of a database share one process.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use traffic::clock::{Slot, Timestamp};
use traffic::ports::WakeUp;

/// A claim is remembered this many seconds from its slot.
const REMEMBERED: u64 = 120;

/// Which execution has a tick.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<BTreeMap<(Slot, WakeUp), u64>>);

impl Claims {
    /// Claims a tick; true for the first writer, and for it again. Forgets what is old.
    pub(super) fn claim(&self, tick: &WakeUp, writer: u64, now: Timestamp) -> bool {
        let mut claims = self.0.lock();
        let old = now.full_second().minus(REMEMBERED);
        while claims
            .first_key_value()
            .is_some_and(|((slot, _), _)| *slot < old)
        {
            claims.pop_first();
        }
        *claims.entry((tick.slot, tick.clone())).or_insert(writer) == writer
    }
}
