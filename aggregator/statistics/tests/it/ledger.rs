//! What becomes of single iterations in the ledger.

use std::time::Duration;

use testing::{Calls, FaultyStore};
use traffic::clock::Slot;
use traffic::ports::{RecordStore as _, RunStore as _};
use traffic::record::Fate;

use super::scene::{Class, START, Scene, Told, assert_adds_up, figures};

/// Ten users, each with one iteration a second, with 10 s for its request.
const TEN: &[Class<'static>] = &[("Ten", "constant_pacing(1)", 10, 10)];

/// Nothing can come of a slot so many seconds after its end: 30 s to start, 10 s to run, 5 s to spare,
/// up to 10 s until its bucket ends, 60 s until that is sealed.
const SETTLED: f64 = 115.0;

#[tokio::test(start_paused = true)]
async fn before_the_first_run_there_is_nothing() {
    let scene = Scene::new(TEN, 10).await;
    let empty = std::sync::Arc::<FaultyStore>::default();
    let scene = Scene {
        store: empty,
        ..scene
    };
    let snapshot = scene.reader().snapshot().await.unwrap();
    assert!(snapshot.run.is_none());
    assert_eq!(figures(&snapshot.ledger.total), [0; 7]);
    assert!(snapshot.ledger.run.is_none() && snapshot.ledger.classes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_well_is_recorded_in_full() {
    let scene = Scene::new(TEN, 20).await;
    let reader = scene.reader();
    for second in 1..=20_u32 {
        scene.at(f64::from(second)).await;
        scene
            .write(&scene.all_done(START.plus(u64::from(second) - 1)))
            .await;
        let snapshot = reader.snapshot().await.unwrap();
        let told = u64::from(second) * 10;
        assert_eq!(figures(&snapshot.ledger.total), [told, told, 0, 0, 0, 0, 0]);
        assert_eq!(snapshot.ledger.from, Some(START));
        assert_eq!(snapshot.ledger.until, Some(START.plus(u64::from(second))));
        assert_eq!(snapshot.stats.report(snapshot.at).total.num_requests, told);
    }
    scene.at(1_000.0).await;
    let snapshot = reader.snapshot().await.unwrap();
    assert_eq!(figures(&snapshot.ledger.total), [200, 200, 0, 0, 0, 0, 0]);
    assert_eq!(snapshot.ledger.until, Some(START.plus(20)));
    let lateness = snapshot.ledger.total.lateness_ms;
    assert!(
        (0.148..0.151).contains(&lateness.p50) && lateness.max == 0.333,
        "{lateness:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_recorded_is_pending_until_nothing_can_come_and_missing_then() {
    let scene = Scene::new(TEN, 1).await;
    let reader = scene.reader();
    scene.at(0.5).await;
    scene.write(&scene.all_done(START)[..4]).await;
    let snapshot = reader.snapshot().await.unwrap();
    let total = snapshot.ledger.total;
    assert_eq!(figures(&total), [0; 7], "its slot counts once it has ended");
    assert_eq!(snapshot.ledger.until, Some(START));
    scene.at(1.0).await;
    let snapshot = reader.snapshot().await.unwrap();
    assert_eq!(figures(&snapshot.ledger.total), [10, 4, 0, 0, 6, 0, 0]);
    scene.at(1.0 + SETTLED - 10.0).await;
    let snapshot = reader.snapshot().await.unwrap();
    assert_eq!(
        figures(&snapshot.ledger.total),
        [10, 4, 0, 0, 6, 0, 0],
        "one may still come"
    );
    scene.at(1.0 + SETTLED).await;
    let snapshot = reader.snapshot().await.unwrap();
    assert_eq!(figures(&snapshot.ledger.total), [10, 4, 0, 6, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_process_had_not_written_is_missing_at_once() {
    let scene = Scene::new(TEN, 20).await;
    scene.at(10.4).await;
    scene.write_all_done(8).await;
    scene.store.be_quiet_before(scene.clock.now());
    let reader = scene.reader();
    let snapshot = reader.snapshot().await.unwrap();
    // two whole slots
    assert_eq!(figures(&snapshot.ledger.total), [100, 80, 0, 20, 0, 0, 0]);
    assert_adds_up(&snapshot);
    // and, once it has ended, the one that the new process began in and leaves alone; not the next one
    for (second, figured) in [
        (11.0, [110, 80, 0, 30, 0, 0, 0]),
        (12.0, [120, 80, 0, 30, 10, 0, 0]),
    ] {
        scene.at(second).await;
        for reader in [&reader, &scene.reader()] {
            let snapshot = reader.snapshot().await.unwrap();
            assert_eq!(figures(&snapshot.ledger.total), figured, "{second}");
            assert_adds_up(&snapshot);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_delivered_twice_is_recorded_once_and_shown_as_duplicates() {
    let scene = Scene::new(TEN, 5).await;
    scene.at(3.0).await;
    scene.write_all_done(3).await;
    let again = |told: Told| Told { writer: 2, ..told };
    scene
        .write(
            &scene
                .all_done(START)
                .into_iter()
                .map(again)
                .collect::<Vec<_>>(),
        )
        .await;
    let reader = scene.reader();
    let snapshot = reader.snapshot().await.unwrap();
    assert_eq!(figures(&snapshot.ledger.total), [30, 30, 0, 0, 0, 10, 0]);
    let sent = snapshot.stats.report(snapshot.at).total.num_requests;
    assert_eq!(sent, 40, "the target saw it twice");
    // and once more, after the slot is sealed and needs no bits any more
    scene.at(20.0).await;
    let later = |told: Told| Told {
        writer: 3,
        at: scene.clock.now(),
        ..told
    };
    scene
        .write(
            &scene
                .all_done(START)
                .into_iter()
                .map(later)
                .collect::<Vec<_>>(),
        )
        .await;
    for reader in [reader, scene.reader()] {
        let snapshot = reader.snapshot().await.unwrap();
        assert_eq!(figures(&snapshot.ledger.total), [50, 30, 0, 0, 20, 20, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn done_beats_cut_off_and_both_beat_skipped_in_whatever_order() {
    let fates = [Fate::Done, Fate::CutOff, Fate::Skipped];
    for first in fates {
        for second in fates {
            let scene = Scene::new(TEN, 1).await;
            scene.at(1.0).await;
            let mut told = scene.all_done(START)[0];
            (told.fate, told.writer) = (first, 1);
            scene.write(&[told]).await;
            (told.fate, told.writer, told.at) = (second, 2, told.at + Duration::from_secs(12));
            scene.at(15.0).await;
            scene.write(&[told]).await;
            let account = scene.reader().snapshot().await.unwrap().ledger.total;
            let both = [first, second];
            let executed = both.iter().filter(|&&fate| fate != Fate::Skipped).count() as u64;
            let recorded = executed.min(1);
            assert_eq!(account.recorded, recorded, "{both:?}");
            assert_eq!(account.skipped, 1 - recorded, "{both:?}");
            assert_eq!(account.duplicates, executed.saturating_sub(1), "{both:?}");
            let cut_off = recorded == 1 && !both.contains(&Fate::Done);
            assert_eq!(account.cut_off, u64::from(cut_off), "{both:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_planned_is_shown() {
    let scene = Scene::new(TEN, 5).await;
    scene.at(4.5).await;
    scene.write_all_done(4).await;
    let planned = scene.all_done(START)[0];
    let odd = [
        Told {
            user: 10,
            writer: 8,
            ..planned
        },
        Told {
            ordinal: 1,
            writer: 2,
            ..planned
        },
        Told {
            ordinal: u32::MAX,
            writer: 3,
            ..planned
        },
        Told {
            slot: Slot(START.0 - 1),
            writer: 4,
            ..planned
        },
        Told {
            slot: Slot(0),
            writer: 5,
            ..planned
        },
        Told {
            user: u32::MAX,
            writer: 6,
            ..planned
        },
    ];
    scene.write(&odd).await;
    let mut strange = scene
        .records(&[Told {
            writer: 7,
            ..planned
        }])
        .remove(0);
    strange.key.class = "Stranger".into();
    scene.store.put_record(strange).await.unwrap();
    let reader = scene.reader();
    let snapshot = reader.snapshot().await.unwrap();
    assert_adds_up(&snapshot);
    assert_eq!(figures(&snapshot.ledger.total), [40, 40, 0, 0, 0, 0, 7]);
    assert_eq!(snapshot.ledger.classes["Ten"].unplanned, 6);
    assert_eq!(snapshot.ledger.classes["(unknown class)"].unplanned, 1);
    // the last slot counts once it has ended
    scene.at(5.0).await;
    let snapshot = reader.snapshot().await.unwrap();
    assert_eq!(figures(&snapshot.ledger.total), [50, 40, 0, 0, 10, 0, 7]);
    scene.at(300.0).await;
    let snapshot = reader.snapshot().await.unwrap();
    assert_eq!(figures(&snapshot.ledger.total), [50, 40, 0, 10, 0, 0, 7]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_its_slot_was_settled_is_shown_and_moves_nothing() {
    let scene = Scene::new(TEN, 200).await;
    let reader = scene.reader();
    scene.at(1.0 + SETTLED).await;
    let before = reader.snapshot().await.unwrap().ledger.total;
    let mut late = scene.all_done(START)[0];
    late.at = scene.clock.now();
    scene.write(&[late]).await;
    scene.at(2.0 + SETTLED).await;
    for reader in [reader, scene.reader()] {
        let after = reader.snapshot().await.unwrap().ledger.total;
        assert_eq!(after.unplanned, 1);
        assert_eq!(
            (after.recorded, after.missing),
            (before.recorded, before.missing)
        );
        assert!(before.missing >= 10, "the first slot is settled");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_slot_that_has_not_begun_waits_for_it() {
    let scene = Scene::new(TEN, 20).await;
    scene.at(2.0).await;
    // their writer's clock is five seconds ahead
    let ahead: Vec<Told> = scene.all_done(START.plus(6));
    scene.write(&ahead).await;
    let reader = scene.reader();
    let total = reader.snapshot().await.unwrap().ledger.total;
    assert_eq!(figures(&total), [20, 0, 0, 0, 20, 0, 0]);
    scene.at(7.0).await;
    let total = reader.snapshot().await.unwrap().ledger.total;
    assert_eq!(figures(&total), [70, 10, 0, 0, 60, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_of_a_user_that_waits_after_the_response_counts_as_one() {
    let scene = Scene::new(&[("Loop", "constant(0)", 10, 3)], 4).await;
    scene.at(4.0).await;
    scene.write_all_done(3).await;
    let total = scene.reader().snapshot().await.unwrap().ledger.total;
    assert_eq!(figures(&total), [12, 9, 0, 0, 3, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_what_is_planned() {
    let scene = Scene::new(TEN, 100).await;
    let reader = scene.reader();
    scene.at(5.0).await;
    reader.snapshot().await.unwrap();
    let mut stopped = scene.run.plan.run().clone();
    stopped.revision = 2;
    stopped.stopped_at = Some(START.plus(7).full_second());
    scene.store.put_run(&stopped).await.unwrap();
    for second in [6.0, 7.0, 8.0, 300.0] {
        scene.at(second).await;
        let total = reader.snapshot().await.unwrap().ledger.total;
        assert_eq!(total.planned, 10 * (second as u64).min(7));
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_made_while_a_caller_waits_for_another_is_not_overlooked() {
    let scene = Scene::new(TEN, 100).await;
    let reader = scene.reader();
    scene.at(10.0).await;
    scene
        .store
        .slow(Calls::Named("records"), Duration::from_secs(3));
    let waiting = async {
        scene.at(10.4).await;
        reader.snapshot().await
    };
    let stopping = async {
        scene.at(10.5).await;
        let mut stopped = scene.run.plan.run().clone();
        stopped.revision = 2;
        stopped.stopped_at = Some(START.plus(12).full_second());
        scene.store.put_run(&stopped).await
    };
    let (first, second, stopped) = tokio::join!(reader.snapshot(), waiting, stopping);
    stopped.unwrap();
    assert_eq!(first.unwrap().ledger.total.planned, 100);
    assert!(second.unwrap().ledger.total.planned <= 110);
    scene.store.slow(Calls::None, Duration::ZERO);
    scene.at(20.0).await;
    assert_eq!(reader.snapshot().await.unwrap().ledger.total.planned, 120);
}

#[tokio::test(start_paused = true)]
async fn the_body_of_the_ledger_has_all_figures_by_name() {
    let scene = Scene::new(TEN, 1).await;
    scene.at(2.0).await;
    scene.write_all_done(1).await;
    let ledger = scene.reader().snapshot().await.unwrap().ledger;
    let body = serde_json::to_value(&*ledger).unwrap();
    let account = serde_json::json!({
        "planned": 10, "recorded": 10, "cut_off": 0, "failed": 0, "skipped": 0, "missing": 0, "pending": 0,
        "duplicates": 0, "unplanned": 0,
        "lateness_ms": body["lateness_ms"],
    });
    for (name, figure) in account.as_object().unwrap() {
        assert_eq!(&body[name], figure);
        assert_eq!(&body["classes"]["Ten"][name], figure);
    }
    assert_eq!(body["run"], "r1");
    assert_eq!(body["from"], START.0);
    assert_eq!(body["until"], START.0 + 1);
    assert_eq!(body["unreadable_records"], 0);
    let figures = body["lateness_ms"].as_object().unwrap();
    assert_eq!(
        figures.keys().collect::<Vec<_>>(),
        ["max", "p50", "p95", "p99"]
    );
}
