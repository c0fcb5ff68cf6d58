//! A run whose process was dead for a long time: what it missed is counted in one go, and comes to the same.

use std::time::Duration;

use proptest::prelude::*;
use statistics::reader::Snapshot;
use statistics::report::past::points;
use testing::Calls;
use traffic::ports::StoreError;
use traffic::run::{Run, Segment};

use super::properties::{CLASSES, Course};
use super::scene::{START, Scene, assert_adds_up, figures};

const DAY: u64 = 86_400;

/// What becomes of a run while nothing is recorded.
#[derive(Clone, Copy, Debug)]
enum End {
    /// It goes on.
    Later,
    /// It ends.
    Within,
    /// It goes on without a user.
    Empty,
}

/// Writes all that is planned in some seconds of the run.
async fn done(scene: &Scene, seconds: std::ops::Range<u64>) {
    for second in seconds {
        scene.write(&scene.all_done(START.plus(second))).await;
    }
}

/// What a reader says that has just been started, and how many buckets it read.
async fn read(scene: &Scene, knows_buckets: bool) -> (Snapshot, usize) {
    scene.store.hide_buckets(!knows_buckets);
    scene.store.forget_counts();
    let snapshot = scene.reader().snapshot().await.unwrap();
    assert_adds_up(&snapshot);
    (snapshot, scene.store.count("records"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_gap_that_is_counted_in_one_go_comes_to_what_its_seconds_do(
        before in 0_u64..30,
        gap in 700_u64..9_000,
        after in 0_u64..30,
        later in 0_u64..2_000,
        end in prop_oneof![Just(End::Later), Just(End::Within), Just(End::Empty)],
        course in prop_oneof![Just(Course::Steady), Just(Course::Stages), Just(Course::Curve)],
    ) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let lasts = before + gap + after;
            // the run may end, or all users leave, in the time in which nothing is recorded
            let seconds = if matches!(end, End::Later) { lasts } else { before + gap / 2 };
            let shape = |run: &mut Run| {
                course.shape(run, seconds);
                if matches!(end, End::Empty) && !matches!(course, Course::Curve) {
                    let last = run.segments.last().cloned().unwrap();
                    let from = START.plus(seconds).full_second();
                    let until = Some(START.plus(lasts).full_second());
                    run.segments.push(Segment { from, until, user_count: 0, spawn_rate: 1e6, ..last });
                }
            };
            let scene = Scene::of(CLASSES, shape, seconds).await;
            done(&scene, 0..before).await;
            done(&scene, lasts - after..lasts).await;
            scene.at((lasts + later) as f64).await;
            // nobody goes on where another has left off
            scene.store.fail_with(Calls::Named("put_checkpoint"), || StoreError::ReadOnly("for a test".into()));
            let (one_by_one, all) = read(&scene, false).await;
            let (at_once, few) = read(&scene, true).await;
            prop_assert!(few <= all, "{few} of {all}");
            prop_assert_eq!(&at_once.ledger, &one_by_one.ledger);
            let (past, by_one) = (at_once.ledger_past.history(), one_by_one.ledger_past.history());
            prop_assert!(past == by_one, "{:?}\n{:?}", past.total.planned, by_one.total.planned);
            prop_assert!(at_once.stats.encode() == one_by_one.stats.encode());
            prop_assert!(points(&at_once) == points(&one_by_one));
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn ten_months_without_a_process_are_read_at_once_and_missing_to_the_last_iteration() {
    const MONTHS: u64 = 300 * DAY;
    const TEN: &[super::scene::Class<'static>] = &[
        ("Between", "between(1, 3)", 20, 7),
        ("Paced", "constant_pacing(2)", 20, 10),
        ("Turns", "constant(0)", 8, 3),
    ];
    let scene = Scene::new(TEN, MONTHS + 1_000).await;
    done(&scene, 0..40).await;
    scene.at(40.0).await;
    scene.reader().fold_sealed().await.unwrap();
    done(&scene, MONTHS..MONTHS + 100).await;
    scene.at((MONTHS + 100) as f64).await;
    let began = tokio::time::Instant::now();
    let (snapshot, reads) = read(&scene, true).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(reads < 60, "{reads} buckets were read");
    let classes = &snapshot.ledger.classes;
    for (class, users, of_user) in [("Paced", 10, MONTHS / 2 + 50), ("Turns", 3, MONTHS + 100)] {
        let planned = users * of_user;
        let recorded = users * if class == "Turns" { 140 } else { 70 };
        let missing = planned - recorded;
        let [was_planned, was_recorded, _, was_missing, pending, ..] = figures(&classes[class]);
        assert_eq!((was_planned, was_recorded), (planned, recorded), "{class}");
        // of the last seconds without a process something might still come
        assert_eq!(was_missing + pending, missing, "{class}");
        assert!(pending <= users * 60, "{class}: {pending}");
    }
    let history = snapshot.ledger_past.history();
    let total = figures(&snapshot.ledger.total);
    assert_eq!(history.total.planned.iter().sum::<u64>(), total[0]);
    assert_eq!(history.total.missing.iter().sum::<u64>(), total[3]);
    // and it goes on from there
    let again = scene.reader().snapshot().await.unwrap();
    assert_eq!(again.ledger, snapshot.ledger);
}
