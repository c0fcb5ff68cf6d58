//! Runs: all under one partition key by their names, so the newest is the last.
//!
//! A run that has no end stays; one that has ended expires when its records have.

use std::time::Duration;

use traffic::clock::Timestamp;
use traffic::ports::StoreError;
use traffic::run::{Run, RunId};

use super::item::{Item, WRITER, number};
use super::table::{Condition, Range, Table};

pub(super) const RUNS: &str = "runs";

const REVISION: &str = "revision";

const BODY: &str = "body";

/// Names are read so many at a time.
const MAX_PAGE: usize = 100;

pub(super) async fn put(
    table: &Table,
    run: &Run,
    retention: Duration,
    writer: u64,
) -> Result<(), StoreError> {
    let previous = run.revision.checked_sub(1).ok_or(StoreError::Conflict)?;
    let body = serde_json::to_string(run).expect("a run has nothing that JSON cannot say");
    let mut item = Item::new(RUNS, &*run.id.0)
        .number(REVISION, run.revision)
        .number(WRITER, writer);
    if let Some(end) = run.ends() {
        item = item.expires_at(end + retention);
    }
    let item = item.packing_text(BODY, &body);
    table
        .put_if("write the run", item, follows(previous, writer))
        .await?;
    Ok(())
}

/// Holds where revision `previous` is stored, or nothing if that is 0; and where this very write was
/// already made, but its answer lost.
pub(super) fn follows(previous: u64, writer: u64) -> Condition {
    let condition = if previous == 0 {
        Condition::new("attribute_not_exists(pk) OR writer = :writer")
    } else {
        Condition::new("revision = :previous OR writer = :writer")
            .with(":previous", number(previous))
    };
    condition.with(":writer", number(writer))
}

pub(super) async fn get(
    table: &Table,
    id: &RunId,
    now: Timestamp,
) -> Result<Option<Run>, StoreError> {
    let item = table.get("read the run", RUNS, &*id.0).await?;
    let item = item.filter(|item| item.is_live(now));
    item.map(parse).transpose()
}

pub(super) async fn latest(table: &Table, now: Timestamp) -> Result<Option<Run>, StoreError> {
    let newest = newest(table, None, 1, now).await?;
    newest.into_iter().next().map(parse).transpose()
}

pub(super) async fn ids(
    table: &Table,
    before: Option<&RunId>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<RunId>, StoreError> {
    let items = newest(table, before, limit, now).await?;
    let ids = items
        .iter()
        .map(|item| Ok(RunId(item.read_text("sk")?.to_owned())));
    ids.collect()
}

/// Up to `limit` runs that have not expired, newest first; with `before`, only older ones.
async fn newest(
    table: &Table,
    before: Option<&RunId>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Item>, StoreError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let range = Range {
        pk: RUNS.into(),
        from: None,
        before: before.map(|before| before.0.clone()),
        descending: true,
        limit: Some(limit.min(MAX_PAGE)),
    };
    let mut newest = Vec::new();
    let mut next = None;
    loop {
        let page = table.page("read the runs", &range, next).await?;
        newest.extend(page.items.into_iter().filter(|item| item.is_live(now)));
        if newest.len() >= limit || page.next.is_none() {
            newest.truncate(limit);
            return Ok(newest);
        }
        next = page.next;
    }
}

fn parse(mut item: Item) -> Result<Run, StoreError> {
    let body = item.unpack_text(BODY)?;
    serde_json::from_str(&body).map_err(|error| StoreError::Corrupt(error.into()))
}
