//! For every history of a run, every way to read it, and every instant: what reader and ledger say is
//! what the records and the plan say when everything is computed anew.

use std::time::Duration;

use proptest::prelude::*;
use statistics::ledger::Account;
use statistics::reader::Aggregation;
use statistics::report::past::points;
use testing::FaultyStore;
use traffic::clock::Timestamp;
use traffic::ports::{RecordStore as _, RunStore as _};
use traffic::random::Draws;
use traffic::record::{Fate, Record};
use traffic::run::{DailyCurve, DayPoint, Run, Segment, ShapePart, UtcOffset};

use super::reference;
use super::scene::{Class, START, Scene, Told, assert_adds_up};

pub(crate) const CLASSES: &[Class<'static>] = &[
    ("Arrivals", "poisson(0.8)", 5, 3),
    ("Between", "between(1, 3)", 20, 104),
    ("Fast", "constant_pacing(0.3)", 2, 7),
    ("Turns", "constant(0)", 8, 4),
];

/// How many users a run has when.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Course {
    /// All, all the time.
    Steady,
    /// None, all, half of them, a few seconds each.
    Stages,
    /// A day's curve, with its steepest minutes.
    Curve,
}

impl Course {
    pub(crate) fn shape(self, run: &mut Run, seconds: u64) {
        let part = |daily| {
            Some(ShapePart {
                name: "S".into(),
                daily,
                step: None,
            })
        };
        let whole = run.segments[0].clone();
        match self {
            Self::Steady => {}
            Self::Stages => {
                let stages = [0, whole.user_count, whole.user_count / 2, 1];
                let begin = (0..seconds).step_by(3).zip(stages.into_iter().cycle());
                let stage = |(after, user_count)| Segment {
                    from: whole.from + Duration::from_secs(after),
                    user_count,
                    spawn_rate: 12.5,
                    shape: part(None),
                    ..whole.clone()
                };
                run.segments = begin.map(stage).collect();
            }
            Self::Curve => {
                let point = |minute: u32, users: u32| DayPoint {
                    at: minute * 60,
                    users,
                };
                // the scene begins in the last minute of the day's 22nd hour, by this clock
                let from = whole.from.full_second();
                let seconds = (23 * 3_600 - 10 - (from.0 % 86_400) as i32).rem_euclid(86_400);
                run.segments[0].spawn_rate = 9.0;
                run.segments[0].shape = part(Some(DailyCurve {
                    points: vec![
                        point(22 * 60 + 59, 30),
                        point(23 * 60, whole.user_count),
                        point(23 * 60 + 1, 2),
                    ],
                    offsets: vec![UtcOffset { from, seconds }],
                }));
            }
        }
    }
}

/// What a reader does next, and after how many milliseconds.
#[derive(Clone, Copy, Debug)]
enum Step {
    Poll(usize, u64),
    Fold(usize, u64),
    Restart(usize, u64),
    /// Other pages from now on: shuffled and repeated, or not.
    Pages(bool, u64),
    Reset(u64),
}

fn a_step() -> impl Strategy<Value = Step> {
    let reader = 0..2_usize;
    let short = 0..4_000_u64;
    prop_oneof![
        6 => (reader.clone(), short.clone()).prop_map(|(reader, ms)| Step::Poll(reader, ms)),
        2 => (reader.clone(), 0..90_000_u64).prop_map(|(reader, ms)| Step::Poll(reader, ms)),
        2 => (reader.clone(), short.clone()).prop_map(|(reader, ms)| Step::Fold(reader, ms)),
        1 => (reader, short.clone()).prop_map(|(reader, ms)| Step::Restart(reader, ms)),
        1 => (any::<bool>(), short.clone()).prop_map(|(shuffled, ms)| Step::Pages(shuffled, ms)),
        1 => short.prop_map(Step::Reset),
    ]
}

/// What became of every planned iteration, now and then twice, or of nothing; and when it is written.
fn history(scene: &Scene, seconds: u64, seed: u64) -> Vec<(Timestamp, Record)> {
    let mut told = Vec::new();
    for number in 0..seconds {
        for one in scene.all_done(START.plus(number)) {
            let mut draws = Draws::keyed(
                seed,
                one.user,
                number << 20 | u64::from(one.ordinal) << 4 | one.class as u64,
            );
            let timeout = u64::from(CLASSES[one.class].2);
            for writer in 1..=1 + u64::from(draws.below(8) == 0) {
                let fate = match draws.below(10) {
                    0 => continue,
                    1 | 2 => Fate::Skipped,
                    3 => Fate::CutOff,
                    _ => Fate::Done,
                };
                let slow = if draws.below(4) == 0 {
                    timeout * 1_000_000
                } else {
                    50_000
                };
                let takes = Duration::from_micros(draws.below(slow));
                let late = if draws.below(6) == 0 {
                    draws.below(30_000_000)
                } else {
                    0
                };
                let at = one.at + takes + Duration::from_micros(late);
                told.push(Told {
                    fate,
                    writer,
                    at,
                    ..one
                });
            }
        }
    }
    let mut draws = Draws::keyed(seed, 0, 0);
    let mut write_after = || match draws.below(5) {
        0 => draws.below(40_000_000),
        _ => draws.below(2_000_000),
    };
    let written = |record: Record| {
        let completed = told
            .iter()
            .filter(|told| scene.key(told) == record.key)
            .map(|told| told.at)
            .max()
            .unwrap();
        (completed + Duration::from_micros(write_after()), record)
    };
    let mut written: Vec<_> = scene.records(&told).into_iter().map(written).collect();
    written.sort_by_key(|(at, _)| *at);
    written
}

struct Play {
    scene: Scene,
    history: Vec<(Timestamp, Record)>,
    written: usize,
    readers: [Aggregation<FaultyStore>; 2],
}

impl Play {
    async fn new(seconds: u64, seed: u64, course: Course) -> Self {
        let scene = Scene::of(CLASSES, |run| course.shape(run, seconds), seconds).await;
        let history = history(&scene, seconds, seed);
        let readers = [scene.reader(), scene.reader()];
        Self {
            scene,
            history,
            written: 0,
            readers,
        }
    }

    async fn wait(&mut self, ms: u64) {
        let until = self.scene.clock.now() + Duration::from_millis(ms);
        self.scene.clock.sleep_until(until).await;
        while let Some((at, record)) = self.history.get(self.written)
            && *at <= self.scene.clock.now()
        {
            self.scene.store.put_record(record.clone()).await.unwrap();
            self.written += 1;
        }
    }

    async fn step(&mut self, step: Step) {
        let (Step::Poll(_, ms)
        | Step::Fold(_, ms)
        | Step::Restart(_, ms)
        | Step::Pages(_, ms)
        | Step::Reset(ms)) = step;
        self.wait(ms).await;
        match step {
            Step::Poll(reader, _) => self.look(reader).await,
            Step::Fold(reader, _) => self.readers[reader].fold_sealed().await.unwrap(),
            Step::Restart(reader, _) => self.readers[reader] = self.scene.reader(),
            Step::Pages(shuffled, _) => {
                self.scene.store.repeat_pages(shuffled);
            }
            Step::Reset(_) => {
                let mut run = self.scene.store.latest_run().await.unwrap().unwrap();
                run.revision += 1;
                run.reset(self.scene.clock.now());
                self.scene.store.put_run(&run).await.unwrap();
            }
        }
    }

    async fn look(&self, reader: usize) {
        let snapshot = self.readers[reader].snapshot().await.unwrap();
        if snapshot.at < self.scene.clock.now() {
            return; // a moment old, and shared
        }
        assert_adds_up(&snapshot);
        let records: Vec<Record> = self.history[..self.written]
            .iter()
            .map(|(_, record)| record.clone())
            .collect();
        let run = snapshot.run.as_ref().unwrap();
        let expected = reference::stats(run.plan.run(), &records);
        assert_eq!(snapshot.stats.encode(), expected.encode());
        // what was counted before a reset is in the part that it has ended
        let mut whole = run.plan.run().clone();
        whole.reset_at = None;
        let all = reference::stats(&whole, &records).totals().num_requests;
        let before = snapshot.parts.iter().map(|part| part.num_requests);
        let counted = before.sum::<u64>() + snapshot.stats.totals().num_requests;
        assert_eq!(counted, all);
        for part in snapshot.parts.iter() {
            let read = self.readers[reader].snapshot_of_part(&whole.id, part.number);
            let read = read.await.unwrap().expect("it is kept");
            assert_eq!(read.report().total.num_requests, part.num_requests);
        }
        let expected = reference::accounts(run, &records, snapshot.at);
        for (class, expected) in expected {
            let mut account = snapshot.ledger.classes[&*class];
            account.lateness_ms = Default::default();
            assert_eq!(
                account,
                Account { ..expected },
                "{class} at {:?}",
                snapshot.at
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn for_every_history_and_every_way_to_read_it_the_sums_are_right(
        seconds in 2..25_u64,
        seed in any::<u64>(),
        course in prop_oneof![Just(Course::Steady), Just(Course::Stages), Just(Course::Curve)],
        steps in prop::collection::vec(a_step(), 1..40),
    ) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut play = Play::new(seconds, seed, course).await;
            for step in steps {
                play.step(step).await;
            }
            for ms in [50_000, 70_000, 70_000, 400_000] {
                play.step(Step::Poll(0, ms)).await;
                play.step(Step::Poll(1, 0)).await;
            }
            prop_assert_eq!(play.written, play.history.len());
            let [one, other] = &play.readers;
            let (one, other) = (one.snapshot().await.unwrap(), other.snapshot().await.unwrap());
            prop_assert_eq!(one.ledger.total.pending, 0);
            prop_assert_eq!(&one.ledger, &other.ledger);
            let (past, others) = (one.ledger_past.history(), other.ledger_past.history());
            prop_assert_eq!(&past, &others);
            for (class, account) in &one.ledger.classes {
                let columns = &past.classes[class];
                let sums = [&columns.planned, &columns.recorded, &columns.skipped, &columns.missing]
                    .map(|column| column.iter().sum::<u64>());
                let Account { planned, recorded, skipped, missing, .. } = *account;
                prop_assert_eq!(sums, [planned, recorded, skipped, missing], "{}", class);
            }
            prop_assert_eq!(points(&one), points(&other));
            prop_assert_eq!(&one.ledger, &play.scene.reader().snapshot().await.unwrap().ledger);
            Ok(())
        })?;
    }
}
