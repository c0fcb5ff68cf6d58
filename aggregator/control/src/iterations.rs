//! The limit of a run's iterations: which waits can be counted before they are over.

use traffic::plan::bounded::bounded;
use traffic::run::{IterationLimit, Run};
use traffic::run_rules::InvalidField;
use traffic::runs::planned_classes;
use traffic::workload::{Wait, Workload};

const FIELD: &str = "iterations";

/// The limit of a request, or else the one that the run has already.
pub(crate) fn limit(
    asked: Option<u64>,
    run: Option<&Run>,
) -> Result<Option<IterationLimit>, InvalidField> {
    let Some(most) = asked else {
        return Ok(run.and_then(|run| run.iterations));
    };
    if most == 0 {
        let problem = "is 0: write how many iterations the run is to have, such as 100";
        return Err(InvalidField::new(FIELD, problem));
    }
    if run.is_some_and(|run| run.past.is_some()) {
        let problem = "comes too late for the run that is on, of which not everything is counted any more: start another";
        return Err(InvalidField::new(FIELD, problem));
    }
    Ok(Some(IterationLimit { most, last: None }))
}

/// The run with its last iteration, if it has a limit.
pub(crate) fn within(run: Run, workload: &Workload) -> Result<Run, InvalidField> {
    if run.iterations.is_none() {
        return Ok(run);
    }
    let shares = run.segments.iter().flat_map(|segment| &segment.shares);
    let classes = shares.filter_map(|share| workload.class(&share.class));
    for class in classes {
        if let wait @ Wait::Constant(_) = class.wait() {
            let name = class.name();
            let problem = format!(
                "cannot be counted ahead of {name}, which waits {wait} after each response: give it constant_pacing, \
                 between or poisson, or end the run by its time"
            );
            return Err(InvalidField::new(FIELD, problem));
        }
    }
    let run = bounded(run, planned_classes(workload));
    let has_users = run.segments.last().is_some_and(|last| last.user_count > 0);
    if run.ends().is_none() && has_users {
        let problem = "is more than can be counted ahead, a year's at most: write fewer, or end the run by its time";
        return Err(InvalidField::new(FIELD, problem));
    }
    Ok(run)
}
