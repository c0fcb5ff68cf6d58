//! The custom metrics of the workload; nothing where it has none.
//!
//! Their names, such as `Orders/Created`, are labels: as names of families two of them could become one.

use statistics::custom_metrics::MetricFigures;
use traffic::custom_metric::MetricKind;

use super::text::{Exposition, Kind};

const COUNTER: &str = "cicada_custom_counter_total";
const HISTOGRAM: &str = "cicada_custom_histogram";
const ERRORS: &str = "cicada_custom_metric_errors_total";

/// Writes the figures of custom metrics.
pub(super) fn write(out: &mut Exposition, figures: &[MetricFigures]) {
    if figures.is_empty() {
        return;
    }
    let is_histogram = |of: &&MetricFigures| of.kind == MetricKind::Histogram.as_str();
    let (histograms, counters): (Vec<_>, Vec<_>) = figures.iter().partition(is_histogram);
    if !counters.is_empty() {
        out.family(
            COUNTER,
            Kind::Counter,
            "Sums of the workload's counters since the start or the last reset.",
        );
    }
    for of in counters {
        out.sample(COUNTER, &labels(of, None), of.total);
    }
    if !histograms.is_empty() {
        out.family(
            HISTOGRAM,
            Kind::Summary,
            "Values of the workload's histograms since the start or the last reset.",
        );
    }
    for of in histograms {
        let values = [
            ("0.5", of.median),
            ("0.95", of.percentile_95),
            ("0.99", of.percentile_99),
        ];
        for (quantile, value) in values {
            if let Some(value) = value {
                out.sample(HISTOGRAM, &labels(of, Some(quantile)), value);
            }
        }
        out.sample(&format!("{HISTOGRAM}_sum"), &labels(of, None), of.total);
        let count = of.count as f64;
        out.sample(&format!("{HISTOGRAM}_count"), &labels(of, None), count);
    }
    out.family(
        ERRORS,
        Kind::Counter,
        "Values of custom metrics that could not be evaluated.",
    );
    for of in figures {
        out.sample(ERRORS, &labels(of, None), of.errors as f64);
    }
}

fn labels<'f>(of: &'f MetricFigures, quantile: Option<&'f str>) -> Vec<(&'f str, &'f str)> {
    let mut labels = vec![("metric", &*of.name)];
    if !of.unit.is_empty() {
        labels.push(("unit", &of.unit));
    }
    labels.extend(quantile.map(|quantile| ("quantile", quantile)));
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(name: &str, kind: &str, unit: &str, values: Option<f64>) -> MetricFigures {
        MetricFigures {
            name: name.into(),
            kind: kind.into(),
            unit: unit.into(),
            count: 4,
            errors: 1,
            total: 12.5,
            per_second: 1.25,
            average: values,
            min: values,
            max: values,
            median: values,
            percentile_95: values,
            percentile_99: values,
        }
    }

    #[test]
    fn names_are_labels_of_a_counter_and_of_a_summary() {
        let mut out = Exposition::default();
        write(&mut out, &[]);
        write(
            &mut out,
            &[
                figures("Orders/Created", "counter", "", None),
                figures("Orders/Total", "histogram", "EUR", Some(3.5)),
            ],
        );
        let text = out.into_text();
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "cicada_custom_counter_total{metric=\"Orders/Created\"} 12.5",
                "cicada_custom_histogram{metric=\"Orders/Total\",unit=\"EUR\",quantile=\"0.5\"} 3.5",
                "cicada_custom_histogram{metric=\"Orders/Total\",unit=\"EUR\",quantile=\"0.95\"} 3.5",
                "cicada_custom_histogram{metric=\"Orders/Total\",unit=\"EUR\",quantile=\"0.99\"} 3.5",
                "cicada_custom_histogram_sum{metric=\"Orders/Total\",unit=\"EUR\"} 12.5",
                "cicada_custom_histogram_count{metric=\"Orders/Total\",unit=\"EUR\"} 4",
                "cicada_custom_metric_errors_total{metric=\"Orders/Created\"} 1",
                "cicada_custom_metric_errors_total{metric=\"Orders/Total\",unit=\"EUR\"} 1",
            ]
        );
        assert_eq!(text.matches("# TYPE").count(), 3);
    }
}
