//! A stage in memory: the function, a control that starts runs, and what is logged.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws::environment::JsonLines;
use control::{Control, ControlSettings, SwarmRequest};
use fanout::Function;
use parking_lot::Mutex;
use serde_json::Value;
use testing::{FaultyQueue, FaultyStore, MemoryHeartbeat};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;
use traffic::clock::{Clock, Slot, Timestamp};
use traffic::ports::{RecordStore as _, RunStore as _, WakeUp};
use traffic::record::wire::Contents;
use traffic::record::{Block, Bucket, Outcome, RecordKey, RequestName};
use traffic::run::RunId;
use traffic::run_rules::{Limits, RunRules};
use traffic::workload::Workload;

/// When the tests' time begins: in the middle of a minute.
pub(crate) fn epoch() -> Timestamp {
    Slot(1_800_000_015).full_second() + Duration::from_millis(333)
}

/// See the [module](self).
pub(crate) struct Scene {
    pub(crate) clock: Clock,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) queue: Arc<FaultyQueue>,
    pub(crate) heartbeat: Arc<MemoryHeartbeat>,
    pub(crate) function: Function<FaultyStore, FaultyQueue, MemoryHeartbeat>,
    control: Control<FaultyStore, FaultyQueue, MemoryHeartbeat>,
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
        let store = Arc::<FaultyStore>::default();
        let (queue, heartbeat) = (Arc::<FaultyQueue>::default(), Arc::default());
        // the control has copies of its own: it is another process
        let process = || Arc::new(testing::deployment(&store, &queue, &heartbeat, &clock));
        let workload = Workload::built_in(&|_| None).expect("the built-in workload is valid");
        let settings = ControlSettings::new(Arc::new(workload));
        let rules = RunRules {
            limits,
            ..RunRules::default()
        };
        let function = Function::new(process(), rules);
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
            stream: None,
            measured: Vec::new(),
        };
        let mut contents = Contents {
            outcomes: (0..requests).map(outcome).collect(),
            ..Contents::default()
        };
        let record = contents.record(RecordKey {
            run: run.clone(),
            bucket: Bucket::of(self.clock.now()),
            class: "TargetAppUser".into(),
            block: Block(0),
            slot: self.clock.now().full_second(),
            writer: self.records.fetch_add(1, Ordering::Relaxed),
            sequence: 0,
        });
        let written = self.store.put_record(record).await;
        written.expect("it can be written");
    }

    /// The wake-ups that are waiting.
    pub(crate) fn take_wake_ups(&self) -> Vec<WakeUp> {
        self.queue.take_before(Slot(u64::MAX))
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
