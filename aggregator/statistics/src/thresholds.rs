//! The thresholds of a run, held against its figures.

use serde::Serialize;
use traffic::workload::{Threshold, ThresholdMetric};
use utoipa::ToSchema;

use crate::reader::Snapshot;
use crate::stats::Stats;
use crate::stats::entry::Entry;
use crate::stats::smallest_keys::Merge as _;

/// A threshold, and the figure that it is about.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// The threshold as text: `p95<500 of Chat A`.
    pub threshold: String,
    /// The figure's name.
    pub metric: String,
    /// The name of the requests that the figure is of; null for all requests.
    #[schema(required)]
    pub row: Option<String>,
    /// The figure must be less than this.
    pub below: f64,
    /// The figure: milliseconds of a response time, else a plain number; null without a request.
    #[schema(required)]
    pub value: Option<f64>,
    /// True if the figure is there, and less.
    pub holds: bool,
    #[serde(skip)]
    unit: &'static str,
}

impl Judged {
    /// The verdict in one line.
    pub fn line(&self) -> String {
        let Self {
            threshold, unit, ..
        } = self;
        let verdict = if self.holds { "holds" } else { "FAILS" };
        match self.value {
            Some(value) => {
                let value = (value * 1e4).round() / 1e4;
                format!("Threshold {threshold}: {verdict}, it is {value}{unit}")
            }
            None => format!("Threshold {threshold}: {verdict}, there was no request"),
        }
    }
}

/// The thresholds of the run of a snapshot, the workload's first, each once; none before the first run.
pub fn judged(snapshot: &Snapshot) -> Vec<Judged> {
    let Some(run) = &snapshot.run else {
        return Vec::new();
    };
    let mut thresholds: Vec<&Threshold> = Vec::new();
    let of_run = &run.plan.run().thresholds;
    for threshold in run.workload.thresholds().iter().chain(of_run) {
        if !thresholds.contains(&threshold) {
            thresholds.push(threshold);
        }
    }
    let judge = |threshold| judge(threshold, snapshot);
    thresholds.into_iter().map(judge).collect()
}

fn judge(threshold: &Threshold, snapshot: &Snapshot) -> Judged {
    let value = match threshold.metric {
        ThresholdMetric::Missing => Some(snapshot.ledger.total.missing as f64),
        metric => figure(metric, &requests(threshold.row.as_deref(), &snapshot.stats)),
    };
    Judged {
        threshold: threshold.to_string(),
        metric: threshold.metric.to_string(),
        row: threshold.row.as_deref().map(str::to_owned),
        below: threshold.below,
        value,
        holds: value.is_some_and(|value| value < threshold.below),
        unit: threshold.metric.unit(),
    }
}

/// The counts of the requests of a name whatever their method, or of all requests.
pub(crate) fn requests(name: Option<&str>, stats: &Stats) -> Entry {
    let mut all = Entry::default();
    let rows = stats.rows();
    for ([row, _], entry) in rows.iter() {
        if name.is_none_or(|name| name == row) {
            all.merge(entry);
        }
    }
    if let (None, Some(others)) = (name, rows.others()) {
        all.merge(others);
    }
    all
}

/// A figure of some requests; `None` without any, and for those of the ledger.
pub(crate) fn figure(metric: ThresholdMetric, requests: &Entry) -> Option<f64> {
    let sum = &requests.sum;
    let count = (sum.requests > 0).then_some(sum.requests as f64)?;
    match metric {
        ThresholdMetric::FailRatio => Some(sum.failures as f64 / count),
        ThresholdMetric::Average => Some(sum.response_us as f64 / 1e3 / count),
        ThresholdMetric::Percentile(percent) => {
            let [value] = requests.histogram.percentiles([percent / 100.0]);
            Some(value as f64)
        }
        ThresholdMetric::Max => Some(sum.max_us as f64 / 1e3),
        ThresholdMetric::FirstEvent(percent) => {
            let streams = requests.streams.as_deref()?;
            let [value] = streams.first_event.percentiles([percent / 100.0]);
            (streams.sum.with_events > 0).then_some(value as f64)
        }
        ThresholdMetric::Missing => None,
    }
}
