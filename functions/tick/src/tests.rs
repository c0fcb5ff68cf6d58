//! The function on a store in memory: what is executed, what is handed back, and when it returns.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use reqwest::Request;
use serde_json::json;
use testing::MemoryStore;
use traffic::clock::Slot;
use traffic::ports::RunStore as _;
use traffic::record::{Block, BlockSize};
use traffic::run::{Run, RunId, Segment, Share};
use traffic::runs::Runs;
use traffic::telemetry::{SpanContext, TRACEPARENT};
use traffic::transport::{Reply, RequestContext};
use traffic::workload::Workload;

use super::*;

mod exported;

const START: Slot = Slot(1_700_000_040);

/// Answers after a while, and counts.
#[derive(Clone, Default)]
struct Target {
    takes: Duration,
    seen: Arc<Mutex<Vec<String>>>,
    /// What each request carried.
    carried: Arc<Mutex<Vec<Option<SpanContext>>>>,
}

impl Transport for Target {
    async fn send(&self, request: Request, _: &RequestContext) -> Result<Reply, String> {
        self.seen.lock().unwrap().push(request.url().to_string());
        let carried = request
            .headers()
            .get(TRACEPARENT)
            .and_then(SpanContext::parse);
        self.carried.lock().unwrap().push(carried);
        let timeout = request.timeout().copied().unwrap_or(Duration::MAX);
        let answered = tokio::time::timeout(timeout, tokio::time::sleep(self.takes)).await;
        answered.map_err(|_| "too slow".to_owned())?;
        Ok(Reply::default())
    }
}

struct Stage {
    function: Function<MemoryStore, Target>,
    runs: Arc<Runs<MemoryStore>>,
    store: Arc<MemoryStore>,
    target: Target,
    clock: Clock,
}

impl Stage {
    /// 20 users of each of two classes, one iteration a second, in blocks of 10. B's host is `other`,
    /// unless the run overrides it.
    async fn new(takes: Duration, host: &str, other: &str, overridden: Option<&str>) -> Self {
        let source = format!(
            "[hosts.one]\nurl = \"{host}\"\n[hosts.other]\nurl = \"{other}\"\n\
             [class.A]\nhost = \"one\"\nwait = \"constant_pacing(1)\"\n\
             [[class.A.task]]\nname = \"look\"\nrequest = \"GET /\"\n\
             [class.B]\nhost = \"other\"\nwait = \"constant_pacing(1)\"\n\
             [[class.B.task]]\nname = \"look\"\nrequest = \"GET /\"\n"
        );
        let workload = Workload::parse(&source, "test", &|_| None).unwrap();
        let clock = Clock::following_tokio(START.full_second() - Duration::from_secs(2));
        let store = Arc::new(MemoryStore::default());
        let put = store.put_workload(workload.version(), &source);
        put.await.unwrap();
        let share = |class: &str| Share::new(class, 1, 20);
        let run = Run {
            block_size: BlockSize::new(10).unwrap(),
            ..Run::new(
                RunId("r".into()),
                1,
                workload.version(),
                clock.now(),
                vec![Segment {
                    hosts: overridden
                        .map(|host| ("B".into(), host.into()))
                        .into_iter()
                        .collect(),
                    ..Segment::new(
                        START.full_second(),
                        40,
                        1000.0,
                        vec![share("A"), share("B")],
                    )
                }],
            )
        };
        store.put_run(&run).await.unwrap();
        let target = Target {
            takes,
            ..Target::default()
        };
        let runs = testing::runs(&store, &clock);
        let ticker = Ticker::new(
            Arc::clone(&store),
            Arc::clone(&runs),
            target.clone(),
            clock.clone(),
        );
        Self {
            function: Function::new(ticker, clock.clone()),
            runs,
            store,
            target,
            clock,
        }
    }

    /// The same, observed.
    fn observed_by(self, exporter: impl Exporter) -> Self {
        Self {
            function: self.function.observed_by(Some(Arc::new(exporter))),
            ..self
        }
    }

    async fn plain(takes: Duration) -> Self {
        Self::new(takes, "http://127.0.0.1:9", "http://127.0.0.1:9", None).await
    }

    async fn warm_up(&self, http: traffic::transport::Http) {
        super::warm_up(&self.runs, http, &self.clock).await;
    }

    fn seen(&self) -> usize {
        self.target.seen.lock().unwrap().len()
    }
}

/// The event of these messages, numbered from 0, as SQS writes it.
fn batch(bodies: &[String]) -> Batch {
    let records: Vec<_> = bodies
        .iter()
        .enumerate()
        .map(|(number, body)| {
            json!({
                "messageId": number.to_string(),
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1545082649183",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1545082649185"
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:cicada-dev-wake-ups",
                "awsRegion": "us-east-2"
            })
        })
        .collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// The message of a class's blocks in a slot.
fn message(class: &str, blocks: &[u32], slot: Slot) -> String {
    let wake_ups = blocks.iter().map(|block| WakeUp {
        run: RunId("r".into()),
        class: class.into(),
        block: Block(*block),
        slot,
    });
    aws::message::pack(wake_ups.collect(), 10).remove(0).body
}

fn names(failures: &Failures) -> BTreeSet<&str> {
    let messages = failures.messages.iter();
    messages.map(|failure| failure.id.as_str()).collect()
}

/// Plenty of time.
fn later() -> Timestamp {
    START.plus(200).full_second()
}

#[tokio::test(start_paused = true)]
async fn all_wake_ups_of_all_messages_are_executed_at_once() {
    let stage = Stage::plain(Duration::from_secs(10)).await;
    let slot = START.plus(1);
    let event = batch(&[message("A", &[0, 1], slot), message("B", &[0, 1], slot)]);
    let failures = stage.function.execute(event, later()).await;
    assert_eq!(failures, Failures::default());
    assert_eq!(stage.seen(), 40);
    let took = stage.clock.now().since(slot.full_second());
    assert!(took < Duration::from_secs(13), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_of_ours_is_handed_back_and_the_others_are_executed() {
    let stage = Stage::plain(Duration::ZERO).await;
    let slot = START.plus(1);
    let newer = message("A", &[0], slot).replace("\"v\":1", "\"v\":2");
    let event = batch(&["{".into(), message("A", &[0, 1], slot), "{}".into(), newer]);
    let failures = stage.function.execute(event, later()).await;
    assert_eq!(names(&failures), BTreeSet::from(["0", "2", "3"]));
    assert_eq!(
        serde_json::to_string(&failures).unwrap(),
        r#"{"batchItemFailures":[{"itemIdentifier":"0"},{"itemIdentifier":"2"},{"itemIdentifier":"3"}]}"#
    );
    assert_eq!(stage.seen(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_message_with_a_tick_that_nobody_claimed_is_handed_back() {
    let stage = Stage::plain(Duration::ZERO).await;
    let slot = START.plus(1);
    let unknown = message("A", &[0], slot).replace("\"r\"", "\"another\"");
    let event = batch(&[unknown.clone(), message("A", &[0], slot)]);
    let failures = stage.function.execute(event, later()).await;
    assert_eq!(names(&failures), BTreeSet::from(["0"]));
    assert_eq!(stage.seen(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_delivered_again_is_done_and_sends_nothing() {
    let stage = Stage::plain(Duration::ZERO).await;
    let event = batch(&[message("A", &[0, 1], START.plus(1))]);
    stage.function.execute(event.clone(), later()).await;
    assert_eq!(stage.seen(), 20);
    let failures = stage.function.execute(event, later()).await;
    assert_eq!(failures, Failures::default());
    assert_eq!(stage.seen(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_too_late_is_done_and_sends_nothing() {
    let stage = Stage::plain(Duration::ZERO).await;
    stage.clock.sleep_until(START.plus(62).full_second()).await;
    let event = batch(&[message("A", &[0], START.plus(1))]);
    let failures = stage.function.execute(event, later()).await;
    assert_eq!(failures, Failures::default());
    assert_eq!(stage.seen(), 0);
}

#[tokio::test(start_paused = true)]
async fn it_returns_before_the_deadline_whatever_the_target_does() {
    let stage = Stage::plain(Duration::from_secs(50)).await;
    let deadline = START.plus(20).full_second();
    let event = batch(&[message("A", &[0, 1], START.plus(1))]);
    let failures = stage.function.execute(event, deadline).await;
    assert!(stage.clock.now() < deadline);
    assert_eq!(failures, Failures::default(), "they were claimed");
    let written: u32 = stage.store.all_records().iter().map(|r| r.requests).sum();
    assert_eq!((stage.seen(), written), (20, 20));
}

mod warm {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;
    use traffic::transport::{Http, HttpSettings};

    use super::*;

    fn http() -> Http {
        Http::new(Clock::system(), HttpSettings::default()).unwrap()
    }

    async fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address.to_string())
    }

    #[tokio::test]
    async fn every_host_of_the_newest_run_is_connected_to_and_sent_nothing() {
        let (one, one_at) = listener().await;
        let (other, other_at) = listener().await;
        let (third, third_at) = listener().await;
        let urls = [one_at, other_at, third_at].map(|at| format!("http://{at}"));
        let stage = Stage::new(Duration::ZERO, &urls[0], &urls[1], Some(&urls[2])).await;
        let http = http();
        stage.warm_up(http.clone()).await;
        let (mut connection, _) = one.accept().await.unwrap();
        third.accept().await.unwrap();
        // B goes where the run says, and not to the workload's host
        let nobody = tokio::time::timeout(Duration::from_millis(20), other.accept()).await;
        assert!(nobody.is_err());
        let mut bytes = [0; 1];
        let said = connection.read(&mut bytes);
        let said = tokio::time::timeout(Duration::from_millis(20), said).await;
        assert!(said.is_err(), "neither a byte nor the end: it waits");
        drop(http);
    }

    #[tokio::test]
    async fn a_target_that_does_not_answer_is_not_waited_for_long() {
        let (_silent, at) = listener().await;
        // it takes the connection and never says a word of TLS; the other one does not listen
        let stage = Stage::new(
            Duration::ZERO,
            &format!("https://{at}"),
            "http://127.0.0.1:9",
            None,
        )
        .await;
        let http = http();
        let begun = tokio::time::Instant::now();
        stage.warm_up(http.clone()).await;
        assert!(begun.elapsed() < Duration::from_secs(60));
    }

    #[tokio::test]
    async fn nothing_is_connected_to_for_a_run_that_is_over() {
        let (target, at) = listener().await;
        let url = format!("http://{at}");
        let stage = Stage::new(Duration::ZERO, &url, &url, None).await;
        let mut run = stage.store.latest_run().await.unwrap().unwrap();
        run.revision += 1;
        run.stopped_at = Some(START.minus(60).full_second());
        stage.store.put_run(&run).await.unwrap();
        let http = http();
        stage.warm_up(http.clone()).await;
        let nobody = tokio::time::timeout(Duration::from_millis(20), target.accept()).await;
        assert!(nobody.is_err());
    }
}
