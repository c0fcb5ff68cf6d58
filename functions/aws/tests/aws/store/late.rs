//! Reading on finds every record, however late it arrives and whatever the clocks say.

use std::collections::BTreeSet;

use traffic::clock::{Clock, Timestamp};
use traffic::ports::{Cursor, RecordStore as _};
use traffic::record::Record;

use super::{NOW, Scene, record, run_id};
use crate::emulator::dynamodb_local;

/// A table, asked and written at instants that a test chooses, in seconds since [`NOW`].
struct Instants(Scene);

impl Instants {
    async fn new() -> Self {
        Self(Scene::on(dynamodb_local()).await)
    }

    async fn write(&self, at: i64, record: &Record) {
        let store = self.0.store_at(clock(at));
        store.put_record(record.clone()).await.unwrap();
    }

    async fn read(&self, at: i64, since: Option<Cursor>) -> (Vec<Record>, Cursor) {
        let store = self.0.store_at(clock(at));
        let bucket = record(0).key.bucket;
        let page = store.records(&run_id(), 1, bucket, since).await.unwrap();
        (page.records, page.cursor)
    }
}

fn clock(seconds: i64) -> Clock {
    let micros = NOW
        .full_second()
        .micros()
        .checked_add_signed(seconds * 1_000_000);
    Clock::following_tokio(Timestamp::from_micros(micros.unwrap()))
}

#[tokio::test]
async fn a_record_that_is_written_twenty_seconds_late_is_found() {
    let table = Instants::new().await;
    table.write(0, &record(1)).await;
    let (mut found, mut cursor) = table.read(1, None).await;
    assert_eq!(found, [record(1)]);
    for at in (3..20).step_by(2) {
        (_, cursor) = table.read(at, Some(cursor)).await;
    }
    // as the journal does it when the store was away: the first try may have arrived all the same
    table.write(20, &record(2)).await;
    (found, _) = table.read(21, Some(cursor)).await;
    assert_eq!(found, [record(2)]);
}

#[tokio::test]
async fn a_write_that_takes_as_long_as_it_may_is_found() {
    let table = Instants::new().await;
    let (_, cursor) = table.read(30, None).await;
    // begun 14 s before that read by its writer's clock, and seen by nobody until after it
    table.write(16, &record(1)).await;
    let (found, cursor) = table.read(32, Some(cursor)).await;
    assert_eq!(found, [record(1)]);
    // there it stays for as long again, and no longer: a poll costs what is new
    assert_eq!(table.read(33, Some(cursor)).await.0, []);
}

#[tokio::test]
async fn a_write_that_is_tried_again_is_one_record_in_a_page() {
    let table = Instants::new().await;
    for at in [0, 5, 11] {
        table.write(at, &record(1)).await;
    }
    assert_eq!(table.0.items().await.len(), 3);
    let (found, _) = table.read(12, None).await;
    assert_eq!(found, [record(1)]);
}

#[tokio::test]
async fn a_writer_whose_clock_is_before_the_bucket_is_found() {
    let table = Instants::new().await;
    let (_, cursor) = table.read(0, None).await;
    table.write(-60, &record(1)).await;
    assert_eq!(table.read(2, Some(cursor)).await.0, [record(1)]);
    assert_eq!(table.read(2, None).await.0, [record(1)]);
}

#[tokio::test]
async fn who_reads_on_beside_two_writers_with_clocks_apart_misses_neither() {
    let table = Instants::new().await;
    let (mut found, mut cursor) = (BTreeSet::new(), None);
    for step in 0..12 {
        // the reader's clock is between theirs
        table.write(step + 4, &record(2 * step as u32)).await;
        table.write(step - 4, &record(2 * step as u32 + 1)).await;
        let (page, next) = table.read(step, cursor).await;
        found.extend(page.into_iter().map(|record| record.key));
        cursor = Some(next);
        assert_eq!(found.len() as i64, 2 * (step + 1));
    }
}
