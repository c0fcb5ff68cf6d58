//! Ticks in paused time: what is due is sent at its instant, a busy user is skipped, nothing that
//! was sent is lost, and nothing starts after the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Request;
use tokio::task::JoinSet;

use super::*;
use crate::clock::Slot;
use crate::deployment::Deployment;
use crate::fanout::FanOutReport;
use crate::memory::{MemoryHeartbeat, MemoryQueue, MemoryStore};
use crate::ports::{Heartbeat as _, MarkerStore as _, RunStore as _};
use crate::record::Fate;
use crate::record::wire::{Contents, Decoded};
use crate::run::{Run, Segment, Share};
use crate::transport::{Reply, RequestContext};
use crate::workload::Workload;

mod at_once;
mod deadline;
mod fan_out;
mod starts;
mod unwritable;

const START: Slot = Slot(1_700_000_040);

/// Answers every request after a while, and remembers who sent what when.
struct Target {
    clock: Clock,
    takes: Duration,
    seen: Arc<Mutex<Vec<(Timestamp, String)>>>,
    concurrent: Arc<AtomicUsize>,
    most_concurrent: Arc<AtomicUsize>,
}

impl Transport for Target {
    async fn send(&self, request: Request, _: &RequestContext) -> Result<Reply, String> {
        let user = request
            .headers()
            .get("x-user")
            .map(|user| user.to_str().unwrap().to_owned());
        let line = format!("{} {}", user.unwrap_or_default(), request.url().path());
        self.seen.lock().push((self.clock.now(), line));
        let now = self.concurrent.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_concurrent.fetch_max(now, Ordering::SeqCst);
        let timeout = request.timeout().copied().unwrap_or(Duration::MAX);
        let answered = tokio::time::timeout(timeout, tokio::time::sleep(self.takes)).await;
        self.concurrent.fetch_sub(1, Ordering::SeqCst);
        answered.map_err(|_| "no complete response in time".to_owned())?;
        Ok(Reply {
            content_length: 7,
            ..Reply::default()
        })
    }
}

struct Stage {
    clock: Clock,
    store: Arc<MemoryStore>,
    runs: Arc<Runs<MemoryStore>>,
    queue: Arc<MemoryQueue>,
    heartbeat: Arc<MemoryHeartbeat>,
    deployment: Deployment<MemoryStore, MemoryQueue, MemoryHeartbeat>,
    ticker: Arc<Ticker<MemoryStore, Target>>,
    seen: Arc<Mutex<Vec<(Timestamp, String)>>>,
    most_concurrent: Arc<AtomicUsize>,
    ticks: JoinSet<Result<TickReport, TickError>>,
}

impl Stage {
    /// `users` users of class A, who wait as `wait` says, at a target that takes `takes` to answer.
    async fn new(wait: &str, users: u32, takes: Duration) -> Self {
        Self::with(MemoryStore::default(), wait, users, takes, None).await
    }

    async fn with(
        store: MemoryStore,
        wait: &str,
        users: u32,
        takes: Duration,
        until: Option<Timestamp>,
    ) -> Self {
        let source = format!(
            "[hosts.shop]\nurl = \"http://127.0.0.1:9\"\n\
             [headers]\nX-User = \"{{{{ user }}}}\"\n\
             [class.A]\nhost = \"shop\"\nwait = \"{wait}\"\n\
             [[class.A.task]]\nname = \"look\"\nrequest = \"GET /{{{{ randint(1, 1000) }}}}\"\n"
        );
        let workload =
            Workload::parse(&source, "test", &|_| None).unwrap_or_else(|error| panic!("{error}"));
        let clock = Clock::following_tokio(START.full_second() - Duration::from_secs(2));
        let store = Arc::new(store);
        store
            .put_workload(workload.version(), &source)
            .await
            .unwrap();
        let run = Run::new(
            RunId("r".into()),
            1,
            workload.version(),
            clock.now(),
            vec![Segment {
                until,
                ..Segment::new(
                    START.full_second(),
                    users,
                    1000.0,
                    vec![Share::new("A", 1, 0)],
                )
            }],
        );
        store.put_run(&run).await.unwrap();
        let queue = Arc::new(MemoryQueue::default());
        let heartbeat = Arc::new(MemoryHeartbeat::default());
        heartbeat.turn_on().await.unwrap();
        let deployment = Deployment::new(
            Arc::clone(&store),
            Arc::clone(&queue),
            Arc::clone(&heartbeat),
            clock.clone(),
            Arc::new(|_| None),
        );
        let runs = Arc::clone(&deployment.runs);
        let target = Target {
            clock: clock.clone(),
            takes,
            seen: Arc::default(),
            concurrent: Arc::default(),
            most_concurrent: Arc::default(),
        };
        Self {
            deployment,
            seen: Arc::clone(&target.seen),
            most_concurrent: Arc::clone(&target.most_concurrent),
            ticker: Arc::new(Ticker::new(
                Arc::clone(&store),
                Arc::clone(&runs),
                target,
                clock.clone(),
            )),
            clock,
            store,
            runs,
            queue,
            heartbeat,
            ticks: JoinSet::new(),
        }
    }

    /// Lives through `seconds` from the run's start on: heartbeats each minute, wake-ups before their slots.
    async fn live(&mut self, seconds: std::ops::Range<u64>) {
        for slot in seconds.map(|second| START.plus(second)) {
            self.clock
                .sleep_until(slot.full_second() - Duration::from_millis(600))
                .await;
            if slot == START || slot.0.is_multiple_of(60) {
                self.deployment.plan_ahead().await.unwrap();
            }
            for wake_up in self.queue.take_before(slot.plus(1)) {
                let ticker = Arc::clone(&self.ticker);
                self.ticks
                    .spawn(async move { ticker.run(&wake_up, None).await });
            }
        }
        self.clock
            .sleep_until(self.clock.now().full_second().plus(1).full_second())
            .await;
    }

    /// Waits for all ticks and adds up what they reported.
    async fn settle(&mut self) -> TickReport {
        let mut total = TickReport::default();
        while let Some(report) = self.ticks.join_next().await {
            let report = report.unwrap().unwrap();
            total.executed += report.executed;
            total.skipped += report.skipped;
            total.left += report.left;
        }
        total
    }

    async fn change(&self, change: impl FnOnce(&mut Run)) {
        let mut run = self.store.latest_run().await.unwrap().unwrap();
        run.revision += 1;
        change(&mut run);
        self.store.put_run(&run).await.unwrap();
        self.runs.put(run).await.unwrap();
    }

    fn seen(&self) -> Vec<(Timestamp, String)> {
        self.seen.lock().clone()
    }

    fn recorded(&self) -> Contents {
        let mut all = Contents::default();
        for record in self.store.all_records() {
            let contents = Decoded::read(&record.payload, record.key.slot)
                .unwrap()
                .to_contents();
            let bucket = record.key.bucket;
            assert!(
                contents
                    .outcomes
                    .iter()
                    .all(|outcome| Bucket::of(outcome.completed_at) <= bucket)
            );
            assert_eq!(contents.outcomes.len(), record.requests as usize);
            all.outcomes.extend(contents.outcomes);
            all.iterations.extend(contents.iterations);
            all.exceptions.extend(contents.exceptions);
        }
        all
    }

    fn fates(&self) -> BTreeMap<Fate, usize> {
        let mut fates = BTreeMap::new();
        for iteration in self.recorded().iterations {
            *fates.entry(iteration.fate).or_default() += 1;
        }
        fates
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(start_paused = true)]
async fn everything_due_is_sent_at_its_instant_and_recorded() {
    let mut stage = Stage::new("constant_pacing(2)", 250, ms(30)).await;
    stage.live(0..20).await;
    let report = stage.settle().await;
    assert_eq!(
        report,
        TickReport {
            executed: 2500,
            skipped: 0,
            left: 0
        }
    );
    assert_eq!(stage.seen().len(), 2500);
    let recorded = stage.recorded();
    assert_eq!(recorded.outcomes.len(), 2500);
    for outcome in &recorded.outcomes {
        assert!(outcome.lateness.unwrap() <= ms(2), "{:?}", outcome.lateness);
        assert!(outcome.response_time >= ms(30) && outcome.response_time <= ms(32));
        assert_eq!(outcome.content_length, 7);
    }
    assert_eq!(
        recorded
            .outcomes
            .iter()
            .filter(|outcome| outcome.cold)
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_user_is_skipped_not_overlapped() {
    let mut stage = Stage::new("constant_pacing(10)", 1, Duration::from_secs(25)).await;
    stage.live(0..60).await;
    let report = stage.settle().await;
    assert_eq!(
        report,
        TickReport {
            executed: 2,
            skipped: 4,
            left: 0
        }
    );
    assert_eq!(stage.most_concurrent.load(Ordering::SeqCst), 1);
    assert_eq!(
        stage.fates(),
        BTreeMap::from([(Fate::Done, 2), (Fate::Skipped, 4)])
    );
}

#[tokio::test(start_paused = true)]
async fn another_process_sees_that_a_user_is_busy() {
    let store = MemoryStore::with_marker_lead(ms(500));
    let mut stage = Stage::with(
        store,
        "constant_pacing(10)",
        3,
        Duration::from_secs(25),
        None,
    )
    .await;
    stage.live(0..9).await;
    assert_eq!(
        stage
            .store
            .markers(&RunId("r".into()), "A", crate::block::Block(0))
            .await
            .unwrap(),
        []
    );
    stage.live(9..10).await;
    // a process that knows nothing of the first one's users
    let target = Target {
        clock: stage.clock.clone(),
        takes: ms(1),
        seen: Arc::default(),
        concurrent: Arc::default(),
        most_concurrent: Arc::default(),
    };
    let first = std::mem::replace(
        &mut stage.ticker,
        Arc::new(Ticker::new(
            Arc::clone(&stage.store),
            Arc::clone(&stage.runs),
            target,
            stage.clock.clone(),
        )),
    );
    stage.live(10..40).await;
    let report = stage.settle().await;
    drop(first);
    assert_eq!(
        report,
        TickReport {
            executed: 6,
            skipped: 6,
            left: 0
        }
    );
    let run = RunId("r".into());
    let markers = stage.store.markers(&run, "A", crate::block::Block(0));
    assert_eq!(markers.await.unwrap(), [], "taken back when done");
}

#[tokio::test(start_paused = true)]
async fn a_fast_outcome_is_written_within_two_seconds_while_a_slow_one_goes_on() {
    let mut stage = Stage::new("constant_pacing(100)", 2, ms(100)).await;
    stage.live(0..1).await;
    stage
        .clock
        .sleep_until(START.full_second() + ms(2100))
        .await;
    assert_eq!(stage.recorded().outcomes.len(), 2);
    let mut slow = Stage::new("poisson(0.5)", 20, Duration::from_secs(50)).await;
    slow.live(0..52).await;
    slow.clock
        .sleep_until(START.plus(52).full_second() + ms(100))
        .await;
    let now = slow.clock.now();
    let sent_before = |(at, _): &&(Timestamp, String)| *at + Duration::from_secs(52) <= now;
    let complete = slow.seen().iter().filter(sent_before).count();
    assert!(complete > 0);
    assert!(slow.recorded().outcomes.len() >= complete);
}

#[tokio::test(start_paused = true)]
async fn under_constant_a_user_loops_without_overlap_or_gap() {
    let mut stage = Stage::new("constant(0)", 1, ms(130)).await;
    stage.live(0..13).await;
    let report = stage.settle().await;
    assert_eq!(report.executed, 13, "a turn a slot");
    assert_eq!(stage.most_concurrent.load(Ordering::SeqCst), 1);
    let instants: Vec<Timestamp> = stage.seen().into_iter().map(|(at, _)| at).collect();
    assert!(instants.len() >= 98, "{}", instants.len());
    let gaps = instants.windows(2).map(|pair| pair[1].since(pair[0]));
    assert!(
        gaps.clone().all(|gap| gap >= ms(130) && gap <= ms(134)),
        "{:?}",
        gaps.max()
    );
    assert_eq!(stage.fates(), BTreeMap::from([(Fate::Done, 13)]));
}

#[tokio::test(start_paused = true)]
async fn under_constant_the_wait_begins_with_the_response_across_slots() {
    let mut stage = Stage::new("constant(2.5)", 2, ms(1700)).await;
    stage.live(0..43).await;
    let report = stage.settle().await;
    assert_eq!(report.executed, 2 * 43);
    let mut users: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for (at, line) in stage.seen() {
        users
            .entry(line.split(' ').next().unwrap().into())
            .or_default()
            .push(at);
    }
    for instants in users.values() {
        assert!(instants.len() >= 10);
        let gaps = instants.windows(2).map(|pair| pair[1].since(pair[0]));
        assert!(
            gaps.clone().all(|gap| gap >= ms(4200) && gap <= ms(4210)),
            "{gaps:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_after_a_stop_not_even_by_a_late_wake_up() {
    let mut stage = Stage::new("constant_pacing(1)", 100, ms(10)).await;
    stage.live(0..5).await;
    let stop = Run::change_at(&stage.clock);
    stage.change(|run| run.stopped_at = Some(stop)).await;
    stage.live(5..10).await;
    // the wake-ups of slots that were due before the stop come again, after it
    let late = WakeUp {
        run: RunId("r".into()),
        class: "A".into(),
        block: crate::block::Block(0),
        slot: START.plus(4),
    };
    let report = stage.ticker.run(&late, None).await.unwrap();
    assert_eq!(
        report,
        TickReport {
            executed: 0,
            skipped: 0,
            left: 100
        }
    );
    stage.settle().await;
    assert!(stage.seen().iter().all(|(at, _)| *at < stop));
    assert_eq!(
        stage.seen().len() as u64,
        100 * stop.since(START.full_second()).as_secs()
    );
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_that_is_half_a_minute_late_is_not_executed() {
    let mut stage = Stage::new("constant_pacing(1)", 5, ms(10)).await;
    stage.live(0..2).await;
    stage.clock.sleep_until(START.plus(33).full_second()).await;
    let late = WakeUp {
        run: RunId("r".into()),
        class: "A".into(),
        block: crate::block::Block(0),
        slot: START.plus(2),
    };
    assert_eq!(stage.ticker.run(&late, None).await.unwrap().left, 5);
    let less = WakeUp {
        slot: START.plus(4),
        ..late
    };
    assert_eq!(stage.ticker.run(&less, None).await.unwrap().executed, 5);
    let lateness = stage
        .recorded()
        .outcomes
        .iter()
        .filter_map(|outcome| outcome.lateness)
        .max();
    assert!(
        lateness.unwrap() >= Duration::from_secs(28),
        "shown as ours, not as the target's"
    );
}

#[tokio::test(start_paused = true)]
async fn the_stop_timeout_cuts_off_and_says_so() {
    let mut stage = Stage::new("constant_pacing(100)", 3, Duration::from_secs(40)).await;
    stage.live(0..5).await;
    let stop = Run::change_at(&stage.clock);
    stage.change(|run| run.stopped_at = Some(stop)).await;
    assert_eq!(stage.ticker.in_flight(), 3);
    stage.ticker.cut_off(&RunId("r".into()));
    stage.settle().await;
    assert_eq!(stage.ticker.in_flight(), 0);
    assert_eq!(stage.fates(), BTreeMap::from([(Fate::CutOff, 3)]));
    assert_eq!(stage.recorded().outcomes, []);
}

#[tokio::test(start_paused = true)]
async fn what_is_late_within_a_tick_that_was_in_time_is_not_sent() {
    for (stands_still, sends) in [(ms(29_000), true), (ms(30_500), false)] {
        let mut stage = Stage::new("constant_pacing(1)", 50, ms(10)).await;
        stage.live(0..1).await;
        stage.settle().await;
        let before = stage.seen().len();
        for wake_up in stage.queue.take_before(START.plus(2)) {
            let ticker = Arc::clone(&stage.ticker);
            stage
                .ticks
                .spawn(async move { ticker.run(&wake_up, None).await });
        }
        // the wake-up came in time, and some of its iterations are still to be sent
        let amid = START.plus(1).full_second() + ms(25);
        stage.clock.sleep_until(amid).await;
        tokio::time::advance(stands_still).await;
        let report = stage.settle().await;
        assert_eq!(report.executed + report.left, 50, "{report:?}");
        assert_eq!(report.left > 0, !sends, "{report:?}");
        assert_eq!(stage.seen().len(), before + report.executed as usize);
        assert_eq!(stage.recorded().outcomes.len(), stage.seen().len());
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_sends_the_same_requests() {
    let lines = |stage: &Stage| -> Vec<String> {
        let mut lines: Vec<String> = stage.seen().into_iter().map(|(_, line)| line).collect();
        lines.sort();
        lines
    };
    let mut first = Stage::new("between(1, 3)", 20, ms(5)).await;
    first.live(0..30).await;
    let mut second = Stage::new("between(1, 3)", 20, ms(700)).await;
    second.live(0..30).await;
    second.settle().await;
    assert!(first.seen().len() > 250);
    assert_eq!(lines(&first), lines(&second));
}

#[tokio::test(start_paused = true)]
async fn a_day_of_traffic_takes_a_moment() {
    let mut stage = Stage::new("constant_pacing(600)", 1, ms(5)).await;
    stage.live(0..86_400).await;
    let report = stage.settle().await;
    assert_eq!(
        report,
        TickReport {
            executed: 144,
            skipped: 0,
            left: 0
        }
    );
}
