//! What breaks in the cloud, one at a time: the ledger shows what happened, and the run goes on by itself.
//!
//! Every iteration here is one request, so that statistics, ledger and targets can be compared to the
//! request. Each test leaves its line of the table of faults in `test-output/e2e/faults`.

use std::time::Duration;

use serde_json::Value;
use testing::assert_adds_up;
use tokio::time::sleep;
use traffic::clock::{Clock, Slot};
use traffic::plan::Plan;
use traffic::ports::{Queue as _, RunStore as _, WakeUp};
use traffic::runs::planned_classes;
use traffic::workload::Workload;

use crate::emulator::output;
use crate::proxy::Fault;
use crate::scene::Scene;
use crate::servers::Server;

/// Two classes that send ten requests a second together; short timeouts, so that a run is soon settled.
const WORKLOAD: &str = r#"
hosts.target-app = { url = "http://127.0.0.1:9", env = "TARGET_APP_URL" }
defaults.timeout = "5s"
[class.Pacer]
wait = "constant_pacing(2)"
task.health.request = "GET /health"
[class.Wanderer]
wait = "between(1, 3)"
task.orders.request = "GET /orders"
"#;

const SWARM: &str = "user_count=20&spawn_rate=20";

/// A class whose users have time to do late what was planned: nothing else is due for them meanwhile.
const PATIENT: &str = r#"
[class.Patient]
wait = "constant_pacing(25)"
task.products.request = "GET /products"
"#;

/// What a fault of the first second delays is due within this.
const SENT_AHEAD: Duration = Duration::from_secs(125);

/// How long a run goes on undisturbed before a fault, and after it.
const CALM: Duration = Duration::from_secs(20);

/// A fault that lasts does so for this long.
const LASTS: Duration = Duration::from_secs(20);

/// Within this after a stop nothing is pending any more, though a message may have come a minute late.
const SETTLES_WITHIN: Duration = Duration::from_secs(150);

/// What came of a run with a fault in it.
struct Result {
    ledger: Value,
    /// Requests in the statistics.
    counted: u64,
    /// Requests that the targets have got.
    arrived: u64,
    /// Requests that the targets got in the calm after the fault.
    afterwards: u64,
}

impl Result {
    fn of(&self, part: &str) -> u64 {
        self.ledger[part].as_u64().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wake_up_that_is_delivered_twice_is_executed_once() {
    let scene = begin("twice").await;
    let planned = send_again(&scene, 20).await;
    sleep(LASTS).await;
    let result = finish(&scene).await;
    assert!(planned > 20, "{planned} wake-ups were sent again");
    assert_eq!((result.of("missing"), result.of("duplicates")), (0, 0));
    assert_eq!(result.arrived, result.counted);
    note(
        "1",
        "every wake-up of 20 s delivered twice",
        "each is executed once",
        &result,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wake_ups_out_of_order_are_executed_late_unless_their_users_have_gone_on() {
    let scene = Scene::deploy("order").await;
    let workload = format!("{WORKLOAD}{PATIENT}");
    let answer = scene.stage.put_workload(&workload).await;
    assert_eq!(answer["success"], true, "{answer:#}");
    scene
        .proxy
        .fault(Fault::OutOfOrder(20), Duration::from_secs(1));
    let answer = scene
        .stage
        .post("/swarm", "user_count=24&spawn_rate=24")
        .await;
    assert_eq!(answer["success"], true, "{answer:#}");
    sleep(SENT_AHEAD + LASTS).await;
    let result = finish(&scene).await;
    assert_eq!((result.of("missing"), result.of("duplicates")), (0, 0));
    assert_eq!(result.arrived, result.counted);
    let patient = &result.ledger["classes"]["Patient"];
    assert_eq!(patient["recorded"], patient["planned"], "{patient:#}");
    assert!(
        patient["lateness_ms"]["max"].as_f64() > Some(5e3),
        "{patient:#}"
    );
    assert!(result.of("skipped") > 100, "{:#}", result.ledger);
    note(
        "2",
        "wake-ups of two minutes out of order, up to 20 s late",
        "executed late, or skipped where the user has gone on meanwhile",
        &result,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wake_ups_that_are_a_minute_late_are_missing() {
    let scene = deployed("late").await;
    scene.proxy.fault(Fault::Late(60), Duration::from_secs(1));
    start(&scene).await;
    sleep(SENT_AHEAD).await;
    let result = finish(&scene).await;
    assert!(result.of("missing") > 0, "{:#}", result.ledger);
    assert_eq!(result.arrived, result.counted);
    note("3", "wake-ups 60 s late", "not executed: missing", &result);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_that_is_killed_is_missing_as_far_as_it_was_not_written() {
    let scene = begin("killed").await;
    let killed = scene.kill("tick");
    assert!(killed > 0, "no tick was running");
    sleep(CALM).await;
    let result = finish(&scene).await;
    // what was sent and not written is the difference
    assert!(result.of("missing") > 0, "{:#}", result.ledger);
    assert!(result.arrived >= result.counted);
    assert!(result.arrived - result.counted <= result.of("missing"));
    note(
        "4",
        "the tick killed in the middle",
        "what it had not written is missing",
        &result,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_for_twenty_seconds_loses_nothing_that_was_sent() {
    let result = without_store("throttled", Fault::Throttled).await;
    note(
        "5",
        "DynamoDB throttles for 20 s",
        "nothing is sent that cannot be recorded",
        &result,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_for_twenty_seconds_loses_nothing_that_was_sent() {
    let result = without_store("away", Fault::Away).await;
    note(
        "6",
        "DynamoDB away for 20 s",
        "nothing is sent that cannot be recorded",
        &result,
    );
}

async fn without_store(name: &'static str, fault: Fault) -> Result {
    let scene = begin(name).await;
    scene.proxy.fault(fault, LASTS);
    sleep(LASTS).await;
    let result = finish(&scene).await;
    assert!(result.of("missing") > 0, "{:#}", result.ledger);
    assert_eq!(result.arrived, result.counted, "what was sent is recorded");
    assert_eq!(result.of("duplicates"), 0);
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fan_out_that_is_killed_half_way_goes_on_when_it_is_fired_again() {
    let scene = begin("half").await;
    // the minutes to come: some of their batches go out, then the fan-out hangs and is killed
    scene.proxy.take_calls();
    until_called(&scene, "AmazonSQS.SendMessageBatch", 3).await;
    scene.proxy.fault(Fault::NoSends, Duration::from_secs(30));
    sleep(Duration::from_secs(2)).await;
    let killed = scene.kill("fanout");
    scene.proxy.mend();
    invoke_fan_out(&scene).await;
    sleep(Duration::from_secs(75)).await;
    let result = finish(&scene).await;
    assert_eq!((result.of("missing"), result.of("duplicates")), (0, 0));
    assert_eq!(result.arrived, result.counted);
    assert!(killed > 0, "no fan-out was running");
    note(
        "7",
        "the fan-out killed after half its messages, and fired again",
        "nothing is missing or doubled",
        &result,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_fan_outs_at_the_same_instant_double_nothing() {
    let scene = begin("two").await;
    for _ in 0..4 {
        tokio::join!(invoke_fan_out(&scene), invoke_fan_out(&scene));
        sleep(Duration::from_secs(20)).await;
    }
    let result = finish(&scene).await;
    assert_eq!((result.of("missing"), result.of("duplicates")), (0, 0));
    assert_eq!(result.arrived, result.counted);
    note(
        "8",
        "two fan-outs at the same instant, four times",
        "nothing is missing or doubled",
        &result,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn aggregators_that_read_at_once_agree_also_one_that_is_restarted() {
    let scene = begin("readers").await;
    let first = Server::start(&scene).await;
    let second = Server::start(&scene).await;
    for _ in 0..10 {
        tokio::join!(first.counts(), second.counts());
        sleep(Duration::from_secs(1)).await;
    }
    drop(second);
    let second = Server::start(&scene).await;
    let result = finish(&scene).await;
    let (one, other) = (first.counts().await, second.counts().await);
    assert_eq!(one, other);
    assert_eq!(one, scene.stage.counts().await);
    assert_eq!((result.of("missing"), result.of("duplicates")), (0, 0));
    assert_eq!(result.arrived, result.counted);
    note(
        "9",
        "three aggregators read at once, one of them killed and restarted",
        "all agree",
        &result,
    );
}

async fn deployed(name: &'static str) -> Scene {
    let scene = Scene::deploy(name).await;
    let answer = scene.stage.put_workload(WORKLOAD).await;
    assert_eq!(answer["success"], true, "{answer:#}");
    scene
}

async fn start(scene: &Scene) {
    let answer = scene.stage.post("/swarm", SWARM).await;
    assert_eq!(answer["success"], true, "{answer:#}");
    sleep(CALM).await;
}

/// A stage whose run has been calm for a while.
async fn begin(name: &'static str) -> Scene {
    let scene = deployed(name).await;
    start(&scene).await;
    assert!(scene.arrivals() > 50, "only {} requests", scene.arrivals());
    scene
}

/// Lets the run go on after a fault, ends it, and waits until everything is settled.
async fn finish(scene: &Scene) -> Result {
    sleep(Duration::from_secs(5)).await;
    let before = scene.arrivals();
    sleep(CALM).await;
    let afterwards = scene.arrivals() - before;
    let ledger = scene.stage.stop_and_settle(SETTLES_WITHIN).await;
    let result = Result {
        counted: scene.stage.counts().await["Aggregated"].0,
        arrived: scene.arrivals(),
        ledger,
        afterwards,
    };
    assert_adds_up(&result.ledger);
    assert_eq!(
        result.counted,
        result.of("recorded"),
        "statistics and ledger"
    );
    assert!(
        afterwards > 120,
        "only {afterwards} requests after the fault: {:#}",
        result.ledger
    );
    result
}

/// Sends the wake-ups of the next seconds once more, as SQS may deliver them; says how many.
async fn send_again(scene: &Scene, seconds: u64) -> usize {
    let (store, queue) = scene.ports().await;
    let run = store.latest_run().await.unwrap().unwrap();
    let workload = Workload::parse(WORKLOAD, "workload", &|_: &str| None).unwrap();
    let plan = Plan::new(run, planned_classes(&workload));
    let now = Clock::system().now().full_second().0;
    let wake_up = |slot, class: usize, block| WakeUp {
        run: plan.run().id.clone(),
        class: plan.classes()[class].name.as_ref().into(),
        block,
        slot,
    };
    let slots = (now + 2..now + 2 + seconds).map(Slot);
    let ticks = slots.flat_map(|slot| plan.ticks(slot).into_iter().map(move |tick| (slot, tick)));
    let wake_ups: Vec<_> = ticks
        .map(|(slot, (class, block))| wake_up(slot, class, block).into())
        .collect();
    let count = wake_ups.len();
    queue.send(plan.run().slots(), wake_ups).await.unwrap();
    count
}

async fn until_called(scene: &Scene, call: &str, times: u64) {
    let called = async {
        while scene.proxy.called(call) < times {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(90), called).await;
    assert!(in_time.is_ok(), "{call} was not called {times} times");
}

async fn invoke_fan_out(scene: &Scene) {
    let name = format!("cicada-{}-fanout", scene.stage.name);
    let out = output().join(format!("{name}.json"));
    let out = out.to_str().unwrap();
    let payload = ["--payload", "{}", out];
    let invoke = ["lambda", "invoke", "--function-name", &name];
    scene.stage.aws(&[&invoke[..], &payload[..]].concat()).await;
}

/// Leaves a line of the table of faults.
fn note(number: &str, fault: &str, outcome: &str, result: &Result) {
    let line = format!(
        "| {fault} | {outcome} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        result.of("planned"),
        result.of("recorded"),
        result.of("skipped"),
        result.of("missing"),
        result.of("duplicates"),
        result.counted,
        result.arrived,
        result.afterwards,
    );
    let folder = output().join("faults");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{number}.md")), &line).unwrap();
    print!("{line}");
}
