//! A threshold: what a run's figures must stay below.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A figure of the statistics or the ledger, and the value that it must stay below.
///
/// As text: `p95<500`, or `p95<500 of Chat A` for the requests of one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// The figure.
    pub metric: ThresholdMetric,
    /// The name of the requests that the figure is of; `None` for all requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<Arc<str>>,
    /// The figure must be less than this: milliseconds of a response time, else a plain number.
    pub below: f64,
}

/// A figure that a threshold is about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ThresholdMetric {
    /// Failures by requests.
    FailRatio,
    /// The mean response time.
    Average,
    /// A percentile of the response times, from 0 to 100.
    Percentile(f64),
    /// The slowest response.
    Max,
    /// A percentile of the times to the first event of streams, from 0 to 100.
    FirstEvent(f64),
    /// Planned iterations that were not executed, by the ledger.
    Missing,
}

/// The figures, for messages.
pub(super) const METRICS: &str =
    "fail_ratio, average, p50, p95, p99.9 or another percentile, max, first_event_p95, or missing";

impl ThresholdMetric {
    /// True for the figures of requests, which a row may have of its own.
    pub fn is_of_requests(self) -> bool {
        self != Self::Missing
    }

    /// The unit: `" ms"` for response times, nothing for others.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Average | Self::Percentile(_) | Self::Max | Self::FirstEvent(_) => " ms",
            Self::FailRatio | Self::Missing => "",
        }
    }
}

impl FromStr for ThresholdMetric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percentile = |text: &str| {
            let digits = text.strip_prefix('p')?;
            let is_number = digits.bytes().all(|c| c.is_ascii_digit() || c == b'.');
            let percent: f64 = digits.parse().ok().filter(|_| is_number)?;
            (percent > 0.0 && percent < 100.0).then_some(percent)
        };
        match text {
            "fail_ratio" => Ok(Self::FailRatio),
            "average" => Ok(Self::Average),
            "max" => Ok(Self::Max),
            "missing" => Ok(Self::Missing),
            other => match other.strip_prefix("first_event_") {
                Some(of_first_event) => percentile(of_first_event).map(Self::FirstEvent),
                None => percentile(other).map(Self::Percentile),
            }
            .ok_or_else(|| {
                let shown: String = other.chars().take(40).collect();
                format!("{shown:?} is no figure of a threshold: write {METRICS}")
            }),
        }
    }
}

impl TryFrom<String> for ThresholdMetric {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ThresholdMetric> for String {
    fn from(metric: ThresholdMetric) -> Self {
        metric.to_string()
    }
}

impl fmt::Display for ThresholdMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailRatio => f.write_str("fail_ratio"),
            Self::Average => f.write_str("average"),
            Self::Percentile(percent) => write!(f, "p{percent}"),
            Self::Max => f.write_str("max"),
            Self::FirstEvent(percent) => write!(f, "first_event_p{percent}"),
            Self::Missing => f.write_str("missing"),
        }
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "write a figure and the number that it must stay below, such as 'p95<500', \
             'fail_ratio<0.05' or 'p95<500 of NAME'";
        let (metric, rest) = text.split_once('<').ok_or(EXPECTED)?;
        let metric = metric.trim().parse()?;
        let (number, row) = match rest.split_once(" of ") {
            Some((number, row)) => (number, Some(row.trim())),
            None => (rest, None),
        };
        let below = number.trim().parse().ok();
        let below = below.filter(|below: &f64| below.is_finite() && *below > 0.0);
        let threshold = Self {
            metric,
            row: row.map(Arc::from),
            below: below.ok_or_else(|| format!("{EXPECTED}: the number must be above 0"))?,
        };
        threshold.checked()
    }
}

impl Threshold {
    /// The threshold, unless a row is named for a figure that rows do not have.
    pub(super) fn checked(self) -> Result<Self, String> {
        if self.row.is_some() && !self.metric.is_of_requests() {
            let metric = self.metric;
            return Err(format!(
                "{metric} is a figure of the whole run: leave out the name of the requests"
            ));
        }
        Ok(self)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}<{}", self.metric, self.below)?;
        match &self.row {
            Some(row) => write!(f, " of {row}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_threshold_and_back() {
        for text in [
            "p95<500",
            "p99.9<0.5 of GET /a < b of c",
            "fail_ratio<0.05",
            "average<12.5 of Chat A",
            "max<1000",
            "first_event_p95<800 of Chat A",
            "missing<1",
        ] {
            let threshold: Threshold = text.parse().unwrap();
            assert_eq!(threshold.to_string(), text);
            let json = serde_json::to_string(&threshold).unwrap();
            assert_eq!(serde_json::from_str::<Threshold>(&json).unwrap(), threshold);
        }
        let spaced: Threshold = " p95 < 500 of  Chat A ".parse().unwrap();
        assert_eq!(spaced.to_string(), "p95<500 of Chat A");
        for text in [
            "",
            "p95",
            "p95>500",
            "p95<",
            "p95<x",
            "p95<0",
            "p95<-1",
            "p95<inf",
            "p95<nan",
            "p0<1",
            "p100<1",
            "p-1<1",
            "p1e1<1",
            "pinf<1",
            "p<1",
            "<1",
            "median<1",
            "first_event_95<1",
            "first_event_p0<1",
            "missing<1 of Chat A",
        ] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }
}
