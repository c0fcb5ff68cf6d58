//! Workloads by their versions, and which of them new runs are pinned to. They stay: a run may be
//! pinned to any, and they are few.
//!
//! One that brings files along may be larger than an item: it lies in parts then, which are all there before the item
//! that counts them. A version never changes, so whoever finds that item finds all of it.

use traffic::ports::StoreError;

use super::error::MAX_ITEM;
use super::item::Item;
use super::packed::{PACKED, pack, unpack};
use super::table::Table;

const WORKLOADS: &str = "workloads";

const SOURCE: &str = "source";

const SETTINGS: &str = "settings";

const CHOSEN: &str = "chosen workload";

const VERSION: &str = "version";

/// The number of parts, if the text is not in the item itself.
const PARTS: &str = "parts";

/// Bytes of a text that fit in an item beside everything else.
const MAX_BODY: usize = MAX_ITEM - 1024;

const WRITING: &str = "keep the workload";

const READING: &str = "read the workload";

pub(super) async fn put(table: &Table, version: &str, source: &str) -> Result<(), StoreError> {
    let item = Item::new(WORKLOADS, version).packing_text(SOURCE, source);
    if item.size() <= MAX_BODY {
        return table.put(WRITING, item).await;
    }
    let packed = pack(source.as_bytes());
    let mut parts = 0_u32;
    // one after the other: together they would take more than a partition writes in a second
    for chunk in packed.chunks(MAX_BODY) {
        let part = Item::new(parts_of(version), part(parts)).bytes(PACKED, chunk);
        table.put(WRITING, part).await?;
        parts += 1;
    }
    let head = Item::new(WORKLOADS, version).number(PARTS, parts);
    table.put(WRITING, head).await
}

pub(super) async fn get(table: &Table, version: &str) -> Result<Option<String>, StoreError> {
    let item = table.get(READING, WORKLOADS, version).await?;
    match item {
        None => Ok(None),
        Some(head) if head.has(PARTS) => {
            let packed = get_parts(table, version, head.read_number(PARTS)?).await?;
            let text = String::from_utf8(unpack(&packed)?);
            text.map(Some)
                .map_err(|error| StoreError::Corrupt(error.into()))
        }
        Some(mut item) => item.unpack_text(SOURCE).map(Some),
    }
}

/// The parts of a text, in one piece.
async fn get_parts(table: &Table, version: &str, parts: u32) -> Result<Vec<u8>, StoreError> {
    let mut packed = Vec::new();
    for number in 0..parts {
        let found = table.get(READING, parts_of(version), part(number)).await?;
        let lost =
            || StoreError::Corrupt(format!("workload {version} has lost part {number}").into());
        packed.extend(found.ok_or_else(lost)?.take_bytes(PACKED)?);
    }
    Ok(packed)
}

fn parts_of(version: &str) -> String {
    format!("{WORKLOADS}#{version}")
}

fn part(number: u32) -> String {
    format!("part#{number}")
}

pub(super) async fn choose(table: &Table, version: &str) -> Result<(), StoreError> {
    let item = Item::new(SETTINGS, CHOSEN).text(VERSION, version);
    table.put("choose the workload", item).await
}

pub(super) async fn chosen(table: &Table) -> Result<Option<String>, StoreError> {
    let item = table
        .get("read which workload is chosen", SETTINGS, CHOSEN)
        .await?;
    let version = item.map(|item| item.read_text(VERSION).map(str::to_owned));
    version.transpose()
}
