//! A bucket that writes may still reach, as far as it was read.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use traffic::clock::Slot;
use traffic::ports::Cursor;
use traffic::record::{Block, IterationEntry, RecordKey};

use crate::ageing_series::AgeingSeries;
use crate::ledger::lateness::Lateness;
use crate::ledger::past::Booked;
use crate::ledger::plan_match::PlanMatch;
use crate::stats::Stats;

#[derive(Debug)]
pub(super) struct OpenBucket {
    /// The place to read on from.
    pub(super) cursor: Option<Cursor>,
    pub(super) stats: Stats,
    /// What it holds of parts that a reset has ended, by number.
    pub(super) parts: BTreeMap<u32, Stats>,
    /// The entries of its records, compared with the plan; kept until the bucket is sealed.
    pub(super) noted: Vec<PlanMatch>,
    /// Entries of slots that have not ended.
    pub(super) early: Vec<Early>,
    /// By class number: all together, and by the slot that was due.
    pub(super) lateness: BTreeMap<usize, (Lateness, AgeingSeries<Booked>)>,
    /// Records that cannot be read.
    pub(super) unreadable: u64,
    seen: HashSet<Seen>,
}

/// The entries of a record whose slot has not ended.
#[derive(Debug)]
pub(super) struct Early {
    pub(super) key: RecordKey,
    pub(super) entries: Vec<IterationEntry>,
}

/// A record's key within its run and bucket.
type Seen = (Arc<str>, Block, Slot, u64, u32);

impl OpenBucket {
    /// Nothing read yet; `stats` are empty.
    pub(super) fn new(stats: Stats) -> Self {
        Self {
            cursor: None,
            stats,
            parts: BTreeMap::new(),
            noted: Vec::new(),
            early: Vec::new(),
            lateness: BTreeMap::new(),
            unreadable: 0,
            seen: HashSet::new(),
        }
    }

    /// True the first time a record is seen; `class` is the name in its key.
    pub(super) fn is_new(&mut self, key: &RecordKey, class: Arc<str>) -> bool {
        self.seen
            .insert((class, key.block, key.slot, key.writer, key.sequence))
    }
}
