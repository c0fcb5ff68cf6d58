//! What gets into a snapshot's statistics, and when.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use traffic::clock::Timestamp;
use traffic::ports::{RecordStore as _, RunStore as _};
use traffic::record::wire::Contents;
use traffic::record::{ExceptionEntry, Fate};

use super::reference;
use super::scene::{Class, START, Scene, assert_adds_up};

const TEN: &[Class<'static>] = &[("Ten", "constant_pacing(1)", 10, 10)];

#[tokio::test(start_paused = true)]
async fn callers_at_the_same_time_share_one_reading() {
    let scene = Scene::new(TEN, 100).await;
    scene.at(35.5).await;
    scene.write_all_done(35).await;
    let reader = scene.reader();
    reader.snapshot().await.unwrap();
    let once = scene.store.count("records");
    scene.store.forget_counts();
    scene.at(36.0).await;
    let snapshots = join_all((0..100).map(|_| reader.snapshot())).await;
    assert!(
        snapshots
            .iter()
            .all(|one| one.as_ref().unwrap().ledger.total.recorded == 350)
    );
    assert_eq!(scene.store.count("records"), once);
    scene.at(36.2).await;
    assert_eq!(
        reader.snapshot().await.unwrap().at,
        START.full_second() + Duration::from_secs(36)
    );
    scene.at(36.3).await;
    assert_eq!(reader.snapshot().await.unwrap().at, scene.clock.now());
    // but for those who need to know it all
    scene.at(36.4).await;
    let anew = reader.snapshot_anew().await.unwrap();
    assert_eq!(anew.at, scene.clock.now());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_in_mid_reading_changes_nothing() {
    let scene = Scene::new(TEN, 100).await;
    scene.at(90.0).await;
    scene.write_all_done(90).await;
    let reader = scene.reader();
    for polls in 0..200 {
        // poll it so many times and drop it
        let mut reading = Box::pin(reader.snapshot());
        for _ in 0..polls {
            if futures_util::poll!(reading.as_mut()).is_ready() {
                break;
            }
        }
    }
    let snapshot = reader.snapshot().await.unwrap();
    assert_adds_up(&snapshot);
    assert_eq!(
        snapshot.ledger,
        scene.reader().snapshot().await.unwrap().ledger
    );
    let records = scene.store.inner.all_records();
    let expected = reference::stats(scene.run.plan.run(), &records);
    assert_eq!(snapshot.stats.encode(), expected.encode());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_needed_forty_seconds_is_counted() {
    let scene = Scene::new(TEN, 100).await;
    let reader = scene.reader();
    scene.at(3.0).await;
    scene.write_all_done(2).await;
    assert_eq!(reader.snapshot().await.unwrap().ledger.total.recorded, 20);
    scene.at(46.0).await;
    scene.write(&scene.all_done(START.plus(2))).await;
    scene.at(300.0).await;
    for reader in [reader, scene.reader()] {
        let snapshot = reader.snapshot().await.unwrap();
        assert_eq!(snapshot.ledger.total.recorded, 30);
        assert_eq!(snapshot.stats.report(snapshot.at).total.num_requests, 30);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_reported_and_takes_nothing_else_down() {
    let scene = Scene::new(TEN, 20).await;
    scene.at(5.0).await;
    let mut records = scene.records(&scene.all_done(START));
    for (number, payload) in [&b""[..], b"\x07", b"\x01\xff\xff"].into_iter().enumerate() {
        let mut broken = records[0].clone();
        broken.key.writer = 100 + number as u64;
        broken.payload = bytes::Bytes::copy_from_slice(payload);
        records.push(broken);
    }
    for record in records {
        scene.store.put_record(record).await.unwrap();
    }
    let reader = scene.reader();
    for seconds in [5.5, 50.0, 200.0] {
        scene.at(seconds).await;
        for snapshot in [reader.snapshot().await, scene.reader().snapshot().await] {
            let snapshot = snapshot.unwrap();
            assert_eq!(snapshot.ledger.unreadable_records, 3, "at {seconds} s");
            assert_eq!(snapshot.ledger.total.recorded, 10);
            assert_eq!(snapshot.stats.report(snapshot.at).total.num_requests, 10);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_evaluated_is_in_the_snapshot() {
    let scene = Scene::new(TEN, 20).await;
    scene.at(1.0).await;
    let told = scene.all_done(START);
    let mut record = scene.records(&told).remove(0);
    let exception = |count| ExceptionEntry {
        message: "no such field".into(),
        traceback: "file, line 3".into(),
        count,
    };
    let mut contents = Contents {
        exceptions: vec![exception(3)],
        ..Contents::default()
    };
    record.payload = contents.encode(START);
    scene.store.put_record(record).await.unwrap();
    let snapshot = scene.reader().snapshot().await.unwrap();
    let exceptions: Vec<_> = snapshot.exceptions().collect();
    assert_eq!(exceptions, [("no such field", "file, line 3", 3)]);
}

async fn reset(scene: &Scene, revision: u64) -> Timestamp {
    let mut run = scene.store.inner.latest_run().await.unwrap().unwrap();
    run.revision = revision;
    run.reset_at = Some(scene.clock.now());
    scene.store.put_run(&run).await.unwrap();
    scene.clock.now()
}

#[tokio::test(start_paused = true)]
async fn a_reset_counts_what_is_completed_from_then_on_and_leaves_the_ledger_alone() {
    let scene = Scene::new(&[("Quick", "constant_pacing(0.25)", 10, 10)], 151).await;
    let reader = scene.reader();
    scene.at(150.0).await;
    scene.write_all_done(150).await;
    assert_eq!(
        reader.snapshot().await.unwrap().ledger.total.recorded,
        6_000
    );
    scene.at(150.4).await;
    let at = reset(&scene, 2).await;
    scene.at(151.5).await;
    let last = scene.all_done(START.plus(150));
    scene.write(&last).await;
    let after = last.iter().filter(|told| told.at >= at).count() as u64;
    assert_eq!(
        (after, last.len()),
        (20, 40),
        "the reset lies within a record"
    );
    // also when all of it is folded, by whoever
    for minute in [0.0, 3.0, 4.0, 5.0, 60.0] {
        scene.at(151.6 + minute * 60.0).await;
        for reader in [&reader, &scene.reader()] {
            let snapshot = reader.snapshot().await.unwrap();
            assert_adds_up(&snapshot);
            let report = snapshot.stats.report(snapshot.at);
            assert_eq!(report.start_time, at);
            assert_eq!(report.total.num_requests, after);
            assert_eq!(report.rows.len(), 7, "rows stay with zeros");
            assert_eq!(snapshot.ledger.total.recorded, 6_040);
        }
        reader.fold_sealed().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_finished_run_can_be_reset_too() {
    let scene = Scene::new(TEN, 10).await;
    scene.at(10.0).await;
    scene.write_all_done(10).await;
    scene.at(1_000.0).await;
    let reader = scene.reader();
    reader.fold_sealed().await.unwrap();
    assert_eq!(
        reader
            .snapshot()
            .await
            .unwrap()
            .stats
            .report(scene.clock.now())
            .total
            .num_requests,
        100
    );
    reset(&scene, 2).await;
    scene.at(1_001.0).await;
    for reader in [reader, scene.reader()] {
        let snapshot = reader.snapshot().await.unwrap();
        let report = snapshot.stats.report(snapshot.at);
        assert_eq!((report.total.num_requests, report.rows.len()), (0, 7));
        assert_eq!(snapshot.ledger.total.recorded, 100);
    }
}

#[tokio::test(start_paused = true)]
async fn pages_in_any_order_and_read_again_and_again_say_the_same() {
    let scene = Scene::new(TEN, 100).await;
    scene.store.repeat_pages(true);
    let reader = scene.reader();
    for second in 1..=200_u64 {
        scene.at(second as f64).await;
        if second <= 100 {
            let mut told = scene.all_done(START.plus(second - 1));
            told[(second % 10) as usize].fate = Fate::Skipped;
            scene.write(&told).await;
        }
        let snapshot = reader.snapshot().await.unwrap();
        assert_adds_up(&snapshot);
        assert_eq!(snapshot.ledger.total.skipped, second.min(100));
        assert_eq!(snapshot.ledger.total.duplicates, 0);
    }
    let snapshot = reader.snapshot().await.unwrap();
    let records = scene.store.inner.all_records();
    let expected = reference::stats(scene.run.plan.run(), &records);
    assert_eq!(snapshot.stats.encode(), expected.encode());
    assert!(Arc::ptr_eq(
        &snapshot.stats,
        &reader.snapshot().await.unwrap().stats
    ));
}
