//! The figures of the custom metrics of a run's workload.

use serde::Serialize;
use traffic::clock::Timestamp;
use traffic::custom_metric::{Amount, MetricKind};
use traffic::run::Run;
use utoipa::ToSchema;

use crate::reader::Snapshot;
use crate::stats::OTHER_METRICS;
use crate::stats::custom_metrics::MetricValues;

/// The figures of a custom metric since the start or the last reset.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricFigures {
    /// Its name, such as `Orders/Created`.
    pub name: String,
    /// `counter` or `histogram`.
    pub kind: String,
    /// The unit of its values; empty if the workload says none.
    pub unit: String,
    /// Values.
    pub count: u64,
    /// Values that could not be evaluated, which `/exceptions` says why; not among the others.
    pub errors: u64,
    /// The sum of the values.
    pub total: f64,
    /// The sum by the seconds from the start to the latest request, or to the end of the run if that is later.
    pub per_second: f64,
    /// The mean value; null before the first.
    #[schema(required)]
    pub average: Option<f64>,
    /// The least value.
    #[schema(required)]
    pub min: Option<f64>,
    /// The greatest value.
    #[schema(required)]
    pub max: Option<f64>,
    /// The median of a histogram, to two digits like all percentiles.
    #[schema(required)]
    pub median: Option<f64>,
    /// The 95th percentile of a histogram.
    #[serde(rename = "percentile_0.95")]
    #[schema(required)]
    pub percentile_95: Option<f64>,
    /// The 99th percentile of a histogram.
    #[serde(rename = "percentile_0.99")]
    #[schema(required)]
    pub percentile_99: Option<f64>,
}

/// The custom metrics of a snapshot's run by name, those of its workload that have no value yet included; none before the
/// first run.
pub fn figures(snapshot: &Snapshot) -> Vec<MetricFigures> {
    let seconds = seconds(snapshot);
    let counted = snapshot.stats.custom_metrics();
    let mut figures: Vec<_> = counted
        .iter()
        .map(|([name, kind, unit], values)| of([name, kind, unit], values, seconds))
        .collect();
    let others = counted.others();
    figures.extend(others.map(|others| of([OTHER_METRICS, "", ""], others, seconds)));
    let workload = snapshot.run.iter().flat_map(|run| run.workload.metrics());
    for metric in workload {
        let texts = [&*metric.name, metric.kind.as_str(), &*metric.unit];
        if counted.get(texts).is_none() {
            figures.push(of(texts, &MetricValues::default(), seconds));
        }
    }
    figures.sort_by(|one, other| one.name.cmp(&other.name));
    figures
}

fn of([name, kind, unit]: [&str; 3], values: &MetricValues, seconds: f64) -> MetricFigures {
    let sum = &values.sum;
    let number = |millionths: u64| millionths as f64 / Amount::ONE as f64;
    let has_values = sum.count > 0;
    let total = sum.total as f64 / Amount::ONE as f64;
    let is_histogram = kind == MetricKind::Histogram.as_str();
    let percentiles = values.percentiles([0.5, 0.95, 0.99]);
    let [median, p95, p99] =
        percentiles.map(|value| (has_values && is_histogram).then_some(number(value)));
    MetricFigures {
        name: name.to_owned(),
        kind: kind.to_owned(),
        unit: unit.to_owned(),
        count: sum.count,
        errors: sum.errors,
        total,
        per_second: if seconds > 0.0 { total / seconds } else { 0.0 },
        average: has_values.then_some(total / sum.count as f64),
        min: has_values.then_some(number(sum.min)),
        max: has_values.then_some(number(sum.max)),
        median,
        percentile_95: p95,
        percentile_99: p99,
    }
}

/// The seconds that rates since the start are of, as those of the statistics.
fn seconds(snapshot: &Snapshot) -> f64 {
    let run = snapshot.run.as_ref().map(|run| run.plan.run());
    let end = run.and_then(Run::ends).filter(|end| *end <= snapshot.at);
    let until = snapshot.stats.last_request().max(end);
    until.map_or(0.0, |until: Timestamp| {
        until.since(snapshot.stats.since()).as_secs_f64()
    })
}
