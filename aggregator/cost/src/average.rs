//! A run whose users a load shape changes, as an estimate plays it: with the average users of each class, from the
//! shape's beginning to its end or for a day.
//!
//! Traffic costs what its users do, nearly: a tick of a hundred users writes more than one of ten, but less
//! than ten times as much. So the average is a little dearer than the shape where that has many users for a
//! short time.

use std::sync::Arc;

use traffic::clock::Slot;
use traffic::plan::Plan;
use traffic::record::BlockSize;
use traffic::run::{Run, Share};
use traffic::runs::{LoadedRun, planned_classes};
use traffic::workload::Workload;

use super::sampled_window::{BEGINS, first_run, run_of};
use control::segments_of_shape;
use traffic::run_rules::InvalidField;

const DAY: u64 = 24 * 60 * 60;

/// The most slots of a shape whose users are counted.
const LOOKS: u64 = 1_440;

/// A run of one of a workload's shapes.
pub fn run_of_shape(
    workload: Arc<Workload>,
    shape: &str,
    block_size: BlockSize,
) -> Result<LoadedRun, InvalidField> {
    let segments = segments_of_shape(&workload, shape, BEGINS.full_second())?;
    let run = first_run(&workload, segments, block_size);
    let plan = Plan::new(run, planned_classes(&workload));
    Ok(LoadedRun { plan, workload })
}

/// The run that has a shape's users on average, all the time; `None` if no shape changes them.
pub(super) fn averaged(run: &LoadedRun) -> Option<LoadedRun> {
    let (from, until) = reach(&run.plan)?;
    Some(steady_run(run, &means(&run.plan, from, until)))
}

/// The run that has the users of a shape's fullest moment, all the time; `None` if no shape changes them.
pub(super) fn fullest(run: &LoadedRun) -> Option<LoadedRun> {
    let plan = &run.plan;
    let (from, until) = reach(plan)?;
    let counts = looks(from, until).map(|slot| plan.class_counts(plan.run().slots().start(slot)));
    let fullest = counts.max_by_key(|counts| counts.iter().sum::<u32>())?;
    let fullest: Vec<f64> = fullest.into_iter().map(f64::from).collect();
    Some(steady_run(run, &fullest))
}

/// The first slot of a shape and the one after its last, or a day of it.
fn reach(plan: &Plan) -> Option<(Slot, Slot)> {
    let part = plan.run().shape()?;
    let (from, until) = match part.daily {
        // a day that has nothing of the beginning
        Some(_) => (plan.run().first_slot().plus(DAY), None),
        None => (first_of_shape(plan.run()), plan.run().end_slot()),
    };
    Some((from, until.unwrap_or(from.plus(DAY))))
}

/// A run with these users of each class all the time, rounded to whole ones.
fn steady_run(run: &LoadedRun, means: &[f64]) -> LoadedRun {
    let total = means.iter().sum::<f64>().round().max(1.0) as u32;
    let shares = shares(&run.plan, means, total);
    let block_size = run.plan.run().block_size;
    run_of(Arc::clone(&run.workload), shares, total, block_size, None)
}

/// Slots in the middle of parts of a time.
fn looks(from: Slot, until: Slot) -> impl ExactSizeIterator<Item = Slot> {
    let seconds = until.0.saturating_sub(from.0).max(1);
    let looks = seconds.min(LOOKS) as usize;
    (0..looks).map(move |look| from.plus((2 * look as u64 + 1) * seconds / (2 * looks as u64)))
}

fn first_of_shape(run: &Run) -> Slot {
    let mut segments = run.segments.iter();
    let first = segments.find(|segment| segment.shape.is_some());
    first.map_or(run.first_slot(), |segment| run.slots().of(segment.from))
}

/// The average users of each class.
fn means(plan: &Plan, from: Slot, until: Slot) -> Vec<f64> {
    let mut means = vec![0.0; plan.classes().len()];
    let slots = looks(from, until);
    let looks = slots.len();
    for slot in slots {
        let counts = plan.class_counts(plan.run().slots().start(slot));
        for (mean, count) in means.iter_mut().zip(counts) {
            *mean += f64::from(count) / looks as f64;
        }
    }
    means
}

/// Whole users of each class: those that lose most by rounding down get one more, until it is `total`.
fn shares(plan: &Plan, means: &[f64], total: u32) -> Vec<Share> {
    let mut whole: Vec<u32> = means.iter().map(|mean| mean.floor() as u32).collect();
    let mut by_loss: Vec<usize> = (0..means.len()).collect();
    by_loss.sort_by(|&one, &other| means[other].fract().total_cmp(&means[one].fract()));
    let left = total.saturating_sub(whole.iter().sum());
    for class in by_loss.into_iter().take(left as usize) {
        whole[class] += 1;
    }
    let share = |(class, fixed_count): (usize, u32)| {
        Share::new(&plan.classes()[class].name, 1, fixed_count)
    };
    let counts = whole.into_iter().enumerate();
    counts.filter(|(_, count)| *count > 0).map(share).collect()
}
