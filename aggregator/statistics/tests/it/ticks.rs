//! Fan-out, ticks, records and reader together, in paused time: what the target saw is what the
//! statistics say, and whatever happens to a process, the ledger says what it did not do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::Request;
use statistics::reader::{Aggregation, Snapshot};
use testing::{FaultyStore, MemoryHeartbeat, MemoryQueue};
use tokio::task::JoinSet;
use traffic::clock::{Clock, Slot};
use traffic::deployment::Deployment;
use traffic::ports::{RunStore as _, WakeUp};
use traffic::tick::Ticker;
use traffic::transport::{Reply, RequestContext, Transport};

use super::reference;
use super::scene::{Class, START, assert_adds_up, figures, run, workload};

/// Requests that a target has answered, by path.
type Answered = Arc<Mutex<BTreeMap<String, u64>>>;

/// Takes its time by path, and counts what it has answered.
struct Target {
    takes: BTreeMap<String, Duration>,
    answered: Answered,
}

impl Transport for Target {
    async fn send(&self, request: Request, _: &RequestContext) -> Result<Reply, String> {
        let path = request.url().path().to_owned();
        tokio::time::sleep(self.takes[&path]).await;
        *self.answered.lock().entry(path).or_default() += 1;
        Ok(Reply {
            content_length: 7,
            ..Reply::default()
        })
    }
}

/// A process that sends traffic, and what survives it.
struct Stage {
    clock: Clock,
    store: Arc<FaultyStore>,
    queue: Arc<MemoryQueue>,
    answered: Answered,
    deployment: Deployment<FaultyStore, MemoryQueue, MemoryHeartbeat>,
    ticker: Arc<Ticker<FaultyStore, Target>>,
    ticks: JoinSet<()>,
}

fn process(
    clock: &Clock,
    store: &Arc<FaultyStore>,
    takes: &[(&str, u64)],
    answered: &Answered,
) -> Stage {
    let (queue, heartbeat) = <(Arc<MemoryQueue>, Arc<MemoryHeartbeat>)>::default();
    let deployment = testing::deployment(store, &queue, &heartbeat, clock);
    let runs = Arc::clone(&deployment.runs);
    let takes = takes
        .iter()
        .map(|&(path, ms)| (path.into(), Duration::from_millis(ms)));
    let target = Target {
        takes: takes.collect(),
        answered: Arc::clone(answered),
    };
    Stage {
        clock: clock.clone(),
        store: Arc::clone(store),
        queue,
        answered: Arc::clone(answered),
        ticker: Arc::new(Ticker::new(Arc::clone(store), runs, target, clock.clone())),
        deployment,
        ticks: JoinSet::new(),
    }
}

impl Stage {
    async fn new(classes: &[Class<'_>], seconds: u64, takes: &[(&str, u64)]) -> Self {
        let clock = Clock::following_tokio(START.full_second() - Duration::from_millis(1_500));
        let store = Arc::<FaultyStore>::default();
        store.hide_buckets(true);
        let workload = workload(classes);
        store
            .put_workload(workload.version(), workload.source())
            .await
            .unwrap();
        store
            .put_run(&run("r1", &workload, classes, START, seconds))
            .await
            .unwrap();
        process(&clock, &store, takes, &Answered::default())
    }

    fn wake(&mut self, wake_up: WakeUp) {
        let ticker = Arc::clone(&self.ticker);
        self.ticks.spawn(async move {
            ticker.run(&wake_up, None).await.unwrap();
        });
    }

    /// Sends traffic until so many seconds after the run's first slot; each `twice`-th wake-up is
    /// delivered once more.
    async fn play(&mut self, from: u64, until: u64, twice: Option<usize>) {
        let mut delivered = 0;
        for slot in (from..until).map(|number| START.plus(number)) {
            if slot.0 % 60 == 0 || slot.0 == START.0 + from {
                self.deployment.plan_ahead().await.unwrap();
            }
            for wake_up in self.queue.take_before(slot.plus(1)) {
                delivered += 1;
                if twice.is_some_and(|twice| delivered % twice == 0) {
                    self.wake(wake_up.clone());
                }
                self.wake(wake_up);
            }
            self.clock.sleep_until(slot.full_second()).await;
        }
        self.clock
            .sleep_until(START.plus(until).full_second())
            .await;
    }

    async fn finish(&mut self) {
        while self.ticks.join_next().await.is_some() {}
    }

    fn reader(&self) -> Aggregation<FaultyStore> {
        super::scene::reader(&self.store, &self.clock)
    }

    async fn snapshot(&self) -> Snapshot {
        let snapshot = self.reader().snapshot().await.unwrap();
        assert_adds_up(&snapshot);
        snapshot
    }

    async fn at(&self, seconds: u64) {
        self.clock
            .sleep_until(Slot(START.0 + seconds).full_second())
            .await;
    }
}

/// Requests by path, as the statistics have them.
fn counted(snapshot: &Snapshot) -> BTreeMap<String, u64> {
    let rows = snapshot.stats.report(snapshot.at).rows;
    rows.into_iter()
        .map(|row| {
            (
                row.name.trim_start_matches("GET ").to_owned(),
                row.num_requests,
            )
        })
        .collect()
}

const CLASSES: &[Class<'static>] = &[
    ("Arrivals", "poisson(2)", 60, 20),
    ("Chat", "constant_pacing(5)", 60, 120),
    ("Shop", "between(1, 3)", 60, 150),
    ("Turns", "constant(1)", 60, 10),
];

const TAKES: &[(&str, u64)] = &[
    ("/Arrivals", 90),
    ("/Chat", 700),
    ("/Shop", 35),
    ("/Turns", 400),
];

#[tokio::test(start_paused = true)]
async fn what_the_target_counted_is_what_the_statistics_say_and_nothing_is_missing() {
    let mut stage = Stage::new(CLASSES, 120, TAKES).await;
    stage.play(0, 120, None).await;
    stage.finish().await;
    let snapshot = stage.snapshot().await;
    let total = snapshot.ledger.total;
    assert_eq!(
        (
            total.missing,
            total.pending,
            total.unplanned,
            total.duplicates
        ),
        (0, 0, 0, 0)
    );
    assert!(total.planned > 10_000, "{total:?}");
    assert_eq!(total.skipped + total.recorded, total.planned);
    assert_eq!(
        snapshot.ledger.classes["Turns"].recorded,
        10 * 120,
        "a turn each second"
    );
    assert_eq!(counted(&snapshot), *stage.answered.lock());
}

#[tokio::test(start_paused = true)]
async fn users_of_a_slow_target_are_skipped_and_the_sum_holds() {
    let slow = &[("Agent", "constant_pacing(30)", 120, 40)];
    let mut stage = Stage::new(slow, 300, &[("/Agent", 70_000)]).await;
    stage.play(0, 300, None).await;
    stage.finish().await;
    let snapshot = stage.snapshot().await;
    let total = snapshot.ledger.total;
    assert_eq!(total.planned, 40 * 10);
    assert_eq!(
        total.recorded,
        40 * 4,
        "every third one: its user is busy for 70 s"
    );
    assert_eq!(
        (total.skipped, total.missing, total.pending),
        (40 * 6, 0, 0)
    );
    assert_eq!(counted(&snapshot), *stage.answered.lock());
}

#[tokio::test(start_paused = true)]
async fn a_process_killed_in_mid_run_is_missing_exactly_what_it_had_not_written() {
    let mut stage = Stage::new(CLASSES, 200, TAKES).await;
    stage.play(0, 90, None).await;
    let before = stage.snapshot().await;
    // the process dies, and five seconds later there is another
    stage.ticks.shutdown().await;
    let records = stage.store.inner.all_records();
    let written: u64 = records
        .iter()
        .map(|record| u64::from(record.requests))
        .sum();
    stage.at(95).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stage.store.be_quiet_before(stage.clock.now());
    let after = stage.snapshot().await;
    let requests = |snapshot: &Snapshot| snapshot.stats.report(snapshot.at).total.num_requests;
    assert_eq!(requests(&after), written, "what was written stays");
    assert!(requests(&after) >= requests(&before));
    let lost = stage.answered.lock().values().sum::<u64>() - written;
    assert!(
        lost <= 2 * 110,
        "at most two seconds of outcomes are lost: {lost}"
    );
    let lost = after.ledger.total;
    assert!(
        lost.missing > 500,
        "five seconds and what was in flight: {lost:?}"
    );
    assert_eq!(lost.pending, 0, "of a dead process nothing is pending");
    assert_eq!(after.ledger.until, Some(START.plus(95)));
    // the slot that the new process begins in is left alone, and counts once it has ended
    let plan = &after.run.as_ref().unwrap().plan;
    let left_alone = plan.slot(START.plus(95)).into_iter();
    let left_alone: usize = left_alone.map(|(.., due)| due.len()).sum();
    let lost = lost.missing + left_alone as u64;

    let mut second = process(&stage.clock, &stage.store, TAKES, &stage.answered);
    second.deployment.plan_again().await.unwrap();
    second.play(96, 200, None).await;
    second.finish().await;
    second.at(1_000).await;
    let settled = second.snapshot().await;
    let total = settled.ledger.total;
    let more = total.missing;
    // what is due in the run's last millisecond may find it over
    assert!(
        (lost..=lost + 2).contains(&more),
        "nothing else is lost: {lost}, {more}"
    );
    assert_eq!(total.pending, 0);
    let records = second.store.inner.all_records();
    let run = settled.run.as_ref().unwrap();
    for (class, expected) in reference::accounts(run, &records, settled.at) {
        let account = settled.ledger.classes[&*class];
        assert_eq!(figures(&account), figures(&expected), "{class}");
    }
}

#[tokio::test(start_paused = true)]
async fn wake_ups_that_are_delivered_twice_show_as_duplicates_of_what_the_target_saw() {
    let classes = &[
        ("Arrivals", "poisson(2)", 60, 20),
        ("Chat", "constant_pacing(5)", 60, 120),
    ];
    let mut stage = Stage::new(classes, 60, TAKES).await;
    stage.play(0, 60, Some(3)).await;
    stage.finish().await;
    let snapshot = stage.snapshot().await;
    let total = snapshot.ledger.total;
    assert_eq!((total.missing, total.pending, total.unplanned), (0, 0, 0));
    assert_eq!(total.planned, total.recorded + total.skipped);
    assert_eq!(counted(&snapshot), *stage.answered.lock());
    let requests = snapshot.stats.report(snapshot.at).total.num_requests;
    assert_eq!(requests, total.recorded + total.duplicates);
}

#[tokio::test(start_paused = true)]
async fn of_a_process_that_stood_still_each_iteration_is_said_once_and_every_request_is_counted() {
    for seconds in [5, 25, 31, 40, 59, 61, 75, 120, 600] {
        let mut stage = Stage::new(CLASSES, 60 + seconds, TAKES).await;
        let reader = stage.reader();
        stage.play(0, 30, None).await;
        reader.snapshot_anew().await.unwrap();
        for wake_up in stage.queue.take_before(START.plus(31)) {
            stage.wake(wake_up);
        }
        let amid = START.plus(30).full_second() + Duration::from_millis(300);
        stage.clock.sleep_until(amid).await;
        tokio::time::advance(Duration::from_secs(seconds)).await;
        // who reads is awake before those who write
        assert_adds_up(&reader.snapshot_anew().await.unwrap());
        stage.play(31 + seconds, 60 + seconds, None).await;
        stage.finish().await;
        assert_adds_up(&reader.snapshot_anew().await.unwrap());
        stage.at(5_000).await;
        let followed = reader.snapshot_anew().await.unwrap();
        for snapshot in [followed, stage.snapshot().await] {
            assert_adds_up(&snapshot);
            let total = snapshot.ledger.total;
            let apart = (total.unplanned, total.pending, total.duplicates);
            assert_eq!(apart, (0, 0, 0), "{seconds} s: {total:?}");
            assert_eq!(total.missing > 0, seconds > 30, "{seconds} s: {total:?}");
            let answered = stage.answered.lock();
            assert_eq!(counted(&snapshot), *answered, "{seconds} s");
        }
    }
}
