//! Five fields of cron in a time zone, and when they match next.

use std::fmt;

use jiff::tz::{AmbiguousOffset, TimeZone};

use super::error::InvalidSchedule;
use super::fields::{CronFields, Dialect};
use super::zone;
use crate::clock::Timestamp;

/// Five fields of cron in a time zone.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    time_zone: String,
    zone: TimeZone,
    fields: CronFields,
    pattern: croner::Cron,
}

impl Cron {
    /// Reads minute, hour, day of month, month and day of week: `*`, numbers, names of months and
    /// days, lists, ranges, and steps of `*` and of ranges.
    ///
    /// # Errors
    /// When a field or the time zone is not understood, when both days are given, and when no month
    /// has such a day.
    pub fn parse(text: &str, time_zone: &str) -> Result<Self, InvalidSchedule> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let Ok(five) = <[&str; 5]>::try_from(parts.as_slice()) else {
            return Err(InvalidSchedule::FieldCount {
                text: text.to_owned(),
                found: parts.len(),
            });
        };
        let fields = CronFields::parse(five, Dialect::Cron)?;
        Self::new(five.join(" "), fields, time_zone)
    }

    pub(super) fn new(
        text: String,
        fields: CronFields,
        time_zone: &str,
    ) -> Result<Self, InvalidSchedule> {
        let (time_zone, zone) = zone::find(time_zone)?;
        let pattern = fields.check()?;
        Ok(Self {
            text,
            time_zone,
            zone,
            fields,
            pattern,
        })
    }

    /// The five fields, as they were written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The time zone's name.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// The first instant after `instant` at which it fires; `None` if that is out of reach.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        let micros = i64::try_from(instant.micros()).ok()?;
        let after = jiff::Timestamp::from_microsecond(micros).ok()?;
        let mut local = self.zone.to_datetime(after);
        loop {
            local = self.pattern.find_next_occurrence(&local, false).ok()?;
            let found = self.zone.to_ambiguous_timestamp(local);
            if matches!(found.offset(), AmbiguousOffset::Gap { .. }) {
                continue;
            }
            let at = found.earlier().ok()?;
            // in the second of two equal hours, those of the first are over
            if at > after {
                let micros = u64::try_from(at.as_microsecond()).ok()?;
                return Some(Timestamp::from_micros(micros));
            }
        }
    }

    pub(super) fn fields(&self) -> &CronFields {
        &self.fields
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
