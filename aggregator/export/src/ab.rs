//! A/B: pairs of rows that do the same with model a and with model b, and the significance of their differences. The
//! body of `GET /ab`.
//!
//! The figures of a side are those of its row in the statistics. A difference is always b minus a, with an interval
//! from `interval` or `quantile`; `pairs` finds the pairs, and `summary` says what all of it comes to. A verdict says
//! that there is a difference only if one of a pair's four intervals does not hold 0; streams have a fifth, of the time to
//! the first event, with a verdict of its own. The intervals of all pairs hold
//! together with 95 %, at every look of a run: of twenty runs without a difference one ever shows one by chance.

use traffic::workload::Workload;

use statistics::reader::Snapshot;
use statistics::stats::Stats;

mod body;
mod charts;
mod counted;
mod interval;
mod names;
mod pairs;
mod quantile;
mod runs;
mod summary;
mod table;
mod words;

use counted::{Counted, INTERVALS, findings};
use words::{Together, about_first_event};

pub use body::{Comparison, Pair, Side, SideStream};
pub use charts::{Bins, Distribution, OverTime, PairCharts, SideOverTime, charts};
pub use runs::{ComparedRow, ComparedRun, RunComparison, RunSide};
pub use table::table;
pub(crate) use words::money;
pub use words::{Difference, ENOUGH, FailVerdict, TimeVerdict, in_percent};

impl Comparison {
    /// The pairs of the workload of a snapshot's run, or of `next` before the first run, compared.
    pub fn of(snapshot: &Snapshot, next: &Workload) -> Self {
        let run = snapshot.run.as_deref();
        let workload = run.map_or(next, |run| &run.workload);
        let pairs = pairs::of(workload);
        // by the workload and not by what came: how many intervals there are must not depend on what they show
        let of_streams = pairs.iter().filter(|pair| are_streams(workload, pair));
        let together = Together(INTERVALS * pairs.len() + of_streams.count());
        let compared = |pair| compared(&snapshot.stats, workload, together, pair);
        let pairs: Vec<Pair> = pairs.into_iter().map(compared).collect();
        let [a, b] = names::of_all(&pairs);
        Self {
            run: run.map(|run| run.plan.run().id.clone()),
            since: snapshot.stats.since().seconds(),
            confidence: interval::CONFIDENCE,
            summary: summary::of(&pairs, [&a, &b]),
            a,
            b,
            pairs,
        }
    }
}

/// True if the responses on both sides of a pair are streams.
fn are_streams(workload: &Workload, pair: &pairs::Pair) -> bool {
    let mut sides = [&pair.a, &pair.b].into_iter();
    sides.all(|side| workload.has_streams(side, &pair.method))
}

fn compared(stats: &Stats, workload: &Workload, together: Together, pair: pairs::Pair) -> Pair {
    let rows = [(&pair.a, "a"), (&pair.b, "b")];
    let models = rows.map(|(name, side)| workload.model_of_side(name, &pair.method, side));
    let labels = names::labels(models);
    let [a, b] = [0, 1].map(|side| {
        let counted = Counted::of(stats, rows[side].0, &pair.method, models[side]);
        counted.labelled(&labels[side])
    });
    let avg_first_event = are_streams(workload, &pair).then(|| first_events(together, &a, &b));
    let findings = findings(together, &a, &b);
    let (verdict, sure) = findings.verdict();
    let about_streams = avg_first_event
        .as_ref()
        .and_then(|difference| about_first_event(difference, names::spoken(&b.side.label)));
    let explanation = [Some(findings.explanation()), about_streams];
    Pair {
        avg_first_event,
        verdict,
        sure,
        explanation: explanation
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; "),
        name: pair.name,
        method: pair.method,
        a: a.side,
        b: b.side,
        fail_ratio: findings.fail_ratio,
        avg_response_time: findings.average,
        median_response_time: findings.median,
        response_time_percentile_95: findings.p95,
    }
}

/// The difference of the average times to the first event.
fn first_events(together: Together, a: &Counted<'_>, b: &Counted<'_>) -> Difference<TimeVerdict> {
    let average = |side: &Side| side.stream.as_ref()?.avg_first_event;
    let means = a.first_event().zip(b.first_event());
    Difference::new(
        together,
        average(&a.side).zip(average(&b.side)),
        |level| {
            means
                .as_ref()
                .map(|(a, b)| interval::difference_of_means(level, a, b))
        },
        TimeVerdict::of,
    )
}
