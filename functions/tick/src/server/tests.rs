//! Processes on one store in memory, in paused time: every tick is executed by one of them, whoever dies.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::Request;
use testing::{Calls, FaultyStore, MemoryStore};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use traffic::ports::RunStore as _;
use traffic::record::BlockSize;
use traffic::run::{Run, Segment, Share};
use traffic::transport::{Reply, RequestContext};
use traffic::workload::Workload;

use super::*;

const START: Slot = Slot(1_700_000_040);

/// Counts what each process sends, by the second.
#[derive(Clone)]
struct Target {
    process: usize,
    takes: Duration,
    clock: Clock,
    seen: Seen,
}

/// Requests by slot and process.
type Seen = Arc<Mutex<BTreeMap<(Slot, usize), u32>>>;

impl Transport for Target {
    async fn send(&self, _: Request, _: &RequestContext) -> Result<Reply, String> {
        let slot = self.clock.now().full_second();
        *self
            .seen
            .lock()
            .unwrap()
            .entry((slot, self.process))
            .or_default() += 1;
        tokio::time::sleep(self.takes).await;
        Ok(Reply::default())
    }
}

struct Scene {
    store: Arc<FaultyStore>,
    workload: Workload,
    clock: Clock,
    seen: Seen,
}

struct Process {
    end: oneshot::Sender<()>,
    running: JoinHandle<()>,
    health: Health,
}

impl Scene {
    /// 40 users, one iteration a second, in blocks of 5, two seconds before they start.
    async fn new() -> Self {
        let source = "[hosts.one]\nurl = \"http://127.0.0.1:9\"\n[class.A]\n\
                      wait = \"constant_pacing(1)\"\ntask.look.request = \"GET /\"\n";
        let workload = Workload::parse(source, "test", &|_| None).unwrap();
        let scene = Self {
            store: Arc::new(FaultyStore::over(MemoryStore::default())),
            clock: Clock::following_tokio(START.full_second() - Duration::from_secs(2)),
            workload,
            seen: Arc::default(),
        };
        scene.put(&scene.run("1", START)).await;
        scene
    }

    /// Writes a run, and the workload that it is pinned to.
    async fn put(&self, run: &Run) {
        let (version, source) = (self.workload.version(), self.workload.source());
        self.store.put_workload(version, source).await.unwrap();
        self.store.put_run(run).await.unwrap();
    }

    fn run(&self, name: &str, from: Slot) -> Run {
        Run {
            block_size: BlockSize::new(5).unwrap(),
            ..Run::new(
                RunId(name.into()),
                1,
                self.workload.version(),
                from.full_second() - Duration::from_secs(2),
                vec![Segment::new(
                    from.full_second(),
                    40,
                    1000.0,
                    vec![Share::new("A", 1, 40)],
                )],
            )
        }
    }

    /// Starts a process whose requests take so long.
    fn start(&self, process: usize, takes: Duration) -> Process {
        let runs = testing::runs(&self.store, &self.clock);
        let target = Target {
            process,
            takes,
            clock: self.clock.clone(),
            seen: Arc::clone(&self.seen),
        };
        let store = Arc::clone(&self.store);
        let ticker = Ticker::new(store, Arc::clone(&runs), target, self.clock.clone());
        let server = Server::new(ticker, runs, self.clock.clone(), process as u64);
        let health = server.health();
        let (end, ended) = oneshot::channel();
        let running = tokio::spawn(server.run(async move {
            let _ = ended.await;
        }));
        Process {
            end,
            running,
            health,
        }
    }

    async fn at(&self, second: u64) {
        self.clock
            .sleep_until(START.plus(second).full_second())
            .await;
    }

    /// Requests of a second after the start, by process.
    fn sent(&self, second: u64) -> BTreeMap<usize, u32> {
        let seen = self.seen.lock().unwrap();
        let of_slot = seen
            .iter()
            .filter(|((slot, _), _)| *slot == START.plus(second));
        of_slot
            .map(|((_, process), count)| (*process, *count))
            .collect()
    }

    fn total(&self, second: u64) -> u32 {
        self.sent(second).values().sum()
    }

    fn recorded(&self) -> u32 {
        (self.store.inner)
            .all_records()
            .iter()
            .map(|record| record.requests)
            .sum()
    }
}

#[tokio::test(start_paused = true)]
async fn processes_share_the_ticks_and_none_is_executed_twice() {
    let scene = Scene::new().await;
    let _processes: Vec<_> = (0..3).map(|n| scene.start(n, Duration::ZERO)).collect();
    scene.at(31).await;
    let mut shares = BTreeMap::<usize, u32>::new();
    for second in 0..30 {
        assert_eq!(scene.total(second), 40, "in second {second}");
        for (process, count) in scene.sent(second) {
            *shares.entry(process).or_default() += count;
        }
    }
    assert_eq!(shares.len(), 3);
    // a third of 1,200 each, as a drawn order gives it
    assert!(
        shares.values().all(|count| (250..=550).contains(count)),
        "{shares:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn when_a_process_dies_the_others_have_its_ticks_from_the_next_slot_on() {
    let scene = Scene::new().await;
    let _one = scene.start(1, Duration::ZERO);
    let other = scene.start(2, Duration::ZERO);
    scene
        .clock
        .sleep_until(START.plus(10).full_second() + Duration::from_millis(50))
        .await;
    other.running.abort();
    scene.at(31).await;
    for second in 11..30 {
        assert_eq!(
            scene.sent(second),
            BTreeMap::from([(1, 40)]),
            "in second {second}"
        );
    }
    // and one that comes back takes its share again
    let _again = scene.start(3, Duration::ZERO);
    scene.at(51).await;
    for second in 32..50 {
        assert_eq!(scene.total(second), 40, "in second {second}");
    }
    assert!((32..50).any(|second| scene.sent(second).contains_key(&3)));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_is_left_and_the_next_one_followed_without_a_gap() {
    let scene = Scene::new().await;
    let _process = scene.start(1, Duration::ZERO);
    scene.at(5).await;
    let stopped = Run {
        revision: 2,
        stopped_at: Some(START.plus(8).full_second()),
        ..scene.run("1", START)
    };
    scene.store.put_run(&stopped).await.unwrap();
    // known at once, while the one before still has slots
    let next = scene.run("2", START.plus(8));
    scene.store.put_run(&next).await.unwrap();
    scene.at(15).await;
    for second in 0..14 {
        assert_eq!(scene.total(second), 40, "in second {second}");
    }
    let over = Run {
        revision: 2,
        stopped_at: Some(START.plus(18).full_second()),
        ..next
    };
    scene.store.put_run(&over).await.unwrap();
    scene.at(30).await;
    assert_eq!(scene.total(17), 40);
    assert!((18..30).all(|second| scene.total(second) == 0));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_told_to_end_begins_nothing_more_and_records_what_it_has_begun() {
    let scene = Scene::new().await;
    let process = scene.start(1, Duration::from_millis(700));
    scene
        .clock
        .sleep_until(START.plus(10).full_second() + Duration::from_millis(300))
        .await;
    process.end.send(()).unwrap();
    process.running.await.unwrap();
    assert!(scene.clock.now() < START.plus(13).full_second());
    scene.at(20).await;
    assert_eq!((11..20).map(|second| scene.total(second)).sum::<u32>(), 0);
    assert_eq!(
        scene.recorded(),
        (0..11).map(|second| scene.total(second)).sum::<u32>()
    );
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_at_the_end_is_cut_off() {
    let scene = Scene::new().await;
    let process = scene.start(1, Duration::from_secs(50));
    scene.at(3).await;
    process.end.send(()).unwrap();
    process.running.await.unwrap();
    let took = scene.clock.now().since(START.plus(3).full_second());
    assert!(took < PATIENCE + WRITES_WITHIN, "{took:?}");
    // whoever is busy is skipped in its later slots, and each is in the records once
    assert_eq!(scene.total(0), 40);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_gone_is_left_and_the_next_one_is_executed() {
    let scene = Scene::new().await;
    let process = scene.start(1, Duration::ZERO);
    scene.at(5).await;
    assert_eq!(process.health.trouble(), None);
    // as a table that was deleted, or DynamoDB Local that was begun anew
    scene.store.inner.forget();
    scene.at(30).await;
    assert_eq!((8..30).map(|second| scene.total(second)).sum::<u32>(), 0);
    assert_eq!(process.health.trouble(), None, "nothing is wrong any more");
    scene.put(&scene.run("2", START.plus(32))).await;
    scene.at(50).await;
    for second in 32..49 {
        assert_eq!(scene.total(second), 40, "in second {second}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_be_executed_keeps_no_other_from_it() {
    let scene = Scene::new().await;
    let process = scene.start(1, Duration::ZERO);
    scene.at(5).await;
    let stopped = Run {
        revision: 2,
        stopped_at: Some(START.plus(20).full_second()),
        ..scene.run("1", START)
    };
    scene.store.put_run(&stopped).await.unwrap();
    let pinned_to_nothing = Run {
        workload: "gone".into(),
        ..scene.run("2", START.plus(10))
    };
    scene.store.put_run(&pinned_to_nothing).await.unwrap();
    scene.at(25).await;
    for second in 0..20 {
        assert_eq!(scene.total(second), 40, "in second {second}");
    }
    let trouble = process.health.trouble().expect("it is said");
    assert!(
        trouble.starts_with("a run cannot be executed: "),
        "{trouble}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_process_is_not_well_while_its_store_is_away_and_well_again_by_itself() {
    let scene = Scene::new().await;
    let process = scene.start(1, Duration::ZERO);
    for hangs in [false, true] {
        let begun = scene.clock.now();
        let after = async |seconds: u64| {
            let at = begun + Duration::from_secs(seconds);
            scene.clock.sleep_until(at).await;
            process.health.trouble()
        };
        assert_eq!(after(5).await, None);
        if hangs {
            scene.store.hang(Calls::All);
        } else {
            scene.store.fail(Calls::All);
        }
        let trouble = after(18).await.expect("it is said");
        let said = if hangs {
            "the runs were not read for "
        } else {
            "the runs cannot be read: "
        };
        assert!(trouble.starts_with(said), "{trouble}");
        assert!(after(65).await.is_some(), "as long as it is so");
        scene.store.recover();
        if hangs {
            // what hangs in here hangs for ever, unlike a call to DynamoDB
            return;
        }
        let before = scene.recorded();
        assert_eq!(after(75).await, None);
        assert!(scene.recorded() > before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_whose_store_hangs_ends_all_the_same() {
    let scene = Scene::new().await;
    let process = scene.start(1, Duration::from_secs(50));
    scene.at(3).await;
    scene.store.hang(Calls::All);
    scene.at(20).await;
    let told = scene.clock.now();
    process.end.send(()).unwrap();
    process.running.await.unwrap();
    assert!(scene.clock.now().since(told) <= PATIENCE + WRITES_WITHIN);
}

#[test]
fn a_process_that_is_told_to_end_has_ended_before_a_container_engine_kills_it() {
    assert!(PATIENCE + WRITES_WITHIN + CLOSES_WITHIN < Duration::from_secs(9));
}
