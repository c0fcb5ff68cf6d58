//! Rows that wait to be written, and the counts of all that there were.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::row::Row;

/// The most rows that wait; some 20 MB.
pub(super) const MOST: usize = 50_000;

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) rows: Mutex<Vec<Row>>,
    /// Rows that there were, dropped ones with them.
    pub(super) told: AtomicU64,
    pub(super) written: AtomicU64,
}

impl Queue {
    /// False if there is no room.
    pub(super) fn put(&self, row: Row) -> bool {
        self.told.fetch_add(1, Ordering::Relaxed);
        let mut rows = self.rows.lock();
        let has_room = rows.len() < MOST;
        if has_room {
            rows.push(row);
        }
        has_room
    }

    /// All that wait.
    pub(super) fn take(&self) -> Vec<Row> {
        std::mem::take(&mut self.rows.lock())
    }
}
