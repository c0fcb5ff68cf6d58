//! Schedules: five fields of cron and a time zone, with one meaning on a laptop and on EventBridge
//! Scheduler.
//!
//! A [`Cron`] says at which wall-clock times it fires. A time that a change of the clocks leaves out
//! is left out, and one that comes twice fires once, the first time: as EventBridge Scheduler does
//! it. The time zone database is part of the program, so that every machine knows the same zones.

mod cron;
mod eventbridge;
mod fields;
#[cfg(test)]
mod tests;
mod zone;

pub use cron::Cron;
pub(crate) use zone::{find as find_zone, offsets};

use crate::ports::Schedule;

/// Longest name of a schedule: EventBridge Scheduler takes 64 letters, and `-start` is one of its.
pub const NAME_LENGTH: usize = 58;

/// Why a schedule cannot be taken; each says what to write.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSchedule {
    /// The name is no name.
    #[error(
        "name: {name:?} is no name for a schedule; write 1 to {NAME_LENGTH} of a-z, A-Z, 0-9, '-' and '_'"
    )]
    Name {
        /// What was written.
        name: String,
    },
    /// It neither starts nor stops anything.
    #[error("start: neither start nor stop is given; write at least one, as \"0 9 * * 1-5\"")]
    Nothing,
    /// Something is wrong with one of its two crons.
    #[error("{which}: {source}")]
    Cron {
        /// `start` or `stop`.
        which: &'static str,
        /// What it is.
        source: Box<InvalidSchedule>,
    },
    /// There are not five fields.
    #[error(
        "{text:?} has {found} fields; write five: minute, hour, day of month, month, day of week, \
         as \"0 9 * * 1-5\""
    )]
    FieldCount {
        /// What was written.
        text: String,
        /// How many fields it has.
        found: usize,
    },
    /// A field is wrong.
    #[error("{field} {text:?} is not understood; write {allowed}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What was written.
        text: String,
        /// What can be written.
        allowed: &'static str,
    },
    /// Day of month and day of week are both restricted.
    #[error(
        "day of month and day of week are both given, which EventBridge Scheduler cannot express; \
         write \"*\" for one of them, or make two schedules"
    )]
    BothDays,
    /// None of the months has any of the days.
    #[error("no such day: none of the months {months:?} has a day of month {days:?}")]
    NoSuchDay {
        /// What stands for the day of month.
        days: String,
        /// What stands for the month.
        months: String,
    },
    /// The time zone is not known.
    #[error("time_zone: {name:?} is not known{hint}; write a name as \"Europe/Berlin\" or \"UTC\"")]
    TimeZone {
        /// What was written.
        name: String,
        /// What may have been meant, or nothing.
        hint: String,
    },
    /// The body of the `POST /swarm` is no JSON object.
    #[error(
        "swarm: not a JSON object ({source}); write what POST /swarm takes, as \
         {{\"user_count\":10,\"spawn_rate\":1}}"
    )]
    Swarm {
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An expression of EventBridge Scheduler that has no equal in five fields.
    #[error("{text:?} has no equal in five fields of cron: {problem}")]
    EventBridge {
        /// The expression.
        text: String,
        /// Why not.
        problem: &'static str,
    },
}

impl Schedule {
    /// This schedule, if both its crons, its time zone, its name and its body can be used; with
    /// single spaces, and the time zone as the database spells it.
    ///
    /// # Errors
    /// One line that names the field and says what to write.
    pub fn checked(mut self) -> Result<Self, InvalidSchedule> {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=NAME_LENGTH).contains(&self.name.len()) || !self.name.bytes().all(is_known) {
            return Err(InvalidSchedule::Name { name: self.name });
        }
        if self.start.is_none() && self.stop.is_none() {
            return Err(InvalidSchedule::Nothing);
        }
        self.time_zone = zone::find(&self.time_zone)?.0;
        for (which, cron) in [("start", &mut self.start), ("stop", &mut self.stop)] {
            let Some(text) = cron else { continue };
            let parsed = Cron::parse(text, &self.time_zone);
            *text = parsed
                .map_err(|source| InvalidSchedule::Cron {
                    which,
                    source: Box::new(source),
                })?
                .text()
                .to_owned();
        }
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&self.swarm)
            .map_err(|source| InvalidSchedule::Swarm { source })?;
        Ok(self)
    }
}
