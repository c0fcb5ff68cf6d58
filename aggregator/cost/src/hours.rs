//! The hours of traffic, as people say them: a day, a week or a month.

use std::fmt;
use std::str::FromStr;

/// Hours in a month: a year's by twelve.
pub const HOURS_IN_MONTH: f64 = 365.0 * 24.0 / 12.0;

/// Hours of something, per day, week or month: `8/day`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hours {
    hours: f64,
    per: Per,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Per {
    Day,
    Week,
    Month,
}

/// The text does not say how many hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write hours such as 8/day (up to 24), 40/week (up to 168) or 100/month (up to 730)")]
pub struct InvalidHours;

impl Hours {
    /// All the time.
    pub const ALWAYS: Self = Self {
        hours: 24.0,
        per: Per::Day,
    };

    /// Hours of each day.
    pub const fn a_day(hours: f64) -> Self {
        Self {
            hours,
            per: Per::Day,
        }
    }

    /// Hours in a month.
    pub fn in_month(self) -> f64 {
        self.hours * HOURS_IN_MONTH / self.per.hours()
    }

    /// Runs in a month: one a day, one on each of the five days of a working week, or, of hours in a month, one for
    /// each eight hours; none begins where traffic never ends, or there is none.
    pub fn runs_in_month(self) -> f64 {
        if self.hours <= 0.0 || self.hours >= self.per.hours() {
            return 0.0;
        }
        let days = HOURS_IN_MONTH / 24.0;
        match self.per {
            Per::Day => days,
            Per::Week => days * if self.hours > 120.0 { 1.0 } else { 5.0 / 7.0 },
            Per::Month => self.hours / 8.0,
        }
    }
}

impl Per {
    const fn hours(self) -> f64 {
        match self {
            Self::Day => 24.0,
            Self::Week => 168.0,
            Self::Month => HOURS_IN_MONTH,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

impl FromStr for Hours {
    type Err = InvalidHours;

    fn from_str(text: &str) -> Result<Self, InvalidHours> {
        let (hours, per) = text.split_once('/').ok_or(InvalidHours)?;
        let known = [Per::Day, Per::Week, Per::Month];
        let per = known.into_iter().find(|known| known.name() == per.trim());
        let per = per.ok_or(InvalidHours)?;
        let hours = hours.trim().parse().map_err(|_| InvalidHours)?;
        if !(0.0..=per.hours()).contains(&hours) {
            return Err(InvalidHours);
        }
        Ok(Self { hours, per })
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.hours, self.per.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_as_people_write_them() {
        for (text, month) in [
            ("24/day", 730.0),
            ("168/week", 730.0),
            ("8/day", 730.0 / 3.0),
            ("42/week", 182.5),
            ("100/month", 100.0),
            ("0.5/day", 730.0 / 48.0),
        ] {
            let hours: Hours = text.parse().unwrap();
            assert!((hours.in_month() - month).abs() < 1e-9, "{text}");
            assert_eq!(hours.to_string(), text);
        }
    }

    #[test]
    fn a_run_is_a_days_and_none_begins_where_traffic_never_ends() {
        for (text, runs) in [
            ("24/day", 0.0),
            ("0/day", 0.0),
            ("8/day", 365.0 / 12.0),
            ("40/week", 365.0 / 12.0 * 5.0 / 7.0),
            ("150/week", 365.0 / 12.0),
            ("168/week", 0.0),
            ("100/month", 12.5),
        ] {
            let hours: Hours = text.parse().unwrap();
            assert!((hours.runs_in_month() - runs).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn more_hours_than_there_are_and_what_is_no_number_are_refused() {
        for text in [
            "",
            "8",
            "25/day",
            "169/week",
            "731/month",
            "-1/day",
            "nan/day",
            "8/year",
        ] {
            assert_eq!(text.parse::<Hours>(), Err(InvalidHours), "{text}");
        }
    }
}
