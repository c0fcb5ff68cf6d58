//! A whole Cicada without traffic, in paused time: the router over ports in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use control::{Control, ControlSettings, SwarmRequest};
use serde_json::Value;
use statistics::reader::Aggregation;
use statistics::state::State;
use statistics::stats::Limits;
use testing::{MemoryHeartbeat, MemoryQueue, MemoryStore};
use tower::ServiceExt as _;
use traffic::clock::{Clock, Slot, Timestamp};
use traffic::deployment::Deployment;
use traffic::plan::Plan;
use traffic::ports::{Heartbeat as _, Store, WakeUp};
use traffic::record::Bucket;
use traffic::run::Run;
use traffic::runs::{LoadedRun, planned_classes};
use traffic::workload::Workload;
use web::api::{Api, Door, Trouble, router};
use web::logs::LogBuffer;

use crate::records;

/// The content type of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// When the tests' time begins: a third into a second, so that it is never a slot's first instant.
pub(crate) fn epoch() -> Timestamp {
    Slot(1_800_000_000).full_second() + Duration::from_millis(333)
}

/// The workload that ships in the binary, its hosts as they are in the file.
pub(crate) fn workload() -> Arc<Workload> {
    static BUILT_IN: LazyLock<Arc<Workload>> = LazyLock::new(|| {
        Arc::new(Workload::built_in(&|_| None).expect("the built-in workload is valid"))
    });
    Arc::clone(&BUILT_IN)
}

/// The same with one weight for all classes and tasks.
pub(crate) fn equal_workload() -> Arc<Workload> {
    let workload = Workload::built_in(&|_| None).expect("the built-in workload is valid");
    Arc::new(workload.with_equal_weights(true))
}

/// A store that several processes may share: changes hold from full seconds, a while after they are made.
pub(crate) fn shared_store() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::with_marker_lead(Duration::from_secs(1)))
}

/// One process; others may share its store.
pub(crate) struct Cicada<S = MemoryStore> {
    pub(crate) clock: Clock,
    pub(crate) store: Arc<S>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) heartbeat: Arc<MemoryHeartbeat>,
    pub(crate) control: Arc<Control<S, MemoryQueue, MemoryHeartbeat>>,
    pub(crate) logs: LogBuffer,
    pub(crate) trouble: Trouble,
    pub(crate) router: Router,
    pub(crate) deployment: Arc<Deployment<S, MemoryQueue, MemoryHeartbeat>>,
    pub(crate) aggregation: Arc<Aggregation<S>>,
}

/// What a route answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let json = serde_json::from_str(&self.body);
        json.unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }
}

impl Cicada {
    /// The built-in workload on an empty store.
    pub(crate) fn new() -> Self {
        Self::with(ControlSettings::new(workload()))
    }

    /// These settings on an empty store.
    pub(crate) fn with(settings: ControlSettings) -> Self {
        let clock = Clock::following_tokio(epoch());
        Self::on(shared_store(), settings, clock)
    }
}

impl<S: Store> Cicada<S> {
    /// A process on a store that others may use, too.
    pub(crate) fn on(store: Arc<S>, settings: ControlSettings, clock: Clock) -> Self {
        Self::behind(Door::default(), store, settings, clock)
    }

    /// The same behind a door.
    pub(crate) fn behind(
        door: Door,
        store: Arc<S>,
        settings: ControlSettings,
        clock: Clock,
    ) -> Self {
        let queue = Arc::<MemoryQueue>::default();
        let heartbeat = Arc::<MemoryHeartbeat>::default();
        let deployment = Arc::new(testing::deployment(&store, &queue, &heartbeat, &clock));
        let control =
            Control::new(settings, Arc::clone(&deployment)).expect("the test's settings are good");
        let control = Arc::new(control);
        let aggregation = Aggregation::new(
            Arc::clone(&store),
            Arc::clone(&deployment.runs),
            clock.clone(),
            Limits::default(),
        );
        let aggregation = Arc::new(aggregation);
        let (logs, trouble) = (LogBuffer::default(), Trouble::default());
        let router = router(Api {
            control: Arc::clone(&control),
            aggregation: Arc::clone(&aggregation),
            logs: logs.clone(),
            trouble: trouble.clone(),
            door,
        });
        Self {
            clock,
            store,
            queue,
            heartbeat,
            control,
            logs,
            trouble,
            router,
            deployment,
            aggregation,
        }
    }

    /// Sends a request to the router.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let request = request.body(body.into());
        self.send(request.expect("the test's request is valid"))
            .await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await;
        let response = response.unwrap_or_else(|never| match never {});
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), usize::MAX).await;
        let body = body.expect("a body in memory can be read");
        let body = String::from_utf8(body.into()).expect("answers are UTF-8");
        Answer {
            status,
            headers,
            body,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None, Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.call("POST", path, None, Body::empty()).await
    }

    /// `POST /swarm` with a form.
    pub(crate) async fn form(&self, form: &str) -> Answer {
        self.call("POST", "/swarm", Some(FORM), form.to_owned())
            .await
    }

    /// `POST /swarm` with JSON.
    pub(crate) async fn json(&self, json: &Value) -> Answer {
        let body = json.to_string();
        self.call("POST", "/swarm", Some("application/json"), body)
            .await
    }

    /// `POST /swarm` with a form that is granted.
    #[track_caller]
    pub(crate) fn started(&self, form: &str) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        let form = form.to_owned();
        async move {
            let answer = self.form(&form).await;
            let json = answer.json();
            assert_eq!(json["success"], true, "{form} at {caller}: {json}");
            json
        }
    }

    /// The newest run as it is stored.
    pub(crate) async fn run(&self) -> Run {
        let run = self.store.latest_run().await.expect("the store answers");
        run.expect("there is a run")
    }

    /// Makes the newest run have these requests, completed by now; nothing is said of its plan.
    pub(crate) async fn completed(&self, requests: &[records::Request]) {
        let run = self.run().await.id;
        let now = self.clock.now();
        let mut buckets: BTreeMap<Bucket, Vec<records::Request>> = BTreeMap::new();
        for request in requests {
            let at = match request.at {
                0 => now.micros(),
                at => at,
            };
            let bucket = buckets.entry(Bucket::of(Timestamp::from_micros(at)));
            bucket.or_default().push(records::Request {
                at,
                ..request.clone()
            });
        }
        for (bucket, requests) in buckets {
            let requests: Vec<_> = requests.iter().collect();
            let mut record = records::record(bucket, now.micros(), &requests);
            record.key.run = run.clone();
            let put = self.store.put_record(record).await;
            put.expect("the store works");
        }
    }

    /// Makes a class of the newest run have sent so many requests so late, in the second that is over.
    pub(crate) async fn sent_late(&self, class: &str, requests: usize, lateness: Duration) {
        let now = self.clock.now();
        let mut record = records::late(Bucket::of(now), requests, now, lateness);
        record.key.run = self.run().await.id;
        record.key.class = class.into();
        record.key.slot = now.full_second().minus(1);
        let put = self.store.put_record(record).await;
        put.expect("the store works");
    }

    /// The newest run with its plan.
    pub(crate) async fn loaded(&self) -> Arc<LoadedRun> {
        self.load(self.run().await).await
    }

    /// A run with its plan.
    pub(crate) async fn load(&self, run: Run) -> Arc<LoadedRun> {
        let workload = self.store.workload(&run.workload).await;
        let workload = workload
            .expect("the store answers")
            .expect("runs are pinned");
        let configured = &self.control.settings().workload;
        let workload = if workload == **configured.source() {
            Arc::clone(configured)
        } else {
            let workload = Workload::parse(&workload, "workload", &|_| None);
            Arc::new(workload.expect("runs are pinned to what is valid"))
        };
        let plan = Plan::new(run, planned_classes(&workload));
        Arc::new(LoadedRun { plan, workload })
    }

    /// Whether nothing was ever started.
    pub(crate) async fn store_is_empty(&self) -> bool {
        self.store
            .latest_run()
            .await
            .expect("the store answers")
            .is_none()
    }

    pub(crate) async fn state(&self) -> State {
        let run = self.store.latest_run().await.expect("the store answers");
        match run {
            Some(_) => State::of(Some(&*self.loaded().await), self.clock.now(), true),
            None => State::of(None, self.clock.now(), true),
        }
    }

    /// Waits until all users are there, or all have gone.
    pub(crate) async fn settle(&self) {
        for _ in 0..10_000 {
            if matches!(
                self.state().await,
                State::Ready | State::Running | State::Stopped
            ) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("it does not settle: {:?}", self.run().await);
    }

    /// Waits until a run that is over is stopped: where nobody executes its ticks, that is once none of them
    /// can be written any more.
    pub(crate) async fn end(&self) {
        for _ in 0..600 {
            let state = self.get("/stats/requests").await.json()["state"].take();
            if state == "stopped" {
                return;
            }
            assert_eq!(state, "stopping");
            self.pass(1.0).await;
        }
        panic!("it does not end: {:?}", self.run().await);
    }

    /// Waits.
    pub(crate) async fn pass(&self, seconds: f64) {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }

    /// Active users per class, without those that have none.
    pub(crate) async fn users(&self) -> Vec<(String, u32)> {
        let run = self.loaded().await;
        let counts = run.plan.class_counts(self.clock.now());
        let classes = run
            .plan
            .classes()
            .iter()
            .map(|class| class.name.to_string());
        classes
            .zip(counts)
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Whether the heartbeat is on.
    pub(crate) async fn beats(&self) -> bool {
        self.heartbeat.is_on().await.expect("the heartbeat answers")
    }

    /// All wake-ups that were queued and not taken yet.
    pub(crate) fn wake_ups(&self) -> Vec<WakeUp> {
        self.queue.take_before(Slot(u64::MAX))
    }
}

/// What the command line asks for.
pub(crate) fn users(user_count: u64, spawn_rate: f64) -> SwarmRequest {
    SwarmRequest {
        user_count: Some(user_count),
        spawn_rate: Some(spawn_rate),
        ..SwarmRequest::default()
    }
}
