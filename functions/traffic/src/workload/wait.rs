//! The wait of a user between iterations, and how durations are written in a workload file.
//!
//! A [`Wait`] is a value: when iterations are due by it is the plan's business. Durations are whole
//! microseconds.

use std::fmt;
use std::time::Duration;

use toml::de::DeValue;

use super::read;

/// The shortest time between the iterations that the plan sets by the clock.
pub const MIN_PACING: Duration = Duration::from_millis(1);

/// The longest wait and the longest timeout.
pub const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);

/// The time from one iteration of a user to its next, by Locust's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Uniform between two bounds. `0 < min <= max`.
    Between {
        /// The shortest wait.
        min: Duration,
        /// The longest wait.
        max: Duration,
    },
    /// An iteration starts this long after the one before it started.
    ConstantPacing(Duration),
    /// An iteration starts this long after the one before it ended. May be zero.
    Constant(Duration),
    /// Iterations start at random instants, this long apart on average.
    Poisson(Duration),
}

/// The forms of a `wait`, for messages.
pub(super) const EXPECTED: &str = "\"between(1, 3)\", \"constant_pacing(30)\", \
    \"constant_throughput(0.5)\", \"constant(1)\" or \"poisson(10)\", in seconds";

impl Wait {
    /// Reads `between(1, 3)` and the like; numbers are seconds, or durations such as `500ms`.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let unreadable = || format!("is {text:?}: write {EXPECTED}");
        let (name, rest) = text.trim().split_once('(').ok_or_else(unreadable)?;
        let inside = rest.strip_suffix(')').ok_or_else(unreadable)?;
        let arguments: Vec<&str> = inside.split(',').map(str::trim).collect();
        match (name.trim(), &*arguments) {
            ("between", [min, max]) => between(text, min, max),
            ("constant_pacing", [pace]) => {
                Ok(Self::ConstantPacing(paced(text, bounded(text, pace)?)?))
            }
            ("poisson", [mean]) => Ok(Self::Poisson(paced(text, bounded(text, mean)?)?)),
            ("constant", [wait]) => Ok(Self::Constant(bounded(text, wait)?)),
            ("constant_throughput", [rate]) => throughput(text, rate),
            _ => Err(unreadable()),
        }
    }
}

/// As it is written in a workload file, in seconds.
impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between { min, max } => {
                write!(f, "between({}, {})", min.as_secs_f64(), max.as_secs_f64())
            }
            Self::ConstantPacing(pace) => write!(f, "constant_pacing({})", pace.as_secs_f64()),
            Self::Constant(wait) => write!(f, "constant({})", wait.as_secs_f64()),
            Self::Poisson(mean) => write!(f, "poisson({})", mean.as_secs_f64()),
        }
    }
}

fn between(text: &str, min: &str, max: &str) -> Result<Wait, String> {
    let (min, max) = (bounded(text, min)?, bounded(text, max)?);
    if min > max {
        return Err(format!(
            "is {text:?}, whose first bound is above its second: swap them"
        ));
    }
    if min < MIN_PACING && max > MIN_PACING {
        let (least, most) = (MIN_PACING.as_secs_f64(), max.as_secs_f64());
        return Err(format!(
            "is {text:?}, and a user never begins two iterations at once: write \"between({least}, {most})\""
        ));
    }
    paced(text, min)?;
    Ok(Wait::Between { min, max })
}

fn throughput(text: &str, rate: &str) -> Result<Wait, String> {
    let rate: f64 = rate.parse().unwrap_or(f64::NAN);
    let pace = if rate > 0.0 {
        from_seconds(1.0 / rate)
    } else {
        None
    };
    match pace {
        Some(pace) if (MIN_PACING..=MAX_DURATION).contains(&pace) => Ok(Wait::ConstantPacing(pace)),
        _ => Err(format!(
            "is {text:?}: write iterations a second, from 0.0000116 (one a day) to 1000"
        )),
    }
}

/// A duration that paces the plan, so not next to nothing.
fn paced(text: &str, duration: Duration) -> Result<Duration, String> {
    if duration < MIN_PACING {
        return Err(format!(
            "is {text:?}, less than a millisecond: write \"constant(0)\" for users that never wait"
        ));
    }
    Ok(duration)
}

fn bounded(text: &str, argument: &str) -> Result<Duration, String> {
    parse_duration(argument)
        .filter(|duration| *duration <= MAX_DURATION)
        .ok_or_else(|| format!("is {text:?}: write each time in seconds, from 0 to 86400 (a day)"))
}

/// A duration from `2`, `0.5`, `500ms`, `20s`, `3m` or `1h20m`; a bare number is seconds.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return from_seconds(seconds);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let scale = match unit {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total = total.checked_add(from_seconds(number.parse::<f64>().ok()? * scale)?)?;
        rest = after.trim_start();
    }
    (!text.is_empty()).then_some(total)
}

/// A duration in a TOML value: a number of seconds, or a string such as `"1m30s"`.
pub(super) fn duration(value: &DeValue<'_>) -> Option<Duration> {
    match value {
        DeValue::String(text) => parse_duration(text),
        number => from_seconds(read::number(number)?),
    }
}

/// Seconds, rounded to microseconds; nothing for what is negative, not finite or beyond a century.
fn from_seconds(seconds: f64) -> Option<Duration> {
    const CENTURY: f64 = 100.0 * 366.0 * 86_400.0;
    (0.0..=CENTURY)
        .contains(&seconds)
        .then(|| Duration::from_micros((seconds * 1e6).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn every_wait_of_locust_is_read() {
        let between = Wait::Between {
            min: seconds(1.0),
            max: seconds(3.0),
        };
        assert_eq!(Wait::parse("between(1, 3)"), Ok(between));
        assert_eq!(Wait::parse(" between( 1000ms,3s ) "), Ok(between));
        assert_eq!(
            Wait::parse("constant_pacing(30)"),
            Ok(Wait::ConstantPacing(seconds(30.0)))
        );
        assert_eq!(
            Wait::parse("constant_throughput(4)"),
            Ok(Wait::ConstantPacing(seconds(0.25)))
        );
        assert_eq!(Wait::parse("constant(0)"), Ok(Wait::Constant(seconds(0.0))));
        assert_eq!(Wait::parse("poisson(2.5)"), Ok(Wait::Poisson(seconds(2.5))));
    }

    #[test]
    fn a_wait_reads_back_as_it_is_shown() {
        for text in [
            "between(1, 3)",
            "constant_pacing(0.001)",
            "constant(0)",
            "poisson(86400)",
        ] {
            assert_eq!(
                Wait::parse(text).map(|wait| wait.to_string()).as_deref(),
                Ok(text)
            );
        }
    }

    #[test]
    fn a_wait_of_nothing_points_to_constant_0() {
        for text in [
            "between(0, 0)",
            "constant_pacing(0)",
            "poisson(0.0009)",
            "between(0, 0.001)",
        ] {
            let message = Wait::parse(text).unwrap_err();
            assert!(message.contains("\"constant(0)\""), "{message}");
        }
    }

    #[test]
    fn bounds_that_begin_at_nothing_point_to_a_millisecond() {
        let message = Wait::parse("between(0, 2)").unwrap_err();
        assert!(message.contains("\"between(0.001, 2)\""), "{message}");
        assert!(Wait::parse("between(0.001, 2)").is_ok());
    }

    #[test]
    fn what_is_no_wait_is_refused() {
        for text in [
            "",
            "between",
            "between(1)",
            "between(3, 1)",
            "between(1, 2, 3)",
            "constant(-1)",
            "constant(nan)",
            "constant(inf)",
            "constant_pacing(86401)",
            "constant_throughput(0)",
            "constant_throughput(-1)",
            "constant_throughput(1001)",
            "sleep(1)",
            "constant(1) + 1",
            "constant(1e300)",
            "between(1, x)",
        ] {
            assert!(Wait::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        let read = |text| parse_duration(text).map(|duration| duration.as_micros());
        assert_eq!(read("20"), Some(20_000_000));
        assert_eq!(read("1h20m"), Some(4_800_000_000));
        assert_eq!(read("1m 30s"), Some(90_000_000));
        assert_eq!(read("1.5s"), Some(1_500_000));
        assert_eq!(read("250ms"), Some(250_000));
        for text in [
            "", "s", "1x", "1.2.3s", "-1s", "1s2", "1e400", "-1", "nan", "ms1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
