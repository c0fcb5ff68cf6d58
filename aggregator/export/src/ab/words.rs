//! The verdicts on differences, in words.

use serde::Serialize;
use utoipa::ToSchema;

use super::interval::{CONFIDENCE, Interval, Level};
use crate::trimmed;

/// The requests that each side needs before a difference is judged: averages of about 30 response times are near a
/// normal distribution.
pub const ENOUGH: u64 = 30;

/// The confidences that a verdict may have, beside the least one.
const SURER: [f64; 4] = [0.99, 0.999, 0.999_9, 0.999_999];

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
    /// Of a difference that is shown: the greatest confidence, of 0.95, 0.99, 0.999, 0.9999 and 0.999999, with which all
    /// intervals of the comparison hold at every look and this one leaves out 0.
    pub sure: Option<f64>,
}

/// Something that may be compared with a number of other intervals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Together(pub(super) usize);

impl<V> Difference<V> {
    /// From both estimates, and the interval at any level.
    pub(super) fn new(
        Together(intervals): Together,
        estimates: Option<(f64, f64)>,
        interval: impl Fn(Level) -> Option<Interval>,
        verdict: impl FnOnce(Option<&Interval>) -> V,
    ) -> Self {
        let at = |confidence| interval(Level::one_of(intervals, confidence));
        let is_shown = |confidence: &f64| at(*confidence).is_some_and(|at| at.is_beyond_zero());
        let interval = at(CONFIDENCE);
        let shown = interval.filter(Interval::is_beyond_zero);
        let surer = SURER.into_iter().take_while(is_shown);
        Self {
            difference: estimates.map(|(a, b)| b - a),
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            verdict: verdict(interval.as_ref()),
            sure: shown.map(|_| surer.last().unwrap_or(CONFIDENCE)),
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
    pub(super) fn of(interval: Option<&Interval>) -> Self {
        interval.map_or(Self::TooFew, |interval| {
            beyond_zero(interval, Self::None, Self::More, Self::Less)
        })
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
    /// The sides' names amid a sentence.
    pub(super) names: [String; 2],
    pub(super) counts: [u64; 2],
    pub(super) average_of_a: Option<f64>,
    pub(super) fail_ratio: Difference<FailVerdict>,
    pub(super) average: Difference<TimeVerdict>,
    pub(super) median: Difference<TimeVerdict>,
    pub(super) p95: Difference<TimeVerdict>,
}

impl Findings {
    /// The difference of response times that counts: of the averages, or where these show none, of the medians, or of
    /// the 95th percentiles.
    fn time(&self) -> (&Difference<TimeVerdict>, &'static str) {
        let all = [
            (&self.average, "on average"),
            (&self.median, "by the median"),
            (&self.p95, "by the 95th percentile"),
        ];
        let shown = all.into_iter().find(|(by, _)| by.sure.is_some());
        shown.unwrap_or(all[0])
    }

    /// The verdict on the pair, in a few words, and with how much confidence it holds.
    pub(super) fn verdict(&self) -> (String, Option<f64>) {
        let (time, _) = self.time();
        let b = &self.names[1];
        let words = match (time.verdict, self.fail_ratio.verdict) {
            (TimeVerdict::TooFew, _) | (_, FailVerdict::TooFew) => {
                return (TOO_FEW.to_owned(), None);
            }
            (TimeVerdict::None, FailVerdict::None) => NO_DIFFERENCE.to_owned(),
            (time, FailVerdict::None) => format!("{b} {}", without_letter(time.as_str())),
            (TimeVerdict::None, fails) => format!("{b} {}", without_letter(fails.as_str())),
            (time, fails) => {
                let [time, fails] = [time.as_str(), fails.as_str()].map(without_letter);
                format!("{b} {time} and {fails}")
            }
        };
        let sure = [time.sure, self.fail_ratio.sure].into_iter().flatten();
        (words, sure.reduce(f64::min))
    }

    /// The verdict with its figures, as a sentence.
    pub(super) fn explanation(&self) -> String {
        if self.verdict().0 == TOO_FEW {
            let ([a, b], [of_a, of_b]) = (&self.names, self.counts);
            return format!("each side needs {ENOUGH} requests: {a} has {of_a}, {b} has {of_b}");
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
        let (by, what) = self.time();
        let how = match by.verdict {
            TimeVerdict::Slower => "longer",
            TimeVerdict::Faster => "less long",
            _ => return None,
        };
        let b = &self.names[1];
        let mut text = format!("{b} takes {} {how} {what}", in_milliseconds(by));
        let percent = self.average_of_a.filter(|average| *average > 0.0);
        if let (Some(average), Some(difference), "on average") = (percent, by.difference, what) {
            text.push_str(&format!(", {:+.0} %", 100.0 * difference / average));
        }
        text.push_str(&surely(by.sure));
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
            sure,
            ..
        } = self.fail_ratio;
        let b = &self.names[1];
        Some(format!(
            "of 100 requests {b} fails {:.1} {how} (95 % interval: {:.1} to {:.1} percentage points){}",
            points(difference).abs(),
            points(low),
            points(high),
            surely(sure)
        ))
    }
}

/// A verdict's words after the letter of the side.
fn without_letter(words: &str) -> &str {
    words.trim_start_matches("b ")
}

/// Of a difference between times to the first event that is shown: a part of the explanation.
pub(super) fn about_first_event(by: &Difference<TimeVerdict>, b: &str) -> Option<String> {
    let how = match by.verdict {
        TimeVerdict::Slower => "later",
        TimeVerdict::Faster => "earlier",
        _ => return None,
    };
    let milliseconds = in_milliseconds(by);
    let sure = surely(by.sure);
    Some(format!(
        "{b}'s first event comes {milliseconds} {how} on average{sure}"
    ))
}

/// A confidence as `99.9 %`.
pub fn in_percent(confidence: f64) -> String {
    format!("{} %", trimmed(100.0 * confidence, 4))
}

fn surely(sure: Option<f64>) -> String {
    sure.map_or_else(String::new, |sure| format!(", {} sure", in_percent(sure)))
}

/// `420 ms (95 % interval: 350 to 490 ms)`; the sign is left to the words around it.
fn in_milliseconds(by: &Difference<TimeVerdict>) -> String {
    let [difference, low, high] = [by.difference.map(f64::abs), by.low, by.high];
    let [difference, low, high] =
        [difference, low, high].map(|value| rounded(value.unwrap_or_default()));
    format!("{difference} ms (95 % interval: {low} to {high} ms)")
}

/// A cost, of which a few requests make little.
pub(crate) fn money(cost: f64) -> String {
    let digits = match cost {
        100.0.. => 0,
        1.0.. => 2,
        0.01.. => 4,
        _ => 6,
    };
    trimmed(cost, digits)
}

/// A number with three significant digits, and at most two after the point.
pub(super) fn rounded(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    trimmed(value, digits)
}
