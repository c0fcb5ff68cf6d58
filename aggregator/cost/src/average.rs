//! A run whose users a load shape changes, as an estimate plays it: with as many users of each class as
//! there are on average, from the shape's beginning to its end or for a day.
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
use control::{InvalidField, segments_of_shape};

const DAY: u64 = 24 * 60 * 60;

/// How often it is looked how many users there are, at most.
const LOOKS: u64 = 1_440;

/// A run of one of a workload's shapes.
///
/// # Errors
/// When the workload has no such shape.
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
    let plan = &run.plan;
    let part = plan.run().shape()?;
    let (from, until) = match part.daily {
        // a day that has nothing of the beginning
        Some(_) => (plan.run().first_slot().plus(DAY), None),
        None => (first_of_shape(plan.run()), plan.run().end_slot()),
    };
    let until = until.unwrap_or(from.plus(DAY));
    let means = means(plan, from, until);
    let total = means.iter().sum::<f64>().round().max(1.0) as u32;
    let shares = shares(plan, &means, total);
    let workload = Arc::clone(&run.workload);
    Some(run_of(workload, shares, total, plan.run().block_size))
}

fn first_of_shape(run: &Run) -> Slot {
    let mut segments = run.segments.iter();
    let first = segments.find(|segment| segment.shape.is_some());
    first.map_or(run.first_slot(), |segment| run.slots().of(segment.from))
}

/// The users of each class, on average.
fn means(plan: &Plan, from: Slot, until: Slot) -> Vec<f64> {
    let seconds = until.0.saturating_sub(from.0).max(1);
    let looks = seconds.min(LOOKS);
    let mut means = vec![0.0; plan.classes().len()];
    for look in 0..looks {
        // in the middle of each part
        let after = (2 * look + 1) * seconds / (2 * looks);
        let counts = plan.class_counts(plan.run().slots().start(from.plus(after)));
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
