//! Calls that are really made to each service, beside those that `cicada cost` estimates.
//!
//! What the functions call comes by the proxy. What the emulator does by itself, as AWS would, is in its log:
//! it hands messages to the tick and fires the schedule. It looks at a queue once a second or so, and then
//! takes what has come meanwhile in one go, so messages are compared and not the calls that took them. A tick that is
//! handed over late reads less: what was read less than a second ago is not read again. So reads have bounds of their own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cost::{Assumptions, ResponseTimes, calls};
use traffic::clock::Clock;
use traffic::plan::Plan;
use traffic::ports::RunStore as _;
use traffic::runs::{LoadedRun, planned_classes};
use traffic::workload::Workload;

use crate::scene::Scene;

/// Two whole minutes: each has a heartbeat that plans one of them ahead.
const STRETCH: Duration = Duration::from_secs(120);

/// A generous end for an emulator that is late.
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(300);

/// What wake-ups are sent with.
const SEND: &str = "AmazonSQS.SendMessageBatch";

/// Reads of a run, and of the markers of busy users.
const READS: [&str; 2] = ["DynamoDB.GetItem", "DynamoDB.Query"];

/// The estimate is at most so far from what is made, by service.
const TOLERANCE: f64 = 0.1;

/// Waits until the emulator has handed over all that is due: on a busy machine it is late, and what it owes from before
/// is no part of a stretch.
async fn caught_up(scene: &Scene) {
    let variables = scene.stage.variables("fanout").await;
    let queue = variables["CICADA_QUEUE_URL"].as_str().unwrap();
    let waits = async {
        while scene.emulator.waiting_in(queue).await > 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let in_time = tokio::time::timeout(CATCHES_UP_WITHIN, waits).await;
    assert!(in_time.is_ok(), "the emulator is late for good");
}

/// Counts the calls of two minutes in which nobody watches, of a run that was never changed, and compares them with the
/// estimate; says what they were.
pub(crate) async fn compare(scene: &Scene) -> String {
    let (store, _) = scene.ports().await;
    let run = store.latest_run().await.unwrap().unwrap();
    let workload = Arc::new(Workload::built_in(&|_: &str| None).unwrap());
    let plan = Plan::new(run, planned_classes(&workload));
    let run = LoadedRun { plan, workload };

    let clock = Clock::system();
    caught_up(scene).await;
    scene.proxy.take_calls();
    let before = scene.emulator.done_for(scene.stage.name);
    let from = clock.now().full_second();
    tokio::time::sleep(STRETCH).await;
    // the plan goes on by the minute, whatever the queue does
    let planned = scene.proxy.take_calls();
    let beaten = scene.emulator.done_for(scene.stage.name);
    let of_plan = from.plus(STRETCH.as_secs());
    caught_up(scene).await;
    let until = clock.now().full_second();
    let mut made = scene.proxy.take_calls();
    for (call, count) in &planned {
        *made.entry(call.clone()).or_default() += count;
    }
    let after = scene.emulator.done_for(scene.stage.name);
    let assumptions = Assumptions {
        // the stand-ins answer at once
        response_times: ResponseTimes::fixed(0.005),
        ..Assumptions::default()
    };
    let plan = calls(&run, from, of_plan, &assumptions).by_operation();
    let estimate = calls(&run, from, until, &assumptions);
    let estimated = estimate.by_operation();

    let mut text = String::from("| call | made | estimated |\n| --- | ---: | ---: |\n");
    for (call, estimated) in &estimated {
        let made = match made.get(call) {
            Some(made) => made.to_string(),
            None if call.starts_with("DynamoDB.") => "0".into(),
            None => "by AWS".into(),
        };
        let _ = writeln!(text, "| {call} | {made} | {estimated} |");
    }
    let of = |calls: &BTreeMap<String, u64>, service: &str| {
        let of_service = calls.iter().filter(|(call, _)| call.starts_with(service));
        of_service.map(|(_, count)| *count).sum::<u64>()
    };
    let beats = plan.get("Scheduler.Invoke").copied().unwrap_or(0);
    let reads = |calls: &BTreeMap<String, u64>| READS.iter().map(|read| of(calls, read)).sum();
    let writes = |calls: &BTreeMap<String, u64>| of(calls, "DynamoDB.") - reads(calls);
    let rows = [
        ("writes to DynamoDB", writes(&made), writes(&estimated)),
        ("messages to SQS", of(&planned, SEND), of(&plan, SEND)),
        (
            "messages to the tick",
            after.messages - before.messages,
            estimate.messages,
        ),
        ("heartbeats", beaten.beats - before.beats, beats),
    ];
    let invocations = after.invocations - before.invocations;
    let _ = writeln!(text, "the tick was invoked {invocations} times");
    for (what, made, estimated) in rows {
        let _ = writeln!(text, "{what}: made {made}, estimated {estimated}");
    }
    let (made, most): (u64, u64) = (reads(&made), reads(&estimated));
    let _ = writeln!(text, "reads of DynamoDB: made {made}, estimated {most}");
    // an invocation reads at least the markers of its users
    let most = ((1.0 + TOLERANCE) * most as f64) as u64;
    assert!((invocations..=most).contains(&made), "reads: {text}");
    for (what, made, estimated) in rows {
        // one more or less is the stretch's beginning and end, and all there is of what is rare
        let allowed = (TOLERANCE * made as f64).max(1.0);
        assert!(estimated.abs_diff(made) as f64 <= allowed, "{what}: {text}");
    }
    text
}
