//! The in-flight markers: in memory, because the iterations that they belong to die with the process.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use traffic::clock::Timestamp;
use traffic::ports::Marker;
use traffic::record::Block;
use traffic::run::RunId;

/// The time from its deadline after which a marker that was not cleared is forgotten.
const KEPT: Duration = Duration::from_secs(60);

/// The busy users of each block.
#[derive(Debug, Default)]
pub(super) struct Markers(Mutex<HashMap<(RunId, String, Block), Vec<Marker>>>);

impl Markers {
    /// Replaces the marker of the same user, and forgets the block's dead ones.
    pub(super) fn put(&self, marker: &Marker, now: Timestamp) {
        let mut blocks = self.0.lock();
        let markers = blocks.entry(key(marker)).or_default();
        markers.retain(|kept| kept.user != marker.user && kept.until + KEPT > now);
        markers.push(marker.clone());
    }

    /// Removes a marker, unless another writer has replaced it.
    pub(super) fn clear(&self, marker: &Marker) {
        let key = key(marker);
        let mut blocks = self.0.lock();
        let Some(markers) = blocks.get_mut(&key) else {
            return;
        };
        markers.retain(|kept| kept.user != marker.user || kept.writer != marker.writer);
        if markers.is_empty() {
            blocks.remove(&key);
        }
    }

    pub(super) fn of(&self, run: &RunId, class: &str, block: Block) -> Vec<Marker> {
        let key = (run.clone(), class.to_owned(), block);
        self.0.lock().get(&key).cloned().unwrap_or_default()
    }
}

fn key(marker: &Marker) -> (RunId, String, Block) {
    (marker.run.clone(), marker.class.clone(), marker.block)
}
