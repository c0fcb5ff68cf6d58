//! The stretch of a run that an estimate plays: some minutes after everybody has started.

use std::sync::Arc;

use traffic::clock::Slot;
use traffic::plan::{Phase, Plan};
use traffic::record::BlockSize;
use traffic::run::{Run, RunId, Segment, Share};
use traffic::runs::{LoadedRun, planned_classes};
use traffic::workload::Workload;

use super::assumptions::Assumptions;
use super::calls::Calls;
use super::stretch::calls_of_windows;

/// Seconds that are played; with few users more, with many fewer.
const STRETCH: u64 = 600;

/// Iterations that are enough for a good average: with many users less time is played.
const ENOUGH: u64 = 100_000;

/// Iterations that are too few for an average of the slow ones: with few users up to an hour is played.
const FEW: u64 = 2_000;

/// Seconds that go by before what is counted.
const WARM_UP: u64 = 60;

/// Seconds that say how much is due.
const SAMPLE: u64 = 10;

/// The beginning of the runs that estimates are made of: any minute will do.
pub(super) const BEGINS: Slot = Slot(1_800_000_000);

/// Seconds in which all users are started where no spawn rate is given: so slowly that those of a block are not in
/// step.
const RAMP: f64 = 60.0;

/// A run of a workload with users of its classes by their shares, for estimates; without a spawn rate all are there
/// after a minute.
pub fn run_of(
    workload: Arc<Workload>,
    shares: Vec<Share>,
    users: u32,
    block_size: BlockSize,
    spawn_rate: Option<f64>,
) -> LoadedRun {
    let segment = Segment::new(
        BEGINS.full_second(),
        users,
        spawn_rate.unwrap_or((f64::from(users) / RAMP).max(1.0)),
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

/// The calls of a run's ramp and its length, as far as it goes in `longest` seconds: of a long one, windows of a minute in
/// the middle of each of its parts are played.
pub(super) fn ramp(run: &LoadedRun, longest: f64, assumptions: &Assumptions) -> (Calls, f64) {
    let exact = ramp_seconds(&run.plan).min(longest);
    let (starts, seconds) = (run.plan.run().first_slot(), exact.ceil() as u64);
    // few users are played for longer, as in the steady part
    let users = run.plan.user_count(starts.plus(seconds).full_second());
    let parts = (ENOUGH / 10 / users.max(1)).clamp(3, 20);
    let windows = (0..parts).map(|part| {
        let middle = (2 * part + 1) * seconds / (2 * parts);
        let from = starts.plus(middle.saturating_sub(30));
        (from.minus(WARM_UP).max(starts), from, from.plus(60))
    });
    let whole = (starts, starts, starts.plus(seconds));
    let calls = if seconds > STRETCH {
        calls_of_windows(run, windows, assumptions)
    } else {
        calls_of_windows(run, [whole], assumptions)
    };
    (calls, exact)
}

/// The calls of some minutes in which all users of a run are there and slow answers are in flight, and the number of those
/// users.
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
    let minutes = |iterations| iterations * SAMPLE / sample.max(1) / 60;
    let longest = minutes(FEW).clamp(STRETCH / 60, 60);
    let minutes = minutes(ENOUGH).clamp(1, longest);
    let window = (begins, from, from.plus(minutes * 60));
    let calls = calls_of_windows(run, [window], assumptions);
    (calls, users)
}

/// The length of the ramp of a run's first segment.
fn ramp_seconds(plan: &Plan) -> f64 {
    let first = plan.run().segments.first();
    first.map_or(0.0, |first| f64::from(first.user_count) / first.spawn_rate)
}

/// The first minute in which nobody is started any more.
pub(super) fn settled(plan: &Plan) -> Slot {
    let starts = plan.run().first_slot();
    let earliest = (ramp_seconds(plan) / 60.0).floor().max(1.0) as u64;
    let minutes = (earliest..earliest + 24 * 60).map(|minute| starts.plus(60 * minute));
    let mut settled = minutes.filter(|slot| plan.phase(slot.full_second()) != Phase::Spawning);
    settled.next().unwrap_or(starts)
}
