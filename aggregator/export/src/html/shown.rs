//! What the report shows of a snapshot, on the page and in `window.templateArgs`.

use std::time::Duration;

use statistics::report::{PAGE_ROWS, Report, Row};
use traffic::clock::Timestamp;
use traffic::run::Share;
use traffic::runs::LoadedRun;
use traffic::workload::ClassRatio;

/// The most exceptions in a report: each has a traceback.
pub(super) const EXCEPTIONS: usize = 100;

/// The rows of the first page, and all together.
pub(super) fn rows(report: &Report) -> impl Iterator<Item = &Row> {
    report.rows.iter().take(PAGE_ROWS).chain([&report.total])
}

/// The shares while the run had its users; of tasks those of their classes, or of all.
pub(super) fn shares(run: &LoadedRun, at: Timestamp, is_total: bool) -> Vec<ClassRatio> {
    let end = run.plan.run().ends();
    let end = end.map(|end| end - Duration::from_micros(1));
    let counts = run.plan.class_counts(end.map_or(at, |end| end.min(at)));
    let shares = run.plan.run().segments.last().map(|last| &last.shares);
    let names = shares
        .into_iter()
        .flatten()
        .map(|share: &Share| share.class.as_str());
    let users: Vec<(&str, u64)> = names
        .filter_map(|name| Some((name, u64::from(counts[run.plan.class_number(name)?]))))
        .collect();
    run.workload.task_ratio(&users, is_total).0
}
