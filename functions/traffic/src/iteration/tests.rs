//! What the requests of an iteration carry, where its failures lead to, and what an observer is told.

use std::collections::HashSet;

use parking_lot::Mutex;
use reqwest::header::HeaderMap;
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

use super::*;
use crate::block::Block;
use crate::clock::{Clock, Slot};
use crate::journal::Pending;
use crate::memory::MemoryStore;
use crate::plan::Plan;
use crate::record::wire::Decoded;
use crate::record::{Bucket, RecordKey};
use crate::run::{Run, RunId, Segment};
use crate::runs::{LoadedRun, Runs, planned_classes};
use crate::telemetry::{IterationEnd, RequestEnd, USER_AGENT};
use crate::trace_context::{SpanContext, SpanId, TRACEPARENT, TraceId};

mod secrets;

/// A status check and the repair that follows it, as of the demo's agent.
const REPAIRS: &str = "[[class.A.task.repair.request]]\nname = \"GET /status\"\npath = \"/status\"\n\
     [[class.A.task.repair.request]]\nmethod = \"POST\"\npath = \"/repair?user={{ user }}\"\nname = \"repair\"\n";

/// Answers with a status for each path, and remembers what it got; never answers `/slow`.
#[derive(Clone, Default)]
struct Target {
    failing: Vec<&'static str>,
    got: Arc<Mutex<Vec<HeaderMap>>>,
    asked: Arc<Mutex<Vec<RequestContext>>>,
    /// Places of requests under way, if there is a limit; and whether a file is left for another connection.
    places: Option<Arc<Semaphore>>,
    lacks_files: bool,
    /// The figures of streams, where a request asks for them.
    streamed: Option<Streamed>,
}

impl Transport for Target {
    async fn place(&self) -> RequestPlace<'_> {
        self.places.as_ref()?.acquire().await.ok()
    }

    async fn send(&self, request: Request, context: &RequestContext) -> Result<Reply, String> {
        self.asked.lock().push(context.clone());
        self.got.lock().push(request.headers().clone());
        match request.url().path() {
            _ if self.lacks_files => {
                Err("cannot connect: too many open files: raise ulimit -n".into())
            }
            "/slow" => std::future::pending().await,
            "/refused" => Err("connection refused".into()),
            "/echo" => Err(format!(
                "refused: {}",
                request.headers()["x-key"].to_str().unwrap()
            )),
            path => Ok(Reply {
                status: if self.failing.contains(&path) {
                    reqwest::StatusCode::SERVICE_UNAVAILABLE
                } else {
                    reqwest::StatusCode::OK
                },
                streamed: context.stream.as_ref().and(self.streamed),
                ..Reply::default()
            }),
        }
    }
}

impl Target {
    fn contexts(&self) -> Vec<SpanContext> {
        let got = self.got.lock();
        let context = |headers: &HeaderMap| SpanContext::parse(&headers[TRACEPARENT]).unwrap();
        got.iter().map(context).collect()
    }
}

/// Writes down what it is told, and keeps every trace or none.
#[derive(Debug, Default)]
struct Notebook {
    keeps_none: bool,
    requests: Mutex<Vec<(Option<SpanContext>, SpanId, String)>>,
    urls: Mutex<Vec<String>>,
    iterations: Mutex<Vec<(SpanContext, Fate, Option<String>)>>,
}

impl Observer for Notebook {
    fn samples(&self, _trace: TraceId) -> bool {
        !self.keeps_none
    }

    fn request(&self, iteration: &Iteration<'_>, request: &RequestEnd<'_>) {
        let line = format!(
            "{} {} {} {}: {} {:?} {:?}",
            iteration.class,
            iteration.task,
            iteration.user,
            request.name.name,
            request.method,
            request.status.map(|status| status.as_u16()),
            request.error
        );
        assert_eq!(request.user_agent, Some(&USER_AGENT));
        self.urls.lock().push(request.url.to_string());
        let told = (request.context, iteration.context.span, line);
        self.requests.lock().push(told);
    }

    fn iteration(&self, iteration: &Iteration<'_>, end: &IterationEnd<'_>) {
        let error = end.error.map(str::to_owned);
        let told = (iteration.context, end.fate, error);
        self.iterations.lock().push(told);
    }

    fn skipped(&self, _class: &str) {}
}

struct Scene {
    sender: Sender,
    journal: Journal<MemoryStore>,
    target: Target,
    notebook: Arc<Notebook>,
    run_end: RunEnd<MemoryStore>,
    /// The run that is followed.
    copies: watch::Sender<Arc<LoadedRun>>,
}

impl Scene {
    fn new(requests: &str, failing: &[&'static str]) -> Self {
        Self::observed(requests, failing, Notebook::default())
    }

    fn observed(requests: &str, failing: &[&'static str], notebook: Notebook) -> Self {
        let notebook = Arc::new(notebook);
        let observer: Arc<dyn Observer> = Arc::clone(&notebook) as _;
        Self {
            notebook,
            ..Self::with(requests, failing, Some(observer))
        }
    }

    fn with(requests: &str, failing: &[&'static str], observer: Option<Arc<dyn Observer>>) -> Self {
        let source = format!(
            "[hosts.one]\nurl = \"http://127.0.0.1:9\"\ninsecure = true\n\
             [class.A]\nhost = \"one\"\nwait = \"constant(1)\"\n{requests}"
        );
        let workload = Workload::parse(&source, "test", &secrets::variables)
            .unwrap_or_else(|errors| panic!("{errors}\n{source}"));
        let base = workload.classes()[0].host().url().clone();
        let slot = Slot(1_700_000_000);
        let key = RecordKey {
            run: RunId("run".into()),
            bucket: Bucket::of(slot.full_second()),
            class: "A".into(),
            block: Block(0),
            slot,
            writer: 1,
            sequence: 0,
        };
        let journal = Journal {
            store: Arc::default(),
            clock: Clock::following_tokio(slot.full_second()),
            health: Arc::default(),
            key,
            first_user: 0,
            pending: Mutex::new(Pending::default()),
            settles_at: Timestamp::from_micros(u64::MAX),
            deadline: None,
        };
        let target = Target {
            failing: failing.to_vec(),
            ..Target::default()
        };
        let workload = Arc::new(workload);
        let (copies, followed) = watch::channel(Arc::new(LoadedRun {
            plan: Plan::new(endless(slot), planned_classes(&workload)),
            workload: Arc::clone(&workload),
        }));
        let clock = journal.clock.clone();
        let store: Arc<MemoryStore> = Arc::clone(&journal.store);
        Self {
            run_end: RunEnd {
                runs: Arc::new(Runs::new(store, clock.clone(), Arc::new(|_| None))),
                run: RunId("run".into()),
                copies: followed,
                clock,
                stop_timeout: None,
            },
            copies,
            sender: Sender::new(workload, 0, (base, None), Arc::default(), observer),
            journal,
            target,
            notebook: Arc::default(),
        }
    }

    async fn iterate(&self, iteration: u64) -> Fate {
        let fate = self.planned(iteration, None).await;
        fate.expect("something of it was sent")
    }

    async fn planned(&self, iteration: u64, planned_at: Option<Timestamp>) -> Option<Fate> {
        let turn = Turn {
            class_key: 1,
            user: 7,
            iteration,
            planned_at,
            until: None,
        };
        (self.sender)
            .iterate(&self.target, &self.journal, turn, &self.run_end, None)
            .await
    }

    /// Error and trace of each recorded outcome.
    async fn recorded(&self) -> Vec<(Option<Arc<str>>, Option<TraceId>)> {
        self.journal.flush().await;
        let records = self.journal.store.all_records();
        let outcomes = records.iter().flat_map(|record| {
            let decoded = Decoded::read(&record.payload, record.key.slot).unwrap();
            decoded.to_contents().outcomes
        });
        outcomes
            .map(|outcome| (outcome.error, outcome.trace))
            .collect()
    }

    fn told_requests(&self) -> Vec<(Option<SpanContext>, SpanId, String)> {
        self.notebook.requests.lock().clone()
    }

    fn told_iterations(&self) -> Vec<(SpanContext, Fate, Option<String>)> {
        self.notebook.iterations.lock().clone()
    }
}

fn endless(from: Slot) -> Run {
    let segment = Segment::new(from.full_second(), 1, 1.0, Vec::new());
    Run::new(
        RunId("run".into()),
        1,
        "w",
        from.full_second(),
        vec![segment],
    )
}

#[tokio::test(start_paused = true)]
async fn a_user_ends_the_request_that_a_stop_finds_it_in_and_begins_no_other() {
    for (stop_timeout, sends) in [(None, 1), (Some(Duration::from_secs(60)), 2)] {
        let mut scene = Scene::with(REPAIRS, &[], None);
        scene.run_end.stop_timeout = stop_timeout;
        let run = Arc::clone(&scene.copies.borrow());
        let stopped = Run {
            stopped_at: Some(scene.journal.clock.now()),
            ..run.plan.run().clone()
        };
        // the first request is one that was begun in time
        scene.copies.send_replace(Arc::new(LoadedRun {
            plan: Plan::new(stopped, planned_classes(&run.workload)),
            workload: Arc::clone(&run.workload),
        }));
        let fate = scene.iterate(0).await;
        assert_eq!(scene.target.contexts().len(), sends);
        let cut_off = if sends == 1 { Fate::CutOff } else { Fate::Done };
        assert_eq!(fate, cut_off);
    }
}

#[tokio::test(start_paused = true)]
async fn an_iteration_is_one_trace_and_each_request_a_span_of_it() {
    let scene = Scene::with(REPAIRS, &[], None);
    for iteration in 0..3 {
        scene.iterate(iteration).await;
    }
    let contexts = scene.target.contexts();
    assert_eq!(contexts.len(), 6);
    assert!(contexts.iter().all(|context| context.sampled));
    for pair in contexts.chunks(2) {
        assert_eq!(pair[0].trace, pair[1].trace);
    }
    let traces: HashSet<_> = contexts.iter().map(|context| context.trace).collect();
    let spans: HashSet<_> = contexts.iter().map(|context| context.span).collect();
    assert_eq!((traces.len(), spans.len()), (3, 6));
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_by_the_connections_of_its_user_as_its_class_says() {
    let own = Scene::with(REPAIRS, &[], None);
    own.iterate(0).await;
    let asked = own.target.asked.lock()[0].clone();
    assert_eq!((asked.user, asked.connections), ((1, 7), None));
    assert_eq!(asked.max_connection_age, Duration::from_secs(60));
    let says = "connections = \"shared\"\nmax_connection_age = \"5s\"\n";
    let shared = Scene::with(&format!("{says}{REPAIRS}"), &[], None);
    shared.iterate(0).await;
    let asked = shared.target.asked.lock()[0].clone();
    assert_eq!(
        asked.connections,
        Some(crate::workload::Connections::Shared)
    );
    assert_eq!(asked.max_connection_age, Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_hosts_settings_of_tls_hold_where_a_run_does_not_send_its_requests_elsewhere() {
    let mut scene = Scene::with(REPAIRS, &[], None);
    scene.iterate(0).await;
    scene.sender.target.base = "http://127.0.0.1:10".parse().unwrap();
    scene.iterate(1).await;
    let asked = scene.target.asked.lock();
    let has_tls: Vec<_> = asked.iter().map(|asked| asked.tls.is_some()).collect();
    assert_eq!(has_tls, [true, true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_request_says_that_cicada_sent_it_unless_its_workload_says_something_else() {
    let scene = Scene::with(REPAIRS, &[], None);
    scene.iterate(0).await;
    let expected = concat!(
        "Cicada/",
        env!("CARGO_PKG_VERSION"),
        " (+synthetic traffic)"
    );
    for headers in scene.target.got.lock().iter() {
        assert_eq!(headers["user-agent"], expected);
    }
    let own = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let requests = format!(
        "headers = {{ User-Agent = \"shop/1\", Traceparent = \"{own}\" }}\n\
         [class.A.task.look]\nrequest = \"GET /failing\"\n"
    );
    let scene = Scene::with(&requests, &["/failing"], None);
    scene.iterate(0).await;
    let got = scene.target.got.lock()[0].clone();
    assert_eq!(
        (got["user-agent"].as_bytes(), got["traceparent"].as_bytes()),
        ("shop/1".as_bytes(), own.as_bytes())
    );
    let recorded = scene.recorded().await;
    assert_eq!(recorded[0].1.unwrap().to_string(), &own[3..35]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_leads_to_its_trace_and_a_good_response_to_none() {
    let scene = Scene::with(REPAIRS, &["/repair"], None);
    scene.iterate(0).await;
    let trace = scene.target.contexts()[0].trace;
    let recorded = scene.recorded().await;
    assert_eq!(recorded[0], (None, None));
    assert_eq!(recorded[1].1, Some(trace));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_kept_says_so_to_the_target_and_is_led_to_by_nothing() {
    let notebook = Notebook {
        keeps_none: true,
        ..Notebook::default()
    };
    let scene = Scene::observed(REPAIRS, &["/repair"], notebook);
    scene.iterate(0).await;
    assert!(scene.target.contexts().iter().all(|it| !it.sampled));
    let recorded = scene.recorded().await;
    assert!(recorded[1].0.is_some() && recorded[1].1.is_none());
    // figures count it all the same
    assert_eq!(scene.told_requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_what_the_target_saw() {
    let scene = Scene::new(REPAIRS, &["/repair"]);
    scene.iterate(0).await;
    let contexts = scene.target.contexts();
    let requests = scene.told_requests();
    let [(iteration, fate, error)] = &scene.told_iterations()[..] else {
        panic!("one iteration ended");
    };
    for ((told, parent, _), sent) in requests.iter().zip(&contexts) {
        assert_eq!((*told, *parent), (Some(*sent), iteration.span));
        assert_eq!(iteration.trace, sent.trace);
        assert_ne!(iteration.span, sent.span);
    }
    let lines: Vec<_> = requests.iter().map(|(.., line)| line.as_str()).collect();
    let failure = error.clone().unwrap();
    assert_eq!(
        lines,
        [
            "A repair 7 GET /status: GET Some(200) None".to_owned(),
            format!("A repair 7 repair: POST Some(503) Some({failure:?})"),
        ]
    );
    assert_eq!(*fate, Fate::Done);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_response_has_no_status() {
    let scene = Scene::new("[class.A.task.look]\nrequest = \"GET /refused\"\n", &[]);
    scene.iterate(0).await;
    let (.., line) = &scene.told_requests()[0];
    assert_eq!(
        line,
        "A look 7 GET /refused: GET None Some(\"connection refused\")"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_on_its_way_is_told_as_cut_off() {
    let scene = Scene::new("[class.A.task.look]\nrequest = \"GET /slow\"\n", &[]);
    let dropped = tokio::time::timeout(Duration::from_secs(3), scene.iterate(0)).await;
    assert!(dropped.is_err());
    let (context, _, line) = &scene.told_requests()[0];
    assert_eq!(*context, Some(scene.target.contexts()[0]));
    assert!(
        line.ends_with("None Some(\"cut off by the end of the run\")"),
        "{line}"
    );
    let (_, fate, error) = &scene.told_iterations()[0];
    assert_eq!(*fate, Fate::CutOff);
    assert_eq!(error.as_deref(), Some("cut off by the end of the run"));
    assert!(scene.recorded().await.is_empty());
}

/// A scene whose target has one place for a request under way.
fn of_one_place() -> (Scene, Arc<Semaphore>) {
    let mut scene = Scene::new(REPAIRS, &[]);
    let places = Arc::new(Semaphore::new(1));
    scene.target.places = Some(Arc::clone(&places));
    (scene, places)
}

/// Lateness and response time of each recorded outcome, in milliseconds.
async fn times(scene: &Scene) -> Vec<(Option<u128>, u128)> {
    scene.journal.flush().await;
    let records = scene.journal.store.all_records();
    let outcomes = records.iter().flat_map(|record| {
        let decoded = Decoded::read(&record.payload, record.key.slot).unwrap();
        decoded.to_contents().outcomes
    });
    let times = outcomes.map(|outcome| {
        let lateness = outcome.lateness.map(|lateness| lateness.as_millis());
        (lateness, outcome.response_time.as_millis())
    });
    times.collect()
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_place_is_lateness_and_no_part_of_a_response_time() {
    let (scene, places) = of_one_place();
    let taken = places.acquire().await.unwrap();
    let at = scene.journal.clock.now();
    let (fate, ()) = tokio::join!(scene.planned(0, Some(at)), async {
        sleep(Duration::from_secs(7)).await;
        drop(taken);
    });
    assert_eq!(fate, Some(Fate::Done));
    assert_eq!(times(&scene).await, [(Some(7_000), 0), (None, 0)]);
    assert_eq!(
        places.available_permits(),
        1,
        "a request gives its place back"
    );
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_place_too_long_or_until_its_run_has_ended_is_not_sent() {
    let (scene, places) = of_one_place();
    let _taken = places.acquire().await.unwrap();
    let began = scene.journal.clock.now();
    assert_eq!(scene.planned(0, Some(began)).await, None);
    let waited = scene.journal.clock.now().since(began);
    assert!((30.0..31.0).contains(&waited.as_secs_f64()), "{waited:?}");
    let (fate, ()) = tokio::join!(scene.planned(1, None), async {
        sleep(Duration::from_secs(3)).await;
        let mut run = scene.copies.borrow().plan.run().clone();
        run.segments[0].until = Some(scene.journal.clock.now());
        let workload = Arc::clone(&scene.copies.borrow().workload);
        scene.copies.send_replace(Arc::new(LoadedRun {
            plan: Plan::new(run, planned_classes(&workload)),
            workload,
        }));
    });
    assert_eq!(fate, None);
    let waited = scene.journal.clock.now().since(began);
    assert!(waited < Duration::from_secs(35), "{waited:?}");
    assert_eq!(scene.target.got.lock().len(), 0);
    assert_eq!(times(&scene).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_finds_no_file_is_no_failure_of_its_target() {
    let mut scene = Scene::new("task.a.request = \"GET /1\"", &[]);
    scene.target.lacks_files = true;
    assert_eq!(scene.planned(0, None).await, None);
    assert_eq!(times(&scene).await, []);
}

#[tokio::test(start_paused = true)]
async fn the_figures_of_a_stream_are_in_its_outcome_and_in_no_other() {
    let requests = "[[class.A.task.chat.request]]\npath = \"/chat\"\nstream = \"sse\"\nexpect = \"events == 3\"\n\
         [[class.A.task.chat.request]]\npath = \"/other\"\n";
    let mut scene = Scene::new(requests, &[]);
    let streamed = Streamed {
        first_byte: Duration::from_millis(5),
        first_event: Some(Duration::from_millis(20)),
        span: Duration::from_millis(40),
        events: 3,
        ..Streamed::default()
    };
    scene.target.streamed = Some(streamed);
    scene.iterate(0).await;
    scene.journal.flush().await;
    let records = scene.journal.store.all_records();
    let outcomes = records.iter().flat_map(|record| {
        let decoded = Decoded::read(&record.payload, record.key.slot).unwrap();
        decoded.to_contents().outcomes
    });
    let told = outcomes.map(|outcome| {
        (
            outcome.request.name.to_string(),
            outcome.error,
            outcome.stream,
        )
    });
    let mut told: Vec<_> = told.collect();
    told.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let expected = [
        ("GET /chat".to_owned(), None, Some(Box::new(streamed))),
        ("GET /other".to_owned(), None, None),
    ];
    assert_eq!(told, expected);
}
