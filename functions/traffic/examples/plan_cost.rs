//! What it costs to say what is due: after a minute, and after a month of the same run; the same of a run
//! that follows the built-in daily curve, a hundred times as high.
//!
//! Prints one JSON line, nanoseconds per block and slot: `{"after_minute_ns": ..., "after_month_ns": ...,
//! "curve_after_minute_ns": ..., "curve_after_month_ns": ...}`.

use anyhow::{Context as _, bail};
use tokio::time::Instant;
use traffic::clock::Slot;
use traffic::plan::Plan;
use traffic::run::{Run, RunId, Segment, ShapePart, Share};
use traffic::runs::planned_classes;
use traffic::workload::{Course, Workload};

const MONTH: u64 = 30 * 24 * 3600;
const SLOTS: u64 = 60;
const ROUNDS: usize = 41;

fn main() -> anyhow::Result<()> {
    let workload = Workload::built_in(&|_| None)?;
    let start = Slot(1_700_000_000);
    let steady = Plan::new(run(&workload, start), planned_classes(&workload));
    let curve = curve(&workload, start)?;
    let curve = Plan::new(curve, planned_classes(&workload));
    let asked = [
        ("after_minute_ns", &steady, start.plus(60)),
        ("after_month_ns", &steady, start.plus(MONTH)),
        ("curve_after_minute_ns", &curve, start.plus(60)),
        ("curve_after_month_ns", &curve, start.plus(MONTH)),
    ];
    let mut figures = asked.map(|_| Vec::new());
    // taken in turns, so that a slow moment of the machine meets all
    for _ in 0..ROUNDS {
        for ((_, plan, from), figures) in asked.iter().zip(&mut figures) {
            figures.push(cost(plan, *from));
        }
    }
    let printed = asked.iter().zip(figures);
    let printed =
        printed.map(|((name, ..), figures)| format!("\"{name}\": {:.0}", median(figures)));
    println!("{{{}}}", printed.collect::<Vec<_>>().join(", "));
    Ok(())
}

/// The built-in curve at a time at which it has some 3,600 users at most.
fn curve(workload: &Workload, start: Slot) -> anyhow::Result<Run> {
    let shape = workload.shape("DailyCurve").context("it is built in")?;
    let Course::Daily(daily) = shape.course() else {
        bail!("DailyCurve is no daily curve");
    };
    let mut daily = daily.from(start);
    daily.points.iter_mut().for_each(|point| point.users *= 100);
    let mut run = run(workload, start);
    run.segments[0].shape = Some(ShapePart {
        name: shape.name().to_string(),
        step: None,
        daily: Some(daily),
    });
    Ok(run)
}

/// 6,000 users of the built-in classes.
fn run(workload: &Workload, start: Slot) -> Run {
    let share = |class: &str| Share::new(class, 1, 0);
    let classes = workload.classes().iter();
    Run::new(
        RunId("cost".into()),
        1,
        workload.version(),
        start.full_second(),
        vec![Segment::new(
            start.full_second(),
            6_000,
            1_000.0,
            classes.map(|class| share(class.name())).collect(),
        )],
    )
}

/// Nanoseconds per block and slot, over a minute of slots.
fn cost(plan: &Plan, from: Slot) -> f64 {
    let began = Instant::now();
    let mut ticks = 0_u64;
    for slot in (0..SLOTS).map(|offset| from.plus(offset)) {
        for (class, block) in plan.ticks(slot) {
            std::hint::black_box(plan.due(class, block, slot));
            ticks += 1;
        }
    }
    began.elapsed().as_nanos() as f64 / ticks as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
