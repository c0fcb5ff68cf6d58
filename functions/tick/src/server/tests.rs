//! Processes on one store in memory, in paused time: every tick is executed by one of them, whoever dies.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::Request;
use testing::MemoryStore;
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
    store: Arc<MemoryStore>,
    workload: Workload,
    clock: Clock,
    seen: Seen,
}

struct Process {
    end: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Scene {
    /// 40 users, one iteration a second, in blocks of 5, two seconds before they start.
    async fn new() -> Self {
        let source = "[hosts.one]\nurl = \"http://127.0.0.1:9\"\n[class.A]\n\
                      wait = \"constant_pacing(1)\"\ntask.look.request = \"GET /\"\n";
        let workload = Workload::parse(source, "test", &|_| None).unwrap();
        let scene = Self {
            store: Arc::default(),
            clock: Clock::following_tokio(START.full_second() - Duration::from_secs(2)),
            workload,
            seen: Arc::default(),
        };
        let put = scene.store.put_workload(scene.workload.version(), source);
        put.await.unwrap();
        scene.store.put_run(&scene.run("1", START)).await.unwrap();
        scene
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
        let (end, ended) = oneshot::channel();
        let running = tokio::spawn(server.run(async move {
            let _ = ended.await;
        }));
        Process { end, running }
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
        self.store
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
