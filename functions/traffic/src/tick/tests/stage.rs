//! A run with a target that is slow, for tests of ticks in paused time.

use reqwest::Request;
use tokio::task::JoinSet;

use super::*;
use crate::deployment::Deployment;
use crate::memory::{MemoryHeartbeat, MemoryQueue};
use crate::transport::{Reply, RequestContext};

/// Answers every request after a while, and remembers who sent what when.
pub(super) struct Target {
    pub(super) clock: Clock,
    pub(super) takes: Duration,
    pub(super) seen: Arc<Mutex<Vec<(Timestamp, String)>>>,
    pub(super) concurrent: Arc<AtomicUsize>,
    pub(super) most_concurrent: Arc<AtomicUsize>,
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

/// A run of class A, and all that executes it.
pub(super) struct Stage {
    pub(super) clock: Clock,
    pub(super) store: Arc<MemoryStore>,
    pub(super) runs: Arc<Runs<MemoryStore>>,
    pub(super) queue: Arc<MemoryQueue>,
    pub(super) heartbeat: Arc<MemoryHeartbeat>,
    pub(super) deployment: Deployment<MemoryStore, MemoryQueue, MemoryHeartbeat>,
    pub(super) ticker: Arc<Ticker<MemoryStore, Target>>,
    pub(super) seen: Arc<Mutex<Vec<(Timestamp, String)>>>,
    pub(super) most_concurrent: Arc<AtomicUsize>,
    pub(super) ticks: JoinSet<Result<TickReport, TickError>>,
}

impl Stage {
    /// `users` users of class A, who wait as `wait` says, at a target that takes `takes` to answer.
    pub(super) async fn new(wait: &str, users: u32, takes: Duration) -> Self {
        Self::with(MemoryStore::default(), wait, users, takes, None).await
    }

    pub(super) async fn with(
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
    pub(super) async fn live(&mut self, seconds: std::ops::Range<u64>) {
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
    pub(super) async fn settle(&mut self) -> TickReport {
        let mut total = TickReport::default();
        while let Some(report) = self.ticks.join_next().await {
            let report = report.unwrap().unwrap();
            total.executed += report.executed;
            total.skipped += report.skipped;
            total.left += report.left;
        }
        total
    }

    pub(super) async fn change(&self, change: impl FnOnce(&mut Run)) {
        let mut run = self.store.latest_run().await.unwrap().unwrap();
        run.revision += 1;
        change(&mut run);
        self.store.put_run(&run).await.unwrap();
        self.runs.put(run).await.unwrap();
    }

    pub(super) fn seen(&self) -> Vec<(Timestamp, String)> {
        self.seen.lock().clone()
    }

    pub(super) fn recorded(&self) -> Contents {
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

    pub(super) fn fates(&self) -> BTreeMap<Fate, usize> {
        let mut fates = BTreeMap::new();
        for iteration in self.recorded().iterations {
            *fates.entry(iteration.fate).or_default() += 1;
        }
        fates
    }
}
