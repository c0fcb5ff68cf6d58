//! The history beside Locust's own: its charts' points, and its file with every row.
//!
//! Locust samples when its clock says; we know afterwards. So it is asked at the end of each second,
//! and its answers at our instants are taken. Its rates are of the ten seconds that ended two seconds
//! before the latest request's: what we say of an instant it says three seconds later.

use std::sync::Arc;
use std::time::Duration;

use export::csv::{self, HistoryWriter};
use serde_json::Value;
use statistics::reader::Snapshot;
use statistics::report::past::points;
use statistics::stats::{Limits, Stats};
use traffic::clock::Timestamp;
use traffic::plan::Plan;
use traffic::random::Draws;
use traffic::run::{Run, RunId, Segment};
use traffic::runs::{LoadedRun, planned_classes};
use traffic::workload::Workload;

use super::locust;
use super::log::{Log, START, Step};
use super::tables::{rows, snapshot};
use crate::records::{Request, delivered, fold, fold_in_parts, partition, stored};

const SECONDS: u64 = 420;

/// From here on, current figures look at ten full seconds in both.
const STEADY: u64 = 11;

const NAMES: [&str; 4] = ["/", "/orders, \"all\"", "Agent\nstatus", "注文"];

/// Every name in every second, at a pace and of a speed that change.
fn log() -> Log {
    let mut draws = Draws::new(3, "history", 0, 0);
    let mut log = Log::new("a history").starting_at(START);
    for second in 0..SECONDS {
        let more = (0..draws.below(6)).map(|_| draws.below(4) as usize);
        let mut names: Vec<usize> = more.collect();
        names.extend(0..NAMES.len());
        let step = 900_000 / names.len() as u64;
        for (number, name) in names.into_iter().enumerate() {
            let slow = 1 + second % 97;
            log.steps.push(Step::Request(Request {
                at: START + second * 1_000_000 + number as u64 * step,
                method: ["GET", "POST"][name % 2].into(),
                name: NAMES[name].into(),
                response_us: draws.below(slow * 8_000) * 125,
                content_length: draws.below(100_000),
                error: draws.chance(0.1).then(|| "no".into()),
            }));
        }
        log.steps.push(Step::History(end_of(second).micros()));
    }
    log
}

/// The last instant of a second of the log.
fn end_of(second: u64) -> Timestamp {
    Timestamp::from_micros(START + (second + 1) * 1_000_000 - 1)
}

fn requests(log: &Log) -> Vec<Request> {
    let steps = log.steps.iter();
    steps
        .filter_map(|step| match step {
            Step::Request(request) => Some(request.clone()),
            _ => None,
        })
        .collect()
}

/// What a run that goes on says when the log has just settled.
fn settled(stats: &Stats) -> Snapshot {
    let workload = Workload::built_in(&|_| None).expect("it is valid");
    let run = Run::new(
        RunId("run".into()),
        1,
        workload.version(),
        stats.since(),
        vec![Segment::new(
            Timestamp::from_micros(START),
            0,
            1.0,
            Vec::new(),
        )],
    );
    let plan = Plan::new(run, planned_classes(&workload));
    let at = end_of(SECONDS) + Duration::from_secs(3);
    Snapshot {
        run: Some(Arc::new(LoadedRun {
            plan,
            workload: Arc::new(workload),
        })),
        ..snapshot(stats, at)
    }
}

/// Whether current figures after so many seconds of the log are of ten seconds, as Locust's, and it was
/// asked about the rates. Where intervals begin to be short, they are of one short interval.
fn is_steady(seconds: u64, before: &[u64]) -> bool {
    let begins = matches!(*before, [.., first, last] if last - first > seconds - last);
    (STEADY..=SECONDS - 3).contains(&seconds) && !begins
}

/// Locust's answer at the end of so many seconds of the log.
fn after(answers: &[Value], seconds: u64) -> &Value {
    &answers[seconds as usize - 1]
}

fn number(value: &Value) -> f64 {
    let number = value.as_f64();
    number.unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn the_charts_points_are_locusts() {
    let log = log();
    let answers = locust::answers(std::slice::from_ref(&log));
    let mut draws = Draws::new(3, "parts", 0, 0);
    let records = stored(delivered(
        &partition(&requests(&log), 4, &mut draws),
        &mut draws,
    ));
    let stats = fold_in_parts(START, &records, Limits::default(), &mut draws);
    let points = serde_json::to_value(points(&settled(&stats))).expect("points are JSON");
    let points = points.as_array().expect("a list");
    assert!(points.len() > 55, "{} points", points.len());
    let mut compared = 0;
    let mut before = Vec::new();
    for point in points {
        let time: jiff::Timestamp = point["time"].as_str().unwrap().parse().unwrap();
        let seconds = time.as_second() as u64 - START / 1_000_000;
        let then = &after(&answers[0], seconds)["point"];
        let ours = |field: &str| &point[field][1];
        assert_eq!(
            number(ours("total_avg_response_time")),
            number(&then["total_avg_response_time"][1]),
            "after {seconds} s"
        );
        let is_steady = is_steady(seconds, &before);
        before.push(seconds);
        if !is_steady {
            continue;
        }
        for field in [
            "response_time_percentile_0.5",
            "response_time_percentile_0.95",
        ] {
            assert_eq!(ours(field), &then[field][1], "{field} after {seconds} s");
        }
        let later = &after(&answers[0], seconds + 3)["point"];
        for field in ["current_rps", "current_fail_per_sec"] {
            let (ours, theirs) = (number(ours(field)), number(&later[field][1]));
            assert!((ours - theirs).abs() < 1e-9, "{field} after {seconds} s");
        }
        compared += 1;
    }
    assert!(compared > 50, "{compared} points compared");
}

#[test]
fn the_history_of_every_row_is_locusts_at_the_instants_that_are_known() {
    let log = log();
    let answers = locust::answers(std::slice::from_ref(&log));
    let mut draws = Draws::new(3, "parts", 0, 1);
    let records = partition(&requests(&log), 4, &mut draws);
    let stats = fold_in_parts(START, &records, Limits::default(), &mut draws);
    let ours = rows(&csv::full_history(&settled(&stats)));
    assert_eq!(ours[0], rows(&csv::history_head())[0]);
    let mut compared = 0;
    let mut before = Vec::new();
    for at_once in ours[1..].chunks(NAMES.len() + 1) {
        let seconds = at_once[0][0].parse::<u64>().unwrap() - START / 1_000_000;
        let is_steady = is_steady(seconds, &before);
        before.push(seconds);
        if !is_steady {
            continue;
        }
        let lines = |seconds| {
            let answer = after(&answers[0], seconds);
            rows(answer["all_lines"].as_str().expect("a text"))
        };
        for ((ours, then), later) in at_once.iter().zip(lines(seconds)).zip(lines(seconds + 3)) {
            assert_eq!(ours[2..4], then[2..4], "after {seconds} s");
            assert_eq!(ours[4..6], later[4..6], "after {seconds} s: {ours:?}");
            assert_eq!(ours[6..], then[6..], "after {seconds} s: {ours:?}");
            compared += 1;
        }
    }
    assert!(compared > 250, "{compared} rows compared");
}

#[test]
fn what_is_written_every_second_is_locusts_byte_for_byte() {
    let log = log();
    let answers = locust::answers(std::slice::from_ref(&log));
    let mut stats = Stats::new(Timestamp::from_micros(START));
    let (mut total, mut all) = (HistoryWriter::new(false), HistoryWriter::new(true));
    let mut draws = Draws::new(3, "parts", 0, 2);
    let mut second = 0;
    let mut fresh = Vec::new();
    for step in &log.steps {
        match step {
            Step::Request(request) => fresh.push(request.clone()),
            _ => {
                for record in partition(&std::mem::take(&mut fresh), 2, &mut draws) {
                    fold(&mut stats, &record);
                }
                let snapshot = snapshot(&stats, end_of(second));
                let theirs = &answers[0][second as usize];
                assert_eq!(total.lines(&snapshot), theirs["lines"], "second {second}");
                assert_eq!(all.lines(&snapshot), theirs["all_lines"], "second {second}");
                second += 1;
            }
        }
    }
    assert_eq!(second, SECONDS);
}
