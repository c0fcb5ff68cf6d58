//! What it costs to answer: `/stats/requests` with 500 rows, `/ab` and `/ab/charts` with the built-in pairs, after a
//! minute and after a month of the same run.
//!
//! Prints one JSON line, milliseconds of an answer with its JSON: `{"requests_after_minute_ms": ...,
//! "requests_after_month_ms": ..., "ab_after_minute_ms": ..., ...}`.

use std::sync::Arc;
use std::time::Duration;

use export::ab::{Comparison, charts};
use serde::Serialize;
use statistics::reader::Snapshot;
use statistics::stats::{Limits, Stats};
use tokio::time::Instant;
use traffic::clock::{Slot, Timestamp};
use traffic::plan::Plan;
use traffic::random::Draws;
use traffic::record::wire::{Contents, Decoded};
use traffic::record::{Bucket, Outcome, RequestName};
use traffic::run::{Run, RunId, Segment, Share};
use traffic::runs::{LoadedRun, planned_classes};
use traffic::workload::Workload;
use web::api::Requests;

const START: Slot = Slot(1_700_000_000);
const ROWS: usize = 500;
const MINUTE: u64 = 60;
const MONTH: u64 = 30 * 24 * 3_600;
/// Records of every row that are spread over the run.
const RECORDS: u64 = 2_000;
const ROUNDS: usize = 41;

fn main() {
    let workload = Workload::built_in(&|_| None).expect("the built-in workload is valid");
    let workload = Arc::new(workload);
    let run = Arc::new(LoadedRun {
        plan: Plan::new(run(&workload), planned_classes(&workload)),
        workload: Arc::clone(&workload),
    });
    let mut figures = Vec::new();
    for (name, seconds) in [("minute", MINUTE), ("month", MONTH)] {
        let snapshot = snapshot(&run, seconds);
        figures.push(timed(&format!("requests_after_{name}"), || {
            let (state, users) = (snapshot.state(), snapshot.user_count());
            Requests::of(snapshot.report(), state, users, None, None)
        }));
        figures.push(timed(&format!("ab_after_{name}"), || {
            Comparison::of(&snapshot, &workload)
        }));
        figures.push(timed(&format!("ab_charts_after_{name}"), || {
            charts(&snapshot, &workload)
        }));
    }
    println!("{{{}}}", figures.join(", "));
}

/// The median of the times in which an answer is made and written.
fn timed<T: Serialize>(name: &str, answer: impl Fn() -> T) -> String {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let json = serde_json::to_vec(&answer());
        std::hint::black_box(json.expect("answers are JSON"));
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    format!("\"{name}_ms\": {:.3}", times[ROUNDS / 2])
}

/// A run of the built-in classes that goes on.
fn run(workload: &Workload) -> Run {
    let classes = workload.classes().iter();
    let shares = classes
        .map(|class| Share::new(class.name(), 1, 0))
        .collect();
    let start = START.full_second();
    let segment = Segment::new(start, 60, 6.0, shares);
    Run::new(
        RunId("cost".into()),
        1,
        workload.version(),
        start,
        vec![segment],
    )
}

/// So many seconds after the start, with as many records whatever their number: all requests of the workload, and
/// others up to the number of rows.
fn snapshot(run: &Arc<LoadedRun>, seconds: u64) -> Snapshot {
    let since = START.full_second();
    let requests = requests(&run.workload);
    let mut stats = Stats::with_limits(since, Limits::default());
    let mut draws = Draws::new(7, "answer_cost", 0, 0);
    for number in 0..RECORDS {
        let slot = START.plus(number * seconds / RECORDS);
        let mut contents = Contents {
            outcomes: requests
                .iter()
                .map(|request| outcome(request, slot.full_second(), &mut draws))
                .collect(),
            ..Contents::default()
        };
        let payload = contents.encode(slot);
        let decoded = Decoded::read(&payload, slot).expect("a record of our own");
        stats.fold(Bucket::of(slot.full_second()), &decoded);
    }
    Snapshot {
        run: Some(Arc::clone(run)),
        stats: Arc::new(stats),
        ledger: Arc::default(),
        ledger_past: Arc::default(),
        parts: Arc::default(),
        part: None,
        is_settled: false,
        busy: 0,
        at: START.plus(seconds + 5).full_second(),
    }
}

fn requests(workload: &Workload) -> Vec<Arc<RequestName>> {
    let steps = workload.classes().iter().flat_map(|class| class.tasks());
    let steps = steps.flat_map(|task| task.steps());
    let mut names: Vec<(String, String)> = steps
        .map(|step| (step.method.to_string(), step.name.to_string()))
        .collect();
    names.sort();
    names.dedup();
    let others = (0..).map(|number| ("GET".to_owned(), format!("/route/{number}")));
    let names = names.into_iter().chain(others).take(ROWS);
    let named = |(method, name): (String, String)| RequestName {
        method: method.into(),
        name: name.into(),
    };
    names.map(|name| Arc::new(named(name))).collect()
}

fn outcome(request: &Arc<RequestName>, at: Timestamp, draws: &mut Draws) -> Outcome {
    // from 1 ms to 100 s: a histogram with all of its keys
    let response_time = Duration::from_secs_f64(10_f64.powf(5.0 * draws.unit() - 3.0));
    Outcome {
        request: Arc::clone(request),
        completed_at: at,
        response_time,
        content_length: 512,
        error: None,
        trace: None,
        lateness: None,
        cold: false,
        stream: None,
        measured: Vec::new(),
    }
}
