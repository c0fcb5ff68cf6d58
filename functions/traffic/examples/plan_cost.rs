//! What it costs to say what is due: after a minute, and after a month of the same run.
//!
//! Prints one JSON line, nanoseconds per block and slot: `{"after_minute_ns": ..., "after_month_ns": ...}`.

use tokio::time::Instant;
use traffic::clock::Slot;
use traffic::plan::Plan;
use traffic::record::BlockSize;
use traffic::run::{Run, RunId, Segment, Share};
use traffic::runs::planned_classes;
use traffic::workload::Workload;

const MONTH: u64 = 30 * 24 * 3600;
const SLOTS: u64 = 60;
const ROUNDS: usize = 41;

fn main() -> anyhow::Result<()> {
    let workload = Workload::built_in(&|_| None)?;
    let start = Slot(1_700_000_000);
    let plan = Plan::new(run(&workload, start), planned_classes(&workload));
    let (mut minute, mut month) = (Vec::new(), Vec::new());
    // taken in turns, so that a slow moment of the machine meets both
    for _ in 0..ROUNDS {
        minute.push(cost(&plan, start.plus(60)));
        month.push(cost(&plan, start.plus(MONTH)));
    }
    println!(
        "{{\"after_minute_ns\": {:.0}, \"after_month_ns\": {:.0}}}",
        median(minute),
        median(month)
    );
    Ok(())
}

/// 6,000 users of the built-in classes.
fn run(workload: &Workload, start: Slot) -> Run {
    let share = |class: &str| Share {
        class: class.into(),
        weight: 1,
        fixed_count: 0,
    };
    let classes = workload.classes().iter();
    Run {
        id: RunId("cost".into()),
        revision: 1,
        seed: 1,
        workload: workload.version().into(),
        created_at: start.start(),
        segments: vec![Segment {
            from: start,
            user_count: 6_000,
            spawn_rate: 1_000.0,
            shares: classes.map(|class| share(class.name())).collect(),
            host: None,
            hosts: Vec::new(),
            until: None,
        }],
        stopped_from: None,
        block_size: BlockSize::default(),
        reset_at: None,
    }
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
