//! Checkpoints: a restart resumes, two readers agree, and nothing is dropped that was not folded.

use bytes::Bytes;
use proptest::prelude::*;
use statistics::reader::{Aggregation, AggregatorError, Snapshot};
use statistics::report::past::points;
use testing::{Calls, FaultyStore};
use traffic::clock::{Clock, Slot};
use traffic::ports::{
    Checkpoint, CheckpointStore as _, RecordStore as _, RunStore as _, StoreError,
};
use traffic::record::Bucket;

use super::scene::{Class, START, Scene, Told, assert_adds_up, figures, run, workload};

const TEN: &[Class<'static>] = &[("Ten", "constant_pacing(1)", 10, 10)];

/// A run of ten users is settled so many seconds after its end.
const SETTLED: f64 = 115.0;

async fn snapshot(reader: &Aggregation<FaultyStore>) -> Snapshot {
    let snapshot = reader.snapshot().await.unwrap();
    assert_adds_up(&snapshot);
    snapshot
}

fn assert_same(one: &Snapshot, other: &Snapshot) {
    assert_eq!(one.ledger, other.ledger);
    assert_eq!(one.ledger_past.history(), other.ledger_past.history());
    if one.at == other.at {
        assert_eq!(points(one), points(other));
    }
    assert_eq!(one.stats.encode(), other.stats.encode());
}

#[tokio::test(start_paused = true)]
async fn a_restart_resumes_at_the_checkpoint_and_says_the_same() {
    let scene = Scene::new(TEN, 400).await;
    let reader = scene.reader();
    for second in 1..=300_u64 {
        scene.at(second as f64).await;
        scene.write(&scene.all_done(START.plus(second - 1))).await;
        if second % 60 == 0 {
            reader.fold_sealed().await.unwrap();
        }
    }
    let before = snapshot(&reader).await;
    scene.store.forget_counts();
    let after = snapshot(&scene.reader()).await;
    assert_same(&before, &after);
    let read = scene.store.count("records");
    assert!(
        read <= 14,
        "{read} buckets read again: two minutes and no more"
    );
    // what is folded is not needed any more
    scene
        .store
        .expire_records(Bucket(Bucket::of(scene.clock.now()).0 - 13))
        .await
        .unwrap();
    assert_same(&before, &snapshot(&scene.reader()).await);
}

#[tokio::test(start_paused = true)]
async fn two_readers_that_take_turns_agree_at_every_instant() {
    let scene = Scene::new(TEN, 400).await;
    let readers = [scene.reader(), scene.reader()];
    for second in 1..=300_usize {
        scene.at(second as f64).await;
        let done = scene.all_done(START.plus(second as u64 - 1));
        scene.write(&done[second % 3..]).await;
        if second % 7 == 0 {
            readers[second % 2].snapshot().await.unwrap();
        }
        if second % 60 == 0 {
            let [one, other] = &readers;
            let folded = tokio::join!(one.fold_sealed(), other.fold_sealed());
            folded.0.unwrap();
            folded.1.unwrap();
            assert_same(&snapshot(one).await, &snapshot(other).await);
        }
    }
    assert_same(
        &snapshot(&readers[0]).await,
        &snapshot(&scene.reader()).await,
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_and_folded_is_never_read_again() {
    let scene = Scene::new(TEN, 30).await;
    scene.at(30.0).await;
    scene.write_all_done(29).await;
    scene.at(30.0 + SETTLED + 10.0).await;
    let reader = scene.reader();
    let before = snapshot(&reader).await;
    assert_eq!(figures(&before.ledger.total), [300, 290, 0, 10, 0, 0, 0]);
    reader.fold_sealed().await.unwrap();
    scene.store.forget_counts();
    let written = scene.store.count("put_checkpoint");
    for day in 1..4 {
        scene.at(f64::from(day) * 86_400.0).await;
        let fresh = scene.reader();
        assert_same(&before, &snapshot(&fresh).await);
        fresh.fold_sealed().await.unwrap();
        reader.fold_sealed().await.unwrap();
        assert_same(&before, &snapshot(&reader).await);
    }
    assert_eq!(scene.store.count("records"), 0);
    assert_eq!(scene.store.count("put_checkpoint"), written);
}

#[tokio::test(start_paused = true)]
async fn a_poll_writes_a_checkpoint_when_nobody_else_does() {
    let scene = Scene::new(TEN, 30).await;
    scene.at(30.0).await;
    scene.write_all_done(30).await;
    scene.at(30.0 + SETTLED + 10.0).await;
    let before = snapshot(&scene.reader()).await;
    scene
        .store
        .expire_records(Bucket::of(scene.clock.now()))
        .await
        .unwrap();
    assert_same(&before, &snapshot(&scene.reader()).await);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_written_is_still_read() {
    let scene = Scene::new(TEN, 30).await;
    scene.at(30.0).await;
    scene.write_all_done(30).await;
    scene.store.fail_with(Calls::Named("put_checkpoint"), || {
        StoreError::ReadOnly("for a test".into())
    });
    scene.at(200.0).await;
    let reader = scene.reader();
    assert_eq!(snapshot(&reader).await.ledger.total.recorded, 300);
    let error = reader.fold_sealed().await.unwrap_err();
    assert!(matches!(error, AggregatorError::Store(_)), "{error}");
    scene.store.recover();
    reader.fold_sealed().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_for_a_while_costs_nothing() {
    let scene = Scene::new(TEN, 400).await;
    let reader = scene.reader();
    scene.at(100.0).await;
    scene.write_all_done(100).await;
    snapshot(&reader).await;
    scene.store.fail(Calls::All);
    scene.at(102.0).await;
    assert!(reader.snapshot().await.is_err());
    assert!(reader.fold_sealed().await.is_err());
    scene.store.recover();
    assert_same(&snapshot(&reader).await, &snapshot(&scene.reader()).await);
}

#[tokio::test(start_paused = true)]
async fn records_are_dropped_an_hour_after_they_were_folded_and_not_before() {
    let scene = Scene::new(TEN, 10).await;
    scene.at(10.0).await;
    scene.write_all_done(10).await;
    let reader = scene.reader();
    for minute in 1..=60_u32 {
        scene.at(f64::from(minute) * 60.0).await;
        reader.fold_sealed().await.unwrap();
        let dropped = scene.store.expired_before().unwrap();
        assert!(dropped.start() + std::time::Duration::from_secs(3_600) <= scene.clock.now());
        let kept = scene.store.inner.all_records();
        assert!(
            kept.iter().all(|record| record.key.run.0 == "r1"),
            "minute {minute}"
        );
    }
    scene.at(3_700.0).await;
    reader.fold_sealed().await.unwrap();
    let left = scene.store.inner.all_records();
    assert!(
        left.iter().all(|record| record.key.run.0 != "r1"),
        "all dropped"
    );
    assert_eq!(snapshot(&scene.reader()).await.ledger.total.recorded, 100);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_left_is_folded_before_it_is_dropped() {
    let scene = Scene::new(TEN, 30).await;
    scene.at(30.0).await;
    scene.write_all_done(30).await;
    // nobody looked; hours later there is another run
    scene.at(9_000.0).await;
    let second = workload(TEN);
    let later = run("r2", &second, TEN, Slot(START.0 + 9_001), 10);
    scene.store.put_run(&later).await.unwrap();
    scene.at(9_005.0).await;
    let reader = scene.reader();
    assert_eq!(snapshot(&reader).await.ledger.run, Some(later.id.clone()));
    reader.fold_sealed().await.unwrap();
    scene.at(13_000.0).await;
    reader.fold_sealed().await.unwrap();
    let dropped = scene.store.expired_before().unwrap();
    assert!(
        dropped > Bucket::of(START.full_second()),
        "the first run's records are gone"
    );
    let first = scene.run.plan.run().id.clone();
    for reader in [reader, scene.reader()] {
        let first = reader.snapshot_of(&first).await.unwrap();
        assert_eq!(figures(&first.ledger.total), [300, 300, 0, 0, 0, 0, 0]);
        assert_eq!(first.stats.report(first.at).total.num_requests, 300);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_slept_for_hours_goes_on_from_a_newer_checkpoint() {
    let scene = Scene::new(TEN, 20_000).await;
    let (sleeper, worker) = (scene.reader(), scene.reader());
    scene.at(100.0).await;
    scene.write_all_done(100).await;
    snapshot(&sleeper).await;
    for minute in 2..=150_u32 {
        scene.at(f64::from(minute) * 60.0).await;
        worker.fold_sealed().await.unwrap();
    }
    let gone = scene
        .store
        .inner
        .all_records()
        .iter()
        .all(|record| record.key.run.0 != "r1");
    assert!(gone, "what the sleeper has not sealed is dropped");
    assert_same(&snapshot(&worker).await, &snapshot(&sleeper).await);
    assert_eq!(snapshot(&sleeper).await.ledger.total.recorded, 1_000);
}

#[tokio::test(start_paused = true)]
async fn hours_of_traffic_are_kept_in_little_room() {
    is_kept_in_little_room([1, 3, 5]).await;
}

mod soak {
    #[tokio::test(start_paused = true)]
    #[ignore = "a minute: make soak"]
    async fn a_day_of_traffic_is_kept_in_little_room() {
        super::is_kept_in_little_room([1, 12, 24]).await;
    }
}

/// The most bytes of a point of the history, with those of what ages beside it.
const POINT: usize = 160;

/// At three times in hours after the start, the last of which is the end.
async fn is_kept_in_little_room(hours: [usize; 3]) {
    let minutes = 60 * hours[2] as u64;
    let scene = Scene::new(&[("Slow", "constant_pacing(30)", 10, 60)], 1_000_000).await;
    let reader = scene.reader();
    let mut sizes = Vec::new();
    for minute in 1..=minutes {
        scene.at(minute as f64 * 60.0).await;
        for slot in (minute - 1) * 60..minute * 60 {
            let mut told = scene.all_done(START.plus(slot));
            told.retain(|told| !(told.user + slot as u32).is_multiple_of(11));
            scene.write(&told).await;
        }
        reader.fold_sealed().await.unwrap();
        let id = scene.run.plan.run().id.clone();
        sizes.extend(
            scene
                .store
                .checkpoint(&id)
                .await
                .unwrap()
                .map(|known| known.body.len()),
        );
    }
    let total = snapshot(&reader).await.ledger.total;
    assert_eq!(total.planned, 60 * 2 * minutes);
    assert!(total.missing > total.planned / 20);
    let [hour, half, late] = hours.map(|hours| sizes[hours * 60 - 2]);
    // the history of all rows together grows for a day, by a point for half a minute
    let grows = |from: usize, to: usize| 120 * (to - from) * POINT;
    assert!(
        half < hour + grows(hours[0], hours[1]) && late < half + grows(hours[1], hours[2]),
        "{hour}, {half} and {late} bytes after {hours:?} hours"
    );
}

#[tokio::test(start_paused = true)]
async fn a_damaged_checkpoint_is_an_error_that_names_the_run() {
    let scene = Scene::new(TEN, 30).await;
    let id = scene.run.plan.run().id.clone();
    for body in [&b""[..], &[9, 1, 2], &[1, 0xff, 0xff]] {
        let stored = scene.store.checkpoint(&id).await.unwrap();
        let revision = stored.map_or(0, |stored| stored.revision) + 1;
        let checkpoint = Checkpoint {
            revision,
            body: Bytes::copy_from_slice(body),
        };
        scene.store.put_checkpoint(&id, &checkpoint).await.unwrap();
        let error = scene.reader().snapshot().await.unwrap_err();
        assert!(error.to_string().contains("r1"), "{error}");
        assert!(scene.reader().fold_sealed().await.is_err());
    }
}

/// What a checkpoint of a run with something of everything looks like.
async fn a_checkpoint(clock: &Clock, scene: &Scene) -> Bytes {
    let now = clock.now();
    for slot in 0..20 {
        let mut told = scene.all_done(START.plus(slot));
        told.truncate(7);
        told.extend(told.first().map(|told| Told { writer: 2, ..*told }));
        scene.write(&told).await;
    }
    assert!(now <= clock.now());
    scene.at(95.0).await;
    scene.reader().fold_sealed().await.unwrap();
    let id = scene.run.plan.run().id.clone();
    scene.store.checkpoint(&id).await.unwrap().unwrap().body
}

#[test]
fn for_every_change_of_a_checkpoints_bytes_there_is_an_answer_and_no_panic() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    let good = runtime().block_on(async {
        let scene = Scene::new(TEN, 30).await;
        a_checkpoint(&scene.clock, &scene).await
    });
    assert!(good.len() > 100);
    let change = (0..good.len(), any::<u8>(), 0..good.len() * 4);
    proptest!(ProptestConfig::with_cases(600), |((at, byte, length) in change)| {
        let mut body = good.to_vec();
        body[at] = byte;
        body.truncate(length);
        runtime().block_on(async {
            let scene = Scene::new(TEN, 30).await;
            let id = scene.run.plan.run().id.clone();
            let checkpoint = Checkpoint { revision: 1, body: body.into() };
            scene.store.put_checkpoint(&id, &checkpoint).await.unwrap();
            scene.at(96.0).await;
            // an error, or figures: it cannot be told what the bytes were
            let _ = scene.reader().snapshot().await;
        });
    });
}
