//! Schedules: five fields of cron and a time zone, with one meaning on a laptop and on EventBridge
//! Scheduler.
//!
//! A [`Cron`] says at which wall-clock times it fires. A time that a change of the clocks leaves out
//! is left out, and one that comes twice fires once, the first time: as EventBridge Scheduler does
//! it. The time zone database is part of the program, so that every machine knows the same zones.

mod cron;
mod error;
mod eventbridge;
mod fields;
#[cfg(test)]
mod tests;
mod zone;

pub use cron::Cron;
pub use error::{InvalidSchedule, NAME_LENGTH};
pub(crate) use zone::{find as find_zone, offsets};

use crate::ports::Schedule;

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
