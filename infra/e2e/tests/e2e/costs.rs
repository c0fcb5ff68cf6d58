//! Calls that are really made to each service, beside those that `cicada cost` estimates.
//!
//! What the emulator does by itself, receiving and deleting messages, does not come by the proxy: it is
//! counted by the estimate only.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use aggregator::cost::{Assumptions, ResponseTimes, calls};
use traffic::clock::Clock;
use traffic::plan::Plan;
use traffic::ports::Store as _;
use traffic::runs::{LoadedRun, planned_classes};
use traffic::workload::Workload;

use crate::scene::Scene;

/// Two heartbeats are in it, wherever in a minute it begins.
const STRETCH: Duration = Duration::from_secs(120);

/// The estimate is at most so far from what is made, by service.
const TOLERANCE: f64 = 0.1;

/// Counts the calls of the next two minutes, in which nobody watches, and compares them with the
/// estimate; says what they were.
pub(crate) async fn compare(scene: &Scene) -> String {
    let (store, _) = scene.ports().await;
    let run = store.latest_run().await.unwrap().unwrap();
    let workload = Arc::new(Workload::built_in(&|_: &str| None).unwrap());
    let plan = Plan::new(run, planned_classes(&workload));
    let run = LoadedRun { plan, workload };

    let clock = Clock::system();
    scene.proxy.take_calls();
    let from = clock.now().slot();
    tokio::time::sleep(STRETCH).await;
    let made = scene.proxy.take_calls();
    let assumptions = Assumptions {
        // the stand-ins answer at once
        response_times: ResponseTimes::fixed(0.005),
        ..Assumptions::default()
    };
    let until = from.plus(STRETCH.as_secs());
    let estimated = calls(&run, from, until, &assumptions).by_operation();

    let mut text = String::from("| call | made | estimated |\n| --- | ---: | ---: |\n");
    for (call, estimated) in &estimated {
        let made = made.get(call).copied().unwrap_or_default();
        let _ = writeln!(text, "| {call} | {made} | {estimated} |");
    }
    println!("{text}{made:?}");
    for service in ["DynamoDB.", "AmazonSQS.SendMessageBatch"] {
        let sum = |calls: &std::collections::BTreeMap<String, u64>| {
            let of_service = calls.iter().filter(|(call, _)| call.starts_with(service));
            of_service.map(|(_, count)| *count as f64).sum::<f64>()
        };
        let (made, estimated) = (sum(&made), sum(&estimated));
        let difference = (estimated - made).abs() / made;
        let _ = writeln!(text, "{service} made {made}, estimated {estimated}");
        assert!(difference <= TOLERANCE, "{text}");
    }
    text
}
