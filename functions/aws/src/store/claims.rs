//! Claims: the first execution of a tick that asks has it. One write unit each, and no read.

use std::time::Duration;

use traffic::ports::{StoreError, WakeUp};
use traffic::record::Shard;

use super::item::{Item, WRITER, number};
use super::table::{Condition, Table};

/// A wake-up that comes later than this after its slot finds no claim; it has been of no use since
/// half a minute after its slot.
const KEPT: Duration = Duration::from_secs(5 * 60);

/// The claims of one slot have keys of their own, and so many to a key as write records to one.
pub(super) async fn claim(table: &Table, tick: &WakeUp, writer: u64) -> Result<bool, StoreError> {
    let (run, slot, shard) = (&tick.run, tick.slot, Shard::of(tick.block).0);
    let (class, block) = (&tick.class, tick.block.0);
    let item = Item::new(
        format!("claims#{run}#{slot}#{shard}"),
        format!("{block}#{class}"),
    );
    let item = item
        .number(WRITER, writer)
        .expires_at(slot.plus(1).full_second() + KEPT);
    let unclaimed = Condition::new("attribute_not_exists(pk) OR writer = :writer")
        .with(":writer", number(writer));
    match table.put_if("claim a tick", item, unclaimed).await {
        Ok(_) => Ok(true),
        Err(StoreError::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}
