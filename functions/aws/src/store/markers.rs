//! In-flight markers: the users of a block that are busy, under one partition key.

use std::time::Duration;

use traffic::clock::Timestamp;
use traffic::ports::{Marker, StoreError};
use traffic::record::Block;
use traffic::run::RunId;

use super::item::{Item, WRITER, number};
use super::table::{Condition, Range, Table};

const USER: &str = "user";

/// The deadline, in microseconds since the Unix epoch.
const UNTIL: &str = "until";

/// A marker is kept so much longer than it holds: clocks differ.
const KEPT: Duration = Duration::from_secs(60);

pub(super) async fn put(table: &Table, marker: &Marker) -> Result<(), StoreError> {
    let (pk, sk) = key(marker);
    let item = Item::new(pk, sk)
        .number(USER, marker.user)
        .number(UNTIL, marker.until.micros())
        .number(WRITER, marker.writer)
        .expires_at(marker.until + KEPT);
    table.put("mark a user as busy", item).await
}

pub(super) async fn clear(table: &Table, marker: &Marker) -> Result<(), StoreError> {
    let is_mine = Condition::new("writer = :writer").with(":writer", number(marker.writer));
    table
        .delete("take a marker back", key(marker), Some(is_mine))
        .await
}

pub(super) async fn of_block(
    table: &Table,
    run: &RunId,
    class: &str,
    block: Block,
    now: Timestamp,
) -> Result<Vec<Marker>, StoreError> {
    let range = Range {
        pk: partition(run, class, block),
        from: None,
        before: None,
        descending: false,
        limit: None,
    };
    let items = table.query("read who is busy", range).await?;
    let live = items.iter().filter(|item| item.is_live(now));
    let markers = live.map(|item| {
        Ok(Marker {
            run: run.clone(),
            class: class.to_owned(),
            block,
            user: item.read_number(USER)?,
            writer: item.read_number(WRITER)?,
            until: Timestamp::from_micros(item.read_number(UNTIL)?),
        })
    });
    markers.collect()
}

fn key(marker: &Marker) -> (String, String) {
    let pk = partition(&marker.run, &marker.class, marker.block);
    (pk, format!("{:010}", marker.user))
}

/// The class comes last: it may hold any character.
fn partition(run: &RunId, class: &str, Block(block): Block) -> String {
    format!("markers#{run}#{block}#{class}")
}
