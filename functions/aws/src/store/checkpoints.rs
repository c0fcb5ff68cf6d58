//! A run's checkpoint: one item, its head; and parts beside it if DynamoDB would not keep it in one.
//!
//! Parts have the nonce of the write in their keys, and are all there before the head that names
//! them: whoever finds a head finds the checkpoint that was written with it, or, if a newer one came
//! in between, that. The parts of the one before are deleted then; should that fail, they expire.

use bytes::Bytes;
use futures_util::future::try_join_all;
use traffic::clock::Timestamp;
use traffic::ports::{Checkpoint, StoreError};
use traffic::run::RunId;

use super::error::MAX_ITEM;
use super::item::{Item, WRITER, run_partition};
use super::packed::{PACKED, pack, unpack};
use super::runs::follows;
use super::table::Table;

const HEAD: &str = "checkpoint";

const REVISION: &str = "revision";

/// The number of parts, if the body is not in the head.
const PARTS: &str = "parts";

/// Bytes of a body that fit in an item beside everything else.
const MAX_BODY: usize = MAX_ITEM - 1024;

/// The most readings of a checkpoint whose parts are replaced while they are read.
const READ_ATTEMPTS: usize = 5;

const WRITING: &str = "write the checkpoint";

const READING: &str = "read the checkpoint";

/// Writes the checkpoint of the revision that follows the stored one. One write unit for each
/// kilobyte that is left after packing.
pub(super) async fn put(
    table: &Table,
    run: &RunId,
    checkpoint: &Checkpoint,
    expires_at: Timestamp,
    writer: u64,
) -> Result<(), StoreError> {
    let previous = checkpoint.revision.checked_sub(1);
    let previous = previous.ok_or(StoreError::Conflict)?;
    let head = Item::new(run_partition(run), HEAD)
        .number(REVISION, checkpoint.revision)
        .number(WRITER, writer)
        .expires_at(expires_at);
    let packed = pack(&checkpoint.body);
    let (head, parts) = if packed.len() <= MAX_BODY {
        (head.bytes(PACKED, packed), 0)
    } else {
        let parts = put_parts(table, run, &packed, expires_at, writer).await?;
        (head.number(PARTS, parts), parts)
    };
    match table.put_if(WRITING, head, follows(previous, writer)).await {
        Ok(Some(before)) if before.read_number::<u64>(WRITER)? != writer && before.has(PARTS) => {
            let (writer, parts) = (before.read_number(WRITER)?, before.read_number(PARTS)?);
            delete_parts(table, run, writer, parts).await;
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(error) => {
            if matches!(error, StoreError::Conflict) {
                delete_parts(table, run, writer, parts).await;
            }
            Err(error)
        }
    }
}

/// Reads the checkpoint.
pub(super) async fn get(
    table: &Table,
    run: &RunId,
    now: Timestamp,
) -> Result<Option<Checkpoint>, StoreError> {
    let mut torn = None;
    for _ in 0..READ_ATTEMPTS {
        let head = table.get(READING, run_partition(run), HEAD).await?;
        let Some(mut head) = head.filter(|head| head.is_live(now)) else {
            return Ok(None);
        };
        let revision = head.read_number(REVISION)?;
        if torn == Some(revision) {
            break;
        }
        let packed = if head.has(PARTS) {
            let (writer, parts) = (head.read_number(WRITER)?, head.read_number(PARTS)?);
            get_parts(table, run, writer, parts).await?
        } else {
            Some(head.take_bytes(PACKED)?)
        };
        if let Some(packed) = packed {
            let body = unpack(&packed)?.into();
            return Ok(Some(Checkpoint { revision, body }));
        }
        torn = Some(revision);
    }
    let text = format!("the checkpoint of run {run} has lost a part, or changes too fast");
    Err(StoreError::Unavailable(text.into()))
}

async fn put_parts(
    table: &Table,
    run: &RunId,
    packed: &[u8],
    expires_at: Timestamp,
    writer: u64,
) -> Result<u32, StoreError> {
    let chunks = packed.chunks(MAX_BODY).zip(0..);
    let writes = chunks.map(|(chunk, number)| {
        let item = Item::new(run_partition(run), part(writer, number));
        table.put(WRITING, item.bytes(PACKED, chunk).expires_at(expires_at))
    });
    let written = try_join_all(writes).await?;
    Ok(written.len() as u32)
}

/// The parts of a checkpoint, in one piece; none if one of them is gone.
async fn get_parts(
    table: &Table,
    run: &RunId,
    writer: u64,
    parts: u32,
) -> Result<Option<Bytes>, StoreError> {
    let reads =
        (0..parts).map(|number| table.get(READING, run_partition(run), part(writer, number)));
    let mut packed = Vec::new();
    for item in try_join_all(reads).await? {
        let Some(mut item) = item else {
            return Ok(None);
        };
        packed.extend(item.take_bytes(PACKED)?);
    }
    Ok(Some(packed.into()))
}

/// Deletes parts that nobody needs any more; what stays expires.
async fn delete_parts(table: &Table, run: &RunId, writer: u64, parts: u32) {
    let deletes = (0..parts).map(|number| {
        let key = (run_partition(run), part(writer, number));
        table.delete("delete an old checkpoint", key, None)
    });
    if let Err(error) = try_join_all(deletes).await {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, %run, "parts of an old checkpoint stay until they expire");
    }
}

fn part(writer: u64, number: u32) -> String {
    format!("{HEAD}#{writer:016x}#{number}")
}
