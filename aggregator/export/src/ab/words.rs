//! The verdicts on differences, in words.

use serde::Serialize;
use utoipa::ToSchema;

use super::interval::Interval;
use crate::trimmed;

/// The requests that each side needs before a difference is judged: response times are far from a normal distribution,
/// but averages of about 30 of them are near one.
pub const ENOUGH: u64 = 30;

/// A difference between the sides, and its significance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Difference<V> {
    /// b minus a; nothing where a side has no request.
    pub difference: Option<f64>,
    /// The low end of the interval; nothing where there are too few requests.
    pub low: Option<f64>,
    /// The high end of the interval.
    pub high: Option<f64>,
    /// The verdict on the difference.
    pub verdict: V,
}

impl<V> Difference<V> {
    pub(super) fn new(
        estimates: Option<(f64, f64)>,
        interval: Option<Interval>,
        verdict: impl FnOnce(Option<&Interval>) -> V,
    ) -> Self {
        Self {
            difference: estimates.map(|(a, b)| b - a),
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            verdict: verdict(interval.as_ref()),
        }
    }
}

/// The verdict on two fail ratios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub enum FailVerdict {
    /// Nothing yet.
    #[serde(rename = "too few requests")]
    TooFew,
    /// They may be the same.
    #[serde(rename = "no difference shown")]
    None,
    /// b's is greater.
    #[serde(rename = "b fails more often")]
    More,
    /// b's is less.
    #[serde(rename = "b fails less often")]
    Less,
}

/// The verdict on two response times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub enum TimeVerdict {
    /// Nothing yet.
    #[serde(rename = "too few requests")]
    TooFew,
    /// They may be the same.
    #[serde(rename = "no difference shown")]
    None,
    /// b takes longer.
    #[serde(rename = "b is slower")]
    Slower,
    /// b takes less long.
    #[serde(rename = "b is faster")]
    Faster,
}

const TOO_FEW: &str = "too few requests";

const NO_DIFFERENCE: &str = "no difference shown";

impl FailVerdict {
    pub(super) fn of(interval: Option<&Interval>, fewest: u64) -> Self {
        match interval {
            Some(interval) if fewest >= ENOUGH => {
                beyond_zero(interval, Self::None, Self::More, Self::Less)
            }
            _ => Self::TooFew,
        }
    }

    /// The words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooFew => TOO_FEW,
            Self::None => NO_DIFFERENCE,
            Self::More => "b fails more often",
            Self::Less => "b fails less often",
        }
    }
}

impl TimeVerdict {
    pub(super) fn of(interval: Option<&Interval>) -> Self {
        interval.map_or(Self::TooFew, |interval| {
            beyond_zero(interval, Self::None, Self::Slower, Self::Faster)
        })
    }

    /// The words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooFew => TOO_FEW,
            Self::None => NO_DIFFERENCE,
            Self::Slower => "b is slower",
            Self::Faster => "b is faster",
        }
    }
}

fn beyond_zero<V>(interval: &Interval, none: V, above: V, below: V) -> V {
    if interval.low > 0.0 {
        above
    } else if interval.high < 0.0 {
        below
    } else {
        none
    }
}

/// The figures and verdicts of a pair.
pub(super) struct Findings {
    pub(super) counts: [u64; 2],
    pub(super) average_of_a: Option<f64>,
    pub(super) fail_ratio: Difference<FailVerdict>,
    pub(super) average: Difference<TimeVerdict>,
    pub(super) median: Difference<TimeVerdict>,
}

impl Findings {
    /// The verdict on the response times: by the average, or by the median where only that shows a difference.
    fn time(&self) -> TimeVerdict {
        match (self.average.verdict, self.median.verdict) {
            (TimeVerdict::None, by_median) => by_median,
            (by_average, _) => by_average,
        }
    }

    /// The verdict on the pair, in a few words.
    pub(super) fn verdict(&self) -> String {
        match (self.time(), self.fail_ratio.verdict) {
            (TimeVerdict::TooFew, _) | (_, FailVerdict::TooFew) => TOO_FEW.to_owned(),
            (time, FailVerdict::None) => time.as_str().to_owned(),
            (TimeVerdict::None, fails) => fails.as_str().to_owned(),
            (time, fails) => {
                let fails = fails.as_str();
                format!("{} and {}", time.as_str(), fails.trim_start_matches("b "))
            }
        }
    }

    /// The verdict with its figures, as a sentence.
    pub(super) fn explanation(&self) -> String {
        if self.verdict() == TOO_FEW {
            let [a, b] = self.counts;
            return format!("each side needs {ENOUGH} requests: a has {a}, b has {b}");
        }
        let mut parts = Vec::new();
        parts.extend(self.about_time());
        parts.extend(self.about_failures());
        if parts.is_empty() {
            parts.push(format!(
                "the averages differ by {}, which may be chance",
                in_milliseconds(&self.average)
            ));
        }
        parts.join("; ")
    }

    fn about_time(&self) -> Option<String> {
        let (how, by, what) = match (self.average.verdict, self.median.verdict) {
            (TimeVerdict::Slower, _) => ("longer", &self.average, "on average"),
            (TimeVerdict::Faster, _) => ("less long", &self.average, "on average"),
            (_, TimeVerdict::Slower) => ("longer", &self.median, "by the median"),
            (_, TimeVerdict::Faster) => ("less long", &self.median, "by the median"),
            _ => return None,
        };
        let mut text = format!("b takes {} {how} {what}", in_milliseconds(by));
        let percent = self.average_of_a.filter(|average| *average > 0.0);
        if let (Some(average), Some(difference), "on average") = (percent, by.difference, what) {
            text.push_str(&format!(", {:+.0} %", 100.0 * difference / average));
        }
        let opposite = matches!(
            (self.average.verdict, self.median.verdict),
            (TimeVerdict::Slower, TimeVerdict::Faster) | (TimeVerdict::Faster, TimeVerdict::Slower)
        );
        if opposite {
            text.push_str(", but by the median it is the other way round");
        }
        Some(text)
    }

    fn about_failures(&self) -> Option<String> {
        let how = match self.fail_ratio.verdict {
            FailVerdict::More => "more",
            FailVerdict::Less => "fewer",
            _ => return None,
        };
        let points = |ratio: Option<f64>| 100.0 * ratio.unwrap_or_default();
        let Difference {
            difference,
            low,
            high,
            ..
        } = self.fail_ratio;
        Some(format!(
            "of 100 requests b fails {:.1} {how} (95 % interval: {:.1} to {:.1})",
            points(difference).abs(),
            points(low),
            points(high)
        ))
    }
}

/// `420 ms (95 % interval: 350 to 490 ms)`; the sign is left to the words around it.
fn in_milliseconds(by: &Difference<TimeVerdict>) -> String {
    let [difference, low, high] = [by.difference.map(f64::abs), by.low, by.high];
    let [difference, low, high] =
        [difference, low, high].map(|value| rounded(value.unwrap_or_default()));
    format!("{difference} ms (95 % interval: {low} to {high} ms)")
}

/// A number with three significant digits, and at most two after the point.
fn rounded(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    trimmed(value, digits)
}
