//! A/B: pairs of rows that do the same with model a and with model b, and the significance of their differences. The
//! body of `GET /ab`.
//!
//! The figures of a side are those of its row in the statistics. A difference is always b minus a, with an interval
//! from `interval` or `quantile`; `pairs` finds the pairs, and `summary` says what all of it comes to. A verdict says
//! that there is a difference only if one of a pair's four intervals does not hold 0; streams have a fifth, of the time to
//! the first event, with a verdict of its own. The intervals of all pairs hold
//! together with 95 %, at every look of a run: of twenty runs without a difference one ever shows one by chance.

use traffic::workload::{Model, Workload};

use statistics::reader::Snapshot;
use statistics::report::{StreamFigures, figures};
use statistics::stats::Stats;
use statistics::stats::entry::Entry;
use statistics::stats::streams::Streams;

mod body;
mod charts;
mod interval;
mod names;
mod pairs;
mod quantile;
mod runs;
mod summary;
mod table;
mod words;

use interval::{Interval, Level, Ratio};
use quantile::quantile;
use words::{Findings, Together, about_first_event};

pub use body::{Comparison, Pair, Side, SideStream};
pub use charts::{Bins, Distribution, OverTime, PairCharts, SideOverTime, charts};
pub use runs::{ComparedRow, ComparedRun, RunComparison, RunSide};
pub use table::table;
pub(crate) use words::money;
pub use words::{Difference, ENOUGH, FailVerdict, TimeVerdict, in_percent};

/// The differences of a pair that have an interval.
const INTERVALS: usize = 4;

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

/// A row of which nothing may be counted yet.
struct Counted<'s> {
    side: Side,
    entry: Option<&'s Entry>,
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

/// The differences of two rows, each with its interval.
fn findings(together: Together, a: &Counted<'_>, b: &Counted<'_>) -> Findings {
    let is_enough = a.side.num_requests.min(b.side.num_requests) >= ENOUGH;
    let figure = |of: fn(&Side) -> Option<f64>| of(&a.side).zip(of(&b.side));
    let ratios = a.ratio().zip(b.ratio()).filter(|_| is_enough);
    let fail_ratio = Difference::new(
        together,
        figure(|side| side.fail_ratio),
        |level| ratios.map(|(a, b)| interval::difference_of_ratios(level, a, b)),
        FailVerdict::of,
    );
    let means = a.mean().zip(b.mean()).filter(|_| is_enough);
    let avg_response_time = Difference::new(
        together,
        figure(|side| side.avg_response_time),
        |level| means.map(|(a, b)| interval::difference_of_means(level, &a, &b)),
        TimeVerdict::of,
    );
    let quantiles = |fraction, of: fn(&Side) -> Option<f64>| {
        let at = |level| {
            let [a, b] = [a, b].map(|counted| counted.quantile(level, fraction, of));
            Some(interval::difference(&a?, &b?)).filter(|_| is_enough)
        };
        Difference::new(together, figure(of), at, TimeVerdict::of)
    };
    let median_response_time = quantiles(0.5, |side| side.median_response_time);
    let response_time_percentile_95 = quantiles(0.95, |side| side.response_time_percentile_95);
    Findings {
        names: [a, b].map(|counted| names::spoken(&counted.side.label).to_owned()),
        counts: [a.side.num_requests, b.side.num_requests],
        average_of_a: a.side.avg_response_time,
        fail_ratio,
        average: avg_response_time,
        median: median_response_time,
        p95: response_time_percentile_95,
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

fn side_stream(streams: &Streams, model: Option<&Model>) -> SideStream {
    let figures = StreamFigures::of(streams);
    let (input, output) = (figures.input_tokens, figures.output_tokens);
    SideStream {
        avg_first_event: figures.avg_first_event,
        median_first_event: figures.median_first_event,
        first_event_percentile_95: figures.first_event_percentile_95,
        avg_inter_token_latency: figures.avg_inter_token_latency,
        tokens_per_second: figures.tokens_per_second,
        input_tokens: input,
        output_tokens: output,
        cost: model.and_then(|model| model.price(input, output)),
    }
}

impl<'s> Counted<'s> {
    fn of(stats: &'s Stats, name: &str, method: &str, model: Option<&Model>) -> Self {
        // a row outlives a reset with zeros
        let entry = stats.row(name, method);
        Self::of_entry(entry, name, method, model)
    }

    fn of_entry(entry: Option<&'s Entry>, name: &str, method: &str, model: Option<&Model>) -> Self {
        let entry = entry.filter(|entry| entry.sum.requests > 0);
        let figure = |figure: &dyn Fn(&Entry) -> f64| entry.map(figure);
        let requests = |entry: &Entry| entry.sum.requests as f64;
        let percentile = |entry: &Entry, fraction: f64| entry.histogram.percentiles([fraction])[0];
        let side = Side {
            label: String::new(),
            model: model.and_then(names::of_model),
            name: name.to_owned(),
            method: method.to_owned(),
            num_requests: entry.map_or(0, |entry| entry.sum.requests),
            num_failures: entry.map_or(0, |entry| entry.sum.failures),
            fail_ratio: figure(&|entry| entry.sum.failures as f64 / requests(entry)),
            avg_response_time: figure(&|entry| {
                entry.sum.response_us as f64 / 1e3 / requests(entry)
            }),
            median_response_time: figure(&|entry| {
                figures::median(percentile(entry, 0.5), entry).as_f64()
            }),
            response_time_percentile_95: figure(&|entry| percentile(entry, 0.95) as f64),
            stream: entry
                .and_then(|entry| entry.streams.as_deref())
                .map(|streams| side_stream(streams, model)),
        };
        Self { side, entry }
    }

    fn labelled(mut self, label: &str) -> Self {
        label.clone_into(&mut self.side.label);
        self
    }

    fn ratio(&self) -> Option<Ratio> {
        let sum = &self.entry?.sum;
        Some(Ratio {
            failures: sum.failures,
            requests: sum.requests,
        })
    }

    fn mean(&self) -> Option<interval::Mean> {
        let entry = self.entry?;
        let bounds = (entry.sum.min_us, entry.sum.max_us);
        interval::mean(&entry.histogram, entry.sum.response_us, bounds)
    }

    /// The times to the first event, of enough streams.
    fn first_event(&self) -> Option<interval::Mean> {
        let streams = self.entry?.streams.as_deref()?;
        let sum = &streams.sum;
        let bounds = (sum.first_event_min_us, sum.first_event_max_us);
        let is_enough = sum.with_events >= ENOUGH;
        is_enough
            .then(|| interval::mean(&streams.first_event, sum.first_event_us, bounds))
            .flatten()
    }

    fn quantile(
        &self,
        level: Level,
        fraction: f64,
        estimate: fn(&Side) -> Option<f64>,
    ) -> Option<Interval> {
        let (entry, estimate) = (self.entry?, estimate(&self.side)?);
        let bounds = (entry.sum.min_us, entry.sum.max_us);
        quantile(level, fraction, &entry.histogram, estimate, bounds)
    }
}
