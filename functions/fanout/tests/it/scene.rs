//! A stage in memory: the function, a control that starts runs, and what is logged.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aws::environment::JsonLines;
use control::{Control, Limits, Settings, SwarmRequest};
use fanout::Function;
use parking_lot::Mutex;
use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;
use traffic::clock::{Clock, Slot, Slots, Timestamp};
use traffic::fanout::FanOut;
use traffic::memory::{MemoryHeartbeat, MemoryQueue};
use traffic::ports::{Queue, QueueError, Store as _, WakeUp};
use traffic::record::wire::Contents;
use traffic::record::{Block, Bucket, Outcome, Record, RecordKey, RequestName};
use traffic::run::RunId;
use traffic::runs::Runs;
use traffic::workload::Workload;

use crate::store::TestStore;

/// When the tests' time begins: in the middle of a minute.
pub(crate) fn epoch() -> Timestamp {
    Slot(1_800_000_015).full_second() + Duration::from_millis(333)
}

/// See the [module](self).
pub(crate) struct Scene {
    pub(crate) clock: Clock,
    pub(crate) store: Arc<TestStore>,
    pub(crate) queue: Arc<TestQueue>,
    pub(crate) heartbeat: Arc<MemoryHeartbeat>,
    pub(crate) function: Function<TestStore, TestQueue, MemoryHeartbeat>,
    control: Control<TestStore, TestQueue, MemoryHeartbeat>,
    written: Written,
    records: AtomicU64,
    _logging: DefaultGuard,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::within(Limits::default())
    }

    /// The function with limits of its own: those of a later deployment.
    pub(crate) fn within(limits: Limits) -> Self {
        let clock = Clock::following_tokio(epoch());
        let store = Arc::<TestStore>::default();
        let (queue, heartbeat) = (Arc::<TestQueue>::default(), Arc::default());
        // the control has copies of its own: it is another process
        let process = || {
            let runs = Runs::new(Arc::clone(&store), clock.clone(), Arc::new(|_: &str| None));
            Arc::new(FanOut {
                store: Arc::clone(&store),
                queue: Arc::clone(&queue),
                heartbeat: Arc::clone(&heartbeat),
                runs: Arc::new(runs),
                clock: clock.clone(),
            })
        };
        let workload = Workload::built_in(&|_| None).expect("the built-in workload is valid");
        let settings = Settings::new(Arc::new(workload));
        let of_now = Settings {
            limits,
            ..settings.clone()
        };
        let fan_out = process();
        let of_now = Control::new(of_now, Arc::clone(&fan_out)).expect("these settings are good");
        let function = Function::new(fan_out, of_now);
        let control = Control::new(settings, process());
        let written = Written::default();
        let writer = written.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(JsonLines)
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        Self {
            function,
            control: control.expect("these settings are good"),
            written,
            records: AtomicU64::default(),
            _logging: tracing::subscriber::set_default(subscriber),
            clock,
            store,
            queue,
            heartbeat,
        }
    }

    /// Starts a run of so many users.
    pub(crate) async fn start(&self, users: u64, run_time: Option<Duration>) -> RunId {
        let request = SwarmRequest {
            user_count: Some(users),
            spawn_rate: Some(100.0),
            run_time,
            ..SwarmRequest::default()
        };
        let swarmed = self.control.swarm(request).await;
        swarmed.expect("a swarm like this is granted");
        let run = self.store.latest_run().await.expect("it can be read");
        run.expect("one was just started").id
    }

    /// Lets time pass.
    pub(crate) async fn sleep(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// Writes a record as of now, with so many requests and failures among them.
    pub(crate) async fn record(&self, run: &RunId, requests: u32, failures: u32, took: Duration) {
        let slot = self.clock.now().full_second();
        let request = Arc::new(RequestName {
            method: "GET".into(),
            name: "/".into(),
        });
        let outcome = |number| Outcome {
            request: Arc::clone(&request),
            completed_at: self.clock.now(),
            response_time: took,
            content_length: 2,
            error: (number < failures).then(|| "no".into()),
            trace: None,
            lateness: None,
            cold: false,
        };
        let mut contents = Contents {
            outcomes: (0..requests).map(outcome).collect(),
            ..Contents::default()
        };
        let record = Record {
            key: RecordKey {
                run: run.clone(),
                bucket: Bucket::of(self.clock.now()),
                class: "TargetAppUser".into(),
                block: Block(0),
                slot,
                writer: self.records.fetch_add(1, Ordering::Relaxed),
                sequence: 0,
            },
            requests,
            failures,
            payload: contents.encode(slot),
        };
        let written = self.store.put_record(record).await;
        written.expect("it can be written");
    }

    /// The wake-ups that are waiting.
    pub(crate) fn take_wake_ups(&self) -> Vec<WakeUp> {
        self.queue.inner.take_before(Slot(u64::MAX))
    }

    /// The fields of the lines with this text.
    pub(crate) fn logged(&self, message: &str) -> Vec<Value> {
        let written = self.written.0.lock();
        let text = std::str::from_utf8(&written).expect("lines are text");
        let lines = text.lines().map(|line| {
            let mut line: Value = serde_json::from_str(line).expect("lines are JSON");
            line["fields"].take()
        });
        lines
            .filter(|fields| fields["message"] == message)
            .collect()
    }
}

/// A queue that is closed when it is told to be.
#[derive(Debug, Default)]
pub(crate) struct TestQueue {
    inner: MemoryQueue,
    refuses: AtomicBool,
}

impl TestQueue {
    /// Makes it take nothing, or everything.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }
}

impl Queue for TestQueue {
    async fn send(&self, slots: Slots, wake_ups: Vec<WakeUp>) -> Result<(), QueueError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(QueueError {
                undelivered: wake_ups.len(),
                source: "the queue is closed".into(),
            });
        }
        self.inner.send(slots, wake_ups).await
    }
}

/// What is logged.
#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock();
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
