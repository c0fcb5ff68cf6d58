//! The slot up to which the fan-out has planned a run: one conditional write moves it on.

use std::time::Duration;

use traffic::clock::Slot;
use traffic::ports::StoreError;
use traffic::run::RunId;

use super::item::{Item, WRITER, number, run_partition};
use super::table::{Condition, Table};

const PLANNED: &str = "planned";

/// The first slot that is not planned.
const PLANNED_UNTIL: &str = "planned_until";

pub(super) async fn get(table: &Table, run: &RunId) -> Result<Option<Slot>, StoreError> {
    let item = table
        .get("read how far is planned", run_partition(run), PLANNED)
        .await?;
    let slot = item.map(|item| item.read_number(PLANNED_UNTIL).map(Slot));
    slot.transpose()
}

/// `writer` is this call's own: who asks again after a lost answer is not taken for somebody else,
/// and what it planned is sent.
pub(super) async fn advance(
    table: &Table,
    run: &RunId,
    (from, to): (Option<Slot>, Slot),
    retention: Duration,
    writer: u64,
) -> Result<bool, StoreError> {
    let item = Item::new(run_partition(run), PLANNED)
        .number(PLANNED_UNTIL, to.0)
        .number(WRITER, writer)
        .expires_at(to.full_second() + retention);
    let condition = match from {
        None => Condition::new("attribute_not_exists(pk) OR writer = :writer"),
        Some(from) => Condition::new("planned_until = :from OR writer = :writer")
            .with(":from", number(from.0)),
    };
    let condition = condition.with(":writer", number(writer));
    match table
        .put_if("move on what is planned", item, condition)
        .await
    {
        Ok(_) => Ok(true),
        Err(StoreError::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}
