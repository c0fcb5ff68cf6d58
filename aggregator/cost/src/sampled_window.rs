//! The stretch of a run that an estimate plays: some minutes after everybody has started.

use std::sync::Arc;

use traffic::clock::Slot;
use traffic::plan::{Phase, Plan};
use traffic::record::BlockSize;
use traffic::run::{Run, RunId, Segment, Share};
use traffic::runs::{LoadedRun, planned_classes};
use traffic::workload::Workload;

use super::assumptions::Assumptions;
use super::calls::{Calls, calls_after};

/// Seconds that are played.
pub const STRETCH: u64 = 600;

/// Iterations that are enough for a good average: with many users less time is played.
const ENOUGH: u64 = 100_000;

/// Seconds that go by before what is counted.
const WARM_UP: u64 = 60;

/// Seconds that say how much is due.
const SAMPLE: u64 = 10;

/// Where the runs begin that estimates are made of: any minute will do.
pub(super) const BEGINS: Slot = Slot(1_800_000_000);

/// Seconds in which all users are started: so slowly that those of a block are not in step.
const RAMP: f64 = 60.0;

/// A run of a workload, for estimates: so many users of the classes by their shares.
pub fn run_of(
    workload: Arc<Workload>,
    shares: Vec<Share>,
    users: u32,
    block_size: BlockSize,
) -> LoadedRun {
    let segment = Segment::new(
        BEGINS.full_second(),
        users,
        (f64::from(users) / RAMP).max(1.0),
        shares,
    );
    let run = first_run(&workload, vec![segment], block_size);
    let plan = Plan::new(run, planned_classes(&workload));
    LoadedRun { plan, workload }
}

/// A run of these segments.
pub(super) fn first_run(workload: &Workload, segments: Vec<Segment>, block_size: BlockSize) -> Run {
    Run {
        block_size,
        ..Run::new(
            RunId::new(BEGINS.full_second(), 1),
            1,
            workload.version(),
            BEGINS.full_second(),
            segments,
        )
    }
}

/// The calls of some minutes in which all users of a run are there, and whatever was slow to begin with
/// has been going on for a while; and how many users that is.
pub fn steady(run: &LoadedRun, assumptions: &Assumptions) -> (Calls, u64) {
    let begins = settled(&run.plan);
    let from = begins.plus(WARM_UP);
    let users = run.plan.user_count(from.full_second());
    let sample: u64 = (0..SAMPLE)
        .flat_map(|second| {
            run.plan
                .ticks(from.plus(second))
                .into_iter()
                .map(move |tick| (tick, second))
        })
        .map(|((class, block), second)| run.plan.due_count(class, block, from.plus(second)))
        .map(u64::from)
        .sum();
    let minutes = (ENOUGH * SAMPLE / sample.max(1) / 60).clamp(1, STRETCH / 60);
    let calls = calls_after(run, begins, from, from.plus(minutes * 60), assumptions);
    (calls, users)
}

/// The first minute in which nobody is started any more.
fn settled(plan: &Plan) -> Slot {
    let starts = plan.run().first_slot();
    let minutes = (1..24 * 60).map(|minute| starts.plus(60 * minute));
    let mut settled = minutes.filter(|slot| plan.phase(slot.full_second()) != Phase::Spawning);
    settled.next().unwrap_or(starts)
}
