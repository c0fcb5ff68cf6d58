//! Two runs beside one another, row by row. The body of `GET /compare`.
//!
//! A difference is always the run minus the baseline. Its interval is that of A/B, and those of all rows hold together
//! with 95 %: it tells chance in the requests of these two runs, and not what else differed between them.

use std::collections::BTreeMap;

use serde::Serialize;
use statistics::reader::Snapshot;
use statistics::report::PAGE_ROWS;
use statistics::stats::Stats;
use statistics::stats::entry::Entry;
use statistics::stats::smallest_keys::Merge as _;
use utoipa::ToSchema;

use super::counted::{Counted, INTERVALS, findings};
use super::interval::CONFIDENCE;
use super::words::{Difference, FailVerdict, TimeVerdict, Together};

/// The name of the row that adds up all others.
const AGGREGATED: &str = "Aggregated";

/// A run compared with a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RunComparison {
    /// The run, or the part of one.
    pub run: ComparedRun,
    /// The run that it is compared with.
    pub baseline: ComparedRun,
    /// The confidence with which all intervals hold together.
    pub confidence: f64,
    /// The outcome in a sentence.
    pub summary: String,
    /// At most 500 rows of either run by name and method, and `Aggregated` after them.
    pub rows: Vec<ComparedRow>,
}

/// One of two runs.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ComparedRun {
    /// What it is called in addresses.
    pub id: String,
    /// The name that somebody gave it.
    pub name: Option<String>,
    /// The instant from which its statistics count, in seconds since the Unix epoch.
    pub since: f64,
}

/// A row of both runs; times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ComparedRow {
    /// The request's method; empty for `Aggregated`.
    pub method: String,
    /// The request's name.
    pub name: String,
    /// In the baseline.
    pub baseline: RunSide,
    /// In the run.
    pub run: RunSide,
    /// The difference of the numbers of requests.
    pub num_requests: i64,
    /// The difference of requests a second; what was planned says whether it is one.
    pub total_rps: f64,
    /// The difference of the fail ratios.
    pub fail_ratio: Difference<FailVerdict>,
    /// The difference of the average response times.
    pub avg_response_time: Difference<TimeVerdict>,
    /// The difference of the medians.
    pub median_response_time: Difference<TimeVerdict>,
    /// The difference of the 95th percentiles.
    #[serde(rename = "response_time_percentile_0.95")]
    pub response_time_percentile_95: Difference<TimeVerdict>,
    /// The verdict on the row, in a few words: `no difference shown` where it may be chance.
    pub verdict: String,
    /// The confidence of the verdict, where it says that there is a difference.
    pub sure: Option<f64>,
    /// The verdict with its figures, as a sentence.
    pub explanation: String,
}

/// A row of one run; nothing where no request was counted.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RunSide {
    /// Requests, failed or not.
    pub num_requests: u64,
    /// Failures among them.
    pub num_failures: u64,
    /// Requests a second.
    pub total_rps: f64,
    /// Failures by requests.
    pub fail_ratio: Option<f64>,
    /// The mean response time.
    pub avg_response_time: Option<f64>,
    /// The median.
    pub median_response_time: Option<f64>,
    /// The 95th percentile.
    #[serde(rename = "response_time_percentile_0.95")]
    pub response_time_percentile_95: Option<f64>,
}

/// The run's name in sentences.
const THIS: &str = "this run";

/// Rows by name and method.
type Rows<'s> = BTreeMap<(&'s str, &'s str), (&'s Entry, f64)>;

impl RunComparison {
    /// A snapshot compared with another one.
    pub fn of(baseline: &Snapshot, run: &Snapshot) -> Self {
        let totals = [baseline, run].map(|snapshot| all(&snapshot.stats));
        let reports = [baseline, run].map(Snapshot::report);
        let [before, after] =
            [(baseline, &reports[0]), (run, &reports[1])].map(|(snapshot, report)| -> Rows<'_> {
                let rates = report.rows.iter();
                let rates = rates.map(|row| ((&*row.name, &*row.method), row.total_rps));
                let rates: BTreeMap<_, _> = rates.collect();
                let rows = snapshot.stats.rows().iter();
                let rows = rows.filter(|(_, entry)| entry.sum.requests > 0);
                rows.map(|([name, method], entry)| {
                    let rate = rates.get(&(name, method)).copied();
                    ((name, method), (entry, rate.unwrap_or_default()))
                })
                .collect()
            });
        let mut names: Vec<_> = before.keys().chain(after.keys()).copied().collect();
        names.sort_unstable();
        names.dedup();
        names.truncate(PAGE_ROWS);
        let together = Together(INTERVALS * (names.len() + 1));
        let row = |name: (&str, &str)| {
            let sides = [before.get(&name).copied(), after.get(&name).copied()];
            ComparedRow::of(together, name, sides)
        };
        let mut rows: Vec<ComparedRow> = names.into_iter().map(row).collect();
        let sums = [0, 1].map(|side| Some((&totals[side], reports[side].total.total_rps)));
        rows.push(ComparedRow::of(together, (AGGREGATED, ""), sums));
        Self {
            run: ComparedRun::of(run),
            baseline: ComparedRun::of(baseline),
            confidence: CONFIDENCE,
            summary: summary(&rows),
            rows,
        }
    }
}

impl ComparedRun {
    fn of(snapshot: &Snapshot) -> Self {
        let run = snapshot.run.as_ref().map(|run| run.plan.run());
        let id = run.map_or_else(String::new, |run| run.id.0.clone());
        Self {
            id: match &snapshot.part {
                Some(part) => format!("{id}.{}", part.number),
                None => id,
            },
            name: run.and_then(|run| run.label("name")).map(str::to_owned),
            since: snapshot.stats.since().seconds(),
        }
    }
}

impl ComparedRow {
    fn of(
        together: Together,
        (name, method): (&str, &str),
        sides: [Option<(&Entry, f64)>; 2],
    ) -> Self {
        let [a, b] = [(sides[0], "the baseline"), (sides[1], THIS)].map(|(side, label)| {
            let entry = side.map(|(entry, _)| entry);
            Counted::of_entry(entry, name, method, None).labelled(label)
        });
        let [before, after] = sides.map(|side| side.map_or(0.0, |(_, rate)| rate));
        let findings = findings(together, &a, &b);
        let (verdict, sure) = findings.verdict();
        Self {
            method: method.to_owned(),
            name: name.to_owned(),
            num_requests: b.side.num_requests.cast_signed() - a.side.num_requests.cast_signed(),
            total_rps: after - before,
            baseline: RunSide::of(&a, before),
            run: RunSide::of(&b, after),
            verdict: verdict.trim_start_matches(THIS).trim_start().to_owned(),
            sure,
            explanation: findings.explanation(),
            fail_ratio: findings.fail_ratio,
            avg_response_time: findings.average,
            median_response_time: findings.median,
            response_time_percentile_95: findings.p95,
        }
    }
}

impl RunSide {
    fn of(counted: &Counted<'_>, total_rps: f64) -> Self {
        let side = &counted.side;
        Self {
            num_requests: side.num_requests,
            num_failures: side.num_failures,
            total_rps,
            fail_ratio: side.fail_ratio,
            avg_response_time: side.avg_response_time,
            median_response_time: side.median_response_time,
            response_time_percentile_95: side.response_time_percentile_95,
        }
    }
}

/// The sum of all rows.
fn all(stats: &Stats) -> Entry {
    let mut all = Entry::default();
    for entry in stats.rows().values() {
        all.merge(entry);
    }
    all
}

fn summary(rows: &[ComparedRow]) -> String {
    let Some((total, rows)) = rows.split_last() else {
        return "There is nothing to compare.".to_owned();
    };
    let different = rows.iter().filter(|row| row.sure.is_some()).count();
    let all = match total.sure {
        Some(_) => format!("All in all this run {}.", total.verdict),
        None => "All in all no difference is shown.".to_owned(),
    };
    match (different, rows.len()) {
        (_, 0) => "Neither run has any request.".to_owned(),
        (0, _) => format!("{all} Of no row a difference is shown: what differs may be chance."),
        (different, rows) => format!(
            "{all} A difference is shown of {different} of {rows} rows; what else differs may be chance."
        ),
    }
}
