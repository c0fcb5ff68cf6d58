//! The in-flight markers: in memory, because the iterations they speak of die with the process.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use traffic::clock::Timestamp;
use traffic::ports::Marker;
use traffic::record::Block;
use traffic::run::RunId;

/// A marker that nobody took back is forgotten this long after its deadline.
const KEPT: Duration = Duration::from_secs(60);

/// Which users of a block are busy.
#[derive(Debug, Default)]
pub(super) struct Markers(Mutex<HashMap<(RunId, String, Block), Vec<Marker>>>);

impl Markers {
    /// Replaces the marker of the same user, and forgets the block's dead ones.
    pub(super) fn put(&self, marker: &Marker, now: Timestamp) {
        let mut blocks = self.lock();
        let markers = blocks.entry(key(marker)).or_default();
        markers.retain(|kept| kept.user != marker.user && kept.until + KEPT > now);
        markers.push(marker.clone());
    }

    /// Takes a marker back, unless another writer has replaced it.
    pub(super) fn clear(&self, marker: &Marker) {
        let key = key(marker);
        let mut blocks = self.lock();
        let Some(markers) = blocks.get_mut(&key) else {
            return;
        };
        markers.retain(|kept| kept.user != marker.user || kept.writer != marker.writer);
        if markers.is_empty() {
            blocks.remove(&key);
        }
    }

    /// The markers of a block.
    pub(super) fn of(&self, run: &RunId, class: &str, block: Block) -> Vec<Marker> {
        let key = (run.clone(), class.to_owned(), block);
        self.lock().get(&key).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(RunId, String, Block), Vec<Marker>>> {
        self.0.lock()
    }
}

fn key(marker: &Marker) -> (RunId, String, Block) {
    (marker.run.clone(), marker.class.clone(), marker.block)
}
