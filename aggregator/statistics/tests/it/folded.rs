//! Statistics of outcomes, by way of records.

use statistics::stats::Stats;
use traffic::clock::{Slot, Timestamp};
use traffic::record::wire::{Contents, Decoded};
use traffic::record::{Bucket, Outcome};

/// The statistics since an instant of records of one slot, each with a part of the outcomes.
pub(crate) fn folded(slot: Slot, since: Timestamp, parts: &[&[Outcome]]) -> Stats {
    let mut stats = Stats::new(since);
    for part in parts {
        let mut contents = Contents {
            outcomes: part.to_vec(),
            ..Contents::default()
        };
        let payload = contents.encode(slot);
        let decoded = Decoded::read(&payload, slot).unwrap();
        stats.fold(Bucket::of(slot.full_second()), &decoded);
    }
    stats
}
