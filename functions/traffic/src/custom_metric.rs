//! Custom metrics: what a workload counts besides requests, such as orders and their totals.
//!
//! A value is a whole number of millionths, so that sums are the same in any order. Names are what OpenTelemetry takes
//! for an instrument's name. Which responses are measured is `workload`'s.

/// The most custom metrics of a workload.
pub const MOST: usize = 32;

/// The longest name, in characters.
pub const MAX_NAME: usize = 100;

/// The longest unit, in characters: OpenTelemetry's limit.
pub const MAX_UNIT: usize = 63;

/// The greatest value.
pub const MAX_VALUE: f64 = 1e12;

/// Names of metrics that are exported beside the custom ones begin with these.
const TAKEN: [&str; 3] = ["cicada.", "gen_ai.", "http."];

/// What becomes of a custom metric's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricKind {
    /// They are added up.
    #[default]
    Counter,
    /// Their distribution is kept as well.
    Histogram,
}

impl MetricKind {
    /// The kind in a workload's words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }

    /// The kind of these words.
    pub fn of(words: &str) -> Option<Self> {
        [Self::Counter, Self::Histogram]
            .into_iter()
            .find(|kind| kind.as_str() == words)
    }
}

/// A custom metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomMetric {
    /// Its name, such as `Orders/Created`.
    pub name: Box<str>,
    /// What becomes of its values.
    pub kind: MetricKind,
    /// The unit of its values; empty if none was said.
    pub unit: Box<str>,
}

impl CustomMetric {
    /// True if this may be a custom metric's name.
    pub fn is_name(name: &str) -> bool {
        let is_short = (1..=MAX_NAME).contains(&name.len());
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
        is_short && name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(fits)
    }

    /// The beginning of a name that metrics of Cicada's own have, if this one has it.
    pub fn taken(name: &str) -> Option<&'static str> {
        let name = name.to_ascii_lowercase();
        TAKEN.into_iter().find(|taken| name.starts_with(taken))
    }

    /// True if this may be a unit.
    pub fn is_unit(unit: &str) -> bool {
        (1..=MAX_UNIT).contains(&unit.len()) && unit.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

/// A value of 0 or more, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

impl Amount {
    /// Millionths in 1.
    pub const ONE: u64 = 1_000_000;

    /// The greatest value.
    const MAX: u64 = MAX_VALUE as u64 * Self::ONE;

    /// The value that is nearest to a number from 0 to [`MAX_VALUE`].
    pub fn of(number: f64) -> Option<Self> {
        if !(0.0..=MAX_VALUE).contains(&number) {
            return None;
        }
        // apart, as both together have more digits than a float
        let fraction = (number.fract() * Self::ONE as f64).round() as u64;
        Some(Self(number.trunc() as u64 * Self::ONE + fraction))
    }

    /// The value of so many millionths, up to [`MAX_VALUE`].
    pub const fn from_millionths(millionths: u64) -> Option<Self> {
        if millionths > Self::MAX {
            return None;
        }
        Some(Self(millionths))
    }

    /// The value in millionths.
    pub const fn millionths(self) -> u64 {
        self.0
    }

    /// The value as a number.
    pub fn number(self) -> f64 {
        self.0 as f64 / Self::ONE as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_people_and_opentelemetry_write() {
        for name in [
            "Orders/Created",
            "a",
            "cart.total-EUR_1",
            "Custom/A/b",
            "httpErrors",
        ] {
            assert!(CustomMetric::is_name(name), "{name}");
            assert_eq!(CustomMetric::taken(name), None, "{name}");
        }
        let long = "a".repeat(MAX_NAME + 1);
        for name in ["", "1st", "/a", "a b", "a{{ b }}", "ä", "a\n", &long] {
            assert!(!CustomMetric::is_name(name), "{name}");
        }
        assert_eq!(CustomMetric::taken("Cicada.users"), Some("cicada."));
        assert_eq!(CustomMetric::taken("http.client.x"), Some("http."));
    }

    #[test]
    fn a_number_is_a_whole_number_of_millionths() {
        for (number, millionths) in [
            (0.0, 0),
            (1.0, 1_000_000),
            (129.9, 129_900_000),
            (0.000_000_4, 0),
            (0.999_999_9, 1_000_000),
            (999_999_999_999.0, 999_999_999_999_000_000),
            (1e12, 1_000_000_000_000_000_000),
        ] {
            let amount = Amount::of(number);
            assert_eq!(amount.map(Amount::millionths), Some(millionths), "{number}");
            assert_eq!(amount, Amount::from_millionths(millionths));
        }
        for number in [-0.1, f64::NAN, f64::INFINITY, 1.1e12] {
            assert_eq!(Amount::of(number), None, "{number}");
        }
        assert_eq!(Amount::from_millionths(u64::MAX), None);
    }
}
