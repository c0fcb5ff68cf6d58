//! A row as one side of a comparison: its figures, and the differences of two of them with their intervals.

use statistics::report::{StreamFigures, figures};
use statistics::stats::Stats;
use statistics::stats::entry::Entry;
use statistics::stats::streams::Streams;
use traffic::workload::Model;

use super::body::{Side, SideStream};
use super::interval::{self, Interval, Level, Ratio};
use super::names;
use super::quantile::quantile;
use super::words::{Difference, ENOUGH, FailVerdict, Findings, TimeVerdict, Together};

/// The differences of a pair that have an interval.
pub(super) const INTERVALS: usize = 4;

/// A row of which nothing may be counted yet.
pub(super) struct Counted<'s> {
    pub(super) side: Side,
    entry: Option<&'s Entry>,
}

/// The differences of two rows, each with its interval.
pub(super) fn findings(together: Together, a: &Counted<'_>, b: &Counted<'_>) -> Findings {
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
    pub(super) fn of(stats: &'s Stats, name: &str, method: &str, model: Option<&Model>) -> Self {
        // a row outlives a reset with zeros
        let entry = stats.row(name, method);
        Self::of_entry(entry, name, method, model)
    }

    pub(super) fn of_entry(
        entry: Option<&'s Entry>,
        name: &str,
        method: &str,
        model: Option<&Model>,
    ) -> Self {
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

    pub(super) fn labelled(mut self, label: &str) -> Self {
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
    pub(super) fn first_event(&self) -> Option<interval::Mean> {
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
