//! Cron as EventBridge Scheduler writes it: six fields, the last of them the year, weekdays from
//! Sunday, and a question mark for the day that does not matter.
//!
//! Only what Amazon's documentation shows is written: names of weekdays, lists, ranges, and steps
//! from a number on.

use super::cron::Cron;
use super::error::InvalidSchedule;
use super::fields::{CronFields, Dialect};

impl Cron {
    /// The expression that fires at the same times on EventBridge Scheduler, as
    /// `cron(0 9 ? * MON-FRI *)`.
    pub fn to_eventbridge(&self) -> String {
        let [minute, hour, mut day, month, mut weekday] = self.fields().write(Dialect::EventBridge);
        let unimportant = if weekday == "*" {
            &mut weekday
        } else {
            &mut day
        };
        "?".clone_into(unimportant);
        format!("cron({minute} {hour} {day} {month} {weekday} *)")
    }

    /// The five fields that fire at the same times as an expression of EventBridge Scheduler.
    ///
    /// # Errors
    /// When it is no `cron(...)`, names years, uses `L`, `W` or `#`, or is not understood.
    pub fn from_eventbridge(expression: &str, time_zone: &str) -> Result<Self, InvalidSchedule> {
        let no_equal = |problem| InvalidSchedule::EventBridge {
            text: expression.to_owned(),
            problem,
        };
        let inner = expression.trim().strip_prefix("cron(");
        let inner = inner.and_then(|inner| inner.strip_suffix(')'));
        let inner = inner.ok_or_else(|| no_equal("it does not read cron(...)"))?;
        let parts: Vec<&str> = inner.split_whitespace().collect();
        let Ok([minute, hour, day, month, weekday, year]) = <[&str; 6]>::try_from(parts) else {
            return Err(no_equal("it does not have six fields"));
        };
        if year != "*" {
            return Err(no_equal("it names years"));
        }
        let every = |text| if text == "?" { "*" } else { text };
        let five = [minute, hour, every(day), month, every(weekday)];
        let fields = CronFields::parse(five, Dialect::EventBridge)?;
        Self::new(fields.write(Dialect::Cron).join(" "), fields, time_zone)
    }
}
