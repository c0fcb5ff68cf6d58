//! Adaptive load in paused time, on a target that is the slower the more users there are: it climbs, settles at the
//! highest step that held, and decides once, whoever looks and whoever has died meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Request;
use statistics::adaptive::{Looked, adapt};
use statistics::ledger::AdaptiveLoad;
use statistics::reader::Snapshot;
use testing::{FaultyStore, MemoryHeartbeat, MemoryQueue};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use traffic::clock::Clock;
use traffic::deployment::Deployment;
use traffic::plan::bounded::bounded;
use traffic::ports::RunStore as _;
use traffic::run::{IterationLimit, Run, RunId, Segment, ShapePart, Share};
use traffic::run_rules::Limits;
use traffic::runs::planned_classes;
use traffic::tick::Ticker;
use traffic::transport::{Reply, RequestContext, Transport};
use traffic::workload::{Course, Workload};

use super::scene::{START, assert_adds_up, reader};

/// Takes ten milliseconds for each user that there is.
struct Target(Arc<AtomicU64>);

impl Transport for Target {
    async fn send(&self, _: Request, _: &RequestContext) -> Result<Reply, String> {
        tokio::time::sleep(Duration::from_millis(10 * self.0.load(Ordering::Relaxed))).await;
        Ok(Reply::default())
    }
}

type Ports = Deployment<FaultyStore, MemoryQueue, MemoryHeartbeat>;

/// A process that sends traffic and decides.
struct Process {
    clock: Clock,
    store: Arc<FaultyStore>,
    queue: Arc<MemoryQueue>,
    deployment: Ports,
    ticker: Arc<Ticker<FaultyStore, Target>>,
    users: Arc<AtomicU64>,
    ticks: JoinSet<()>,
    limits: Limits,
}

/// The workload of users who are due once in `pacing` seconds, with this adaptive load.
fn workload(pacing: u64, adaptive: &str) -> Workload {
    let source = format!(
        "hosts.h = 'http://127.0.0.1:9'\n[class.A]\nwait = 'constant_pacing({pacing})'\n\
         task.t.request = '/a'\n[shape.S]\nadaptive = {adaptive}\n"
    );
    Workload::parse(&source, "w.toml", &|_| None).unwrap_or_else(|error| panic!("{error}"))
}

impl Process {
    async fn begin(pacing: u64, adaptive: &str, iterations: Option<u64>) -> Self {
        let clock = Clock::following_tokio(START.full_second() - Duration::from_millis(1_500));
        let store = Arc::<FaultyStore>::default();
        store.hide_buckets(true);
        let workload = workload(pacing, adaptive);
        (store
            .put_workload(workload.version(), workload.source())
            .await)
            .unwrap();
        let Course::Adaptive(adaptive) = workload.shapes()[0].course() else {
            panic!("{:?}", workload.shapes());
        };
        let from = START.full_second();
        let shares = vec![Share::new("A", 1, 0)];
        let first = Segment {
            shape: Some(ShapePart {
                name: "S".into(),
                daily: None,
                step: Some(adaptive.first_step(from)),
            }),
            ..Segment::new(from, adaptive.start, adaptive.spawn_rate, shares)
        };
        let run = Run {
            iterations: iterations.map(|most| IterationLimit { most, last: None }),
            ..Run::new(
                RunId("r1".into()),
                7,
                workload.version(),
                clock.now(),
                vec![first],
            )
        };
        let run = bounded(run, planned_classes(&workload));
        store.put_run(&run).await.unwrap();
        Self::on(&store, &clock)
    }

    /// A process on a store that others have used.
    fn on(store: &Arc<FaultyStore>, clock: &Clock) -> Self {
        let (queue, heartbeat) = <(Arc<MemoryQueue>, Arc<MemoryHeartbeat>)>::default();
        let deployment = testing::deployment(store, &queue, &heartbeat, clock);
        let (runs, users) = (Arc::clone(&deployment.runs), Arc::<AtomicU64>::default());
        let target = Target(Arc::clone(&users));
        Self {
            clock: clock.clone(),
            store: Arc::clone(store),
            queue,
            ticker: Arc::new(Ticker::new(Arc::clone(store), runs, target, clock.clone())),
            deployment,
            users,
            ticks: JoinSet::new(),
            limits: Limits::default(),
        }
    }

    async fn adapt(&self) -> Looked {
        adapt(&self.deployment, &self.limits, &Mutex::default())
            .await
            .unwrap()
    }

    /// Sends traffic in these seconds of the run, and looks whether there is something to decide in each.
    async fn play(&mut self, from: u64, until: u64) {
        for second in from..until {
            let slot = START.plus(second);
            if second % 60 == 0 || second == from {
                self.deployment.plan_ahead().await.unwrap();
            }
            self.adapt().await;
            for wake_up in self.queue.take_before(slot.plus(2)) {
                let ticker = Arc::clone(&self.ticker);
                self.ticks.spawn(async move {
                    ticker.run(&wake_up, None).await.unwrap();
                });
            }
            self.clock.sleep_until(slot.full_second()).await;
            let run = self.deployment.runs.latest().await.unwrap().unwrap();
            let users = run.plan.user_count(self.clock.now());
            self.users.store(users, Ordering::Relaxed);
        }
    }

    async fn snapshot(&self) -> Snapshot {
        let snapshot = reader(&self.store, &self.clock).snapshot().await.unwrap();
        assert_adds_up(&snapshot);
        snapshot
    }

    async fn load(&self) -> AdaptiveLoad {
        self.snapshot().await.ledger.adaptive.clone().unwrap()
    }
}

fn reasons(load: &AdaptiveLoad) -> Vec<&str> {
    load.decisions.iter().map(|one| &*one.reason).collect()
}

const CLIMB: &str =
    "{ start = 2, step = 2, every = 20, until = 'p95 < 100 and fail_ratio < 0.1', at_most = 20 }";

const CLIMBED: [&str; 5] = [
    "p95 20 ms, fail_ratio 0 at 2 users: on to 4",
    "p95 40 ms, fail_ratio 0 at 4 users: on to 6",
    "p95 60 ms, fail_ratio 0 at 6 users: on to 8",
    "p95 80 ms, fail_ratio 0 at 8 users: on to 10",
    "p95 100 ms at 10 users: back to 8",
];

#[tokio::test(start_paused = true)]
async fn it_climbs_while_the_target_holds_and_stays_at_the_highest_step_that_held() {
    let mut process = Process::begin(1, CLIMB, None).await;
    process.play(0, 240).await;
    while process.ticks.join_next().await.is_some() {}
    let snapshot = process.snapshot().await;
    let load = snapshot.ledger.adaptive.as_ref().unwrap();
    assert_eq!(reasons(load), CLIMBED);
    assert_eq!((load.step, load.users, load.held), (6, 8, Some(8)));
    assert!(load.is_settled && load.waits.is_none());
    let users: Vec<u32> = load.decisions.iter().map(|one| one.users).collect();
    assert_eq!(users, [4, 6, 8, 10, 8]);
    assert_eq!(snapshot.user_count(), 8);
    // each decision is a segment, and nothing of the plan is lost
    let run = snapshot.run.as_ref().unwrap().plan.run();
    assert_eq!(run.segments.len(), 6);
    let total = snapshot.ledger.total;
    assert_eq!((total.missing, total.skipped, total.unplanned), (0, 0, 0));
    assert_eq!(total.planned, total.recorded + total.pending);
    assert!(total.planned > 1_500, "{total:?}");
    // the last look at the results of a step comes after its end
    for pair in run.segments.windows(2) {
        assert!((22..26).contains(&pair[1].from.since(pair[0].from).as_secs()));
    }
    let events = statistics::report::events::events(&snapshot);
    let names: Vec<&str> = events.iter().map(|event| &*event.name).collect();
    assert_eq!(names[1..6], CLIMBED);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_goes_on_in_the_middle_of_a_step_decides_the_same() {
    let mut first = Process::begin(1, CLIMB, None).await;
    first.play(0, 58).await;
    assert_eq!(first.load().await.decisions.len(), 2);
    // it dies amid the third step
    first.ticks.shutdown().await;
    let mut second = Process::on(&first.store, &first.clock);
    second.deployment.plan_again().await.unwrap();
    second.play(58, 240).await;
    assert_eq!(reasons(&second.load().await), CLIMBED);
    // a step whose end nobody saw is judged by what there is of it
    let mut first = Process::begin(1, CLIMB, None).await;
    first.play(0, 64).await;
    first.ticks.shutdown().await;
    first.clock.sleep_until(START.plus(100).full_second()).await;
    let mut second = Process::on(&first.store, &first.clock);
    second.deployment.plan_again().await.unwrap();
    second.play(100, 280).await;
    assert_eq!(reasons(&second.load().await), CLIMBED);
}

#[tokio::test(start_paused = true)]
async fn of_several_processes_that_look_at_once_one_decides() {
    let mut process = Process::begin(1, CLIMB, None).await;
    let others = [(); 3].map(|()| Process::on(&process.store, &process.clock));
    let mut decisions = 0;
    for second in 0..170 {
        let [one, two, three] = &others;
        let looks = tokio::join!(one.adapt(), two.adapt(), three.adapt());
        decisions += [looks.0, looks.1, looks.2]
            .iter()
            .filter(|looked| **looked == Looked::Decided)
            .count();
        process.play(second, second + 1).await;
    }
    let load = process.load().await;
    assert_eq!(reasons(&load), CLIMBED);
    assert!(decisions <= 5, "{decisions}");
}

#[tokio::test(start_paused = true)]
async fn a_step_with_too_few_requests_waits_for_more_and_says_so() {
    let adaptive = "{ start = 1, step = 1, every = 20, until = 'p95 < 15', at_most = 5 }";
    let mut process = Process::begin(5, adaptive, None).await;
    process.play(0, 30).await;
    let load = process.load().await;
    assert_eq!(
        load.waits.as_deref(),
        Some("3 requests in 19 s at 1 user, too few to judge (fewer than 10): waits")
    );
    assert_eq!((load.step, load.decisions.len()), (1, 0));
    process.play(30, 200).await;
    assert_eq!(
        reasons(&process.load().await),
        [
            "p95 10 ms at 1 user: on to 2",
            "p95 20 ms at 2 users: back to 1"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_ends_of_a_climb() {
    let decided = async |adaptive: &str, most: u32| {
        let mut process = Process::begin(1, adaptive, None).await;
        process.limits.max_users = most;
        process.play(0, 120).await;
        let load = process.load().await;
        assert!(load.is_settled);
        let last = load.decisions.last().unwrap();
        (load.users, last.reason.clone())
    };
    let never = "{ start = 3, step = 2, every = 20, until = 'p50 < 5', at_most = 20 }";
    let (users, reason) = decided(never, 100).await;
    assert_eq!(users, 3);
    assert_eq!(
        reason,
        "p50 30 ms at 3 users: stays at 3, fewer were not tried"
    );
    let always = "{ start = 3, step = 2, every = 20, until = 'max < 5000', at_most = 6 }";
    let (users, reason) = decided(always, 100).await;
    assert_eq!(users, 6);
    assert_eq!(
        reason,
        "max 60 ms at 6 users: stays at 6, the most that it may have"
    );
    let (users, reason) = decided(always, 5).await;
    assert_eq!(users, 5);
    assert_eq!(
        reason,
        "max 50 ms at 5 users: stays at 5, the limit is 5 users"
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_iterations_ends_a_climb_at_exactly_so_many() {
    let mut process = Process::begin(1, CLIMB, Some(333)).await;
    process.play(0, 120).await;
    while process.ticks.join_next().await.is_some() {}
    let snapshot = process.snapshot().await;
    let total = snapshot.ledger.total;
    assert_eq!(
        (total.planned, total.recorded, total.missing),
        (333, 333, 0)
    );
    assert_eq!(snapshot.report().total.num_requests, 333);
    assert!(
        snapshot
            .run
            .as_ref()
            .unwrap()
            .plan
            .run()
            .is_over(process.clock.now())
    );
}
