//! Why a schedule cannot be taken, and what to write instead.

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
