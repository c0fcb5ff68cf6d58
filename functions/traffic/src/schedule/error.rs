//! Mistakes in a schedule, each with what to write instead.

/// Longest name of a schedule: EventBridge Scheduler takes 64 letters, and `-start` is one of its.
pub const NAME_LENGTH: usize = 58;

/// A mistake in a schedule; each says what to write instead.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InvalidSchedule {
    #[error(
        "name: {name:?} is no name for a schedule; write 1 to {NAME_LENGTH} of a-z, A-Z, 0-9, '-' and '_'"
    )]
    Name { name: String },
    #[error("start: neither start nor stop is given; write at least one, as \"0 9 * * 1-5\"")]
    Nothing,
    #[error("{which}: {source}")]
    Cron {
        which: &'static str,
        source: Box<InvalidSchedule>,
    },
    #[error(
        "{text:?} has {found} fields; write five: minute, hour, day of month, month, day of week, \
         as \"0 9 * * 1-5\""
    )]
    FieldCount { text: String, found: usize },
    #[error("{field} {text:?} is not understood; write {allowed}")]
    Field {
        field: &'static str,
        text: String,
        allowed: &'static str,
    },
    #[error(
        "day of month and day of week are both given, which EventBridge Scheduler cannot express; \
         write \"*\" for one of them, or make two schedules"
    )]
    BothDays,
    #[error("no such day: none of the months {months:?} has a day of month {days:?}")]
    NoSuchDay { days: String, months: String },
    #[error("time_zone: {name:?} is not known{hint}; write a name as \"Europe/Berlin\" or \"UTC\"")]
    TimeZone { name: String, hint: String },
    #[error(
        "swarm: not a JSON object ({source}); write what POST /swarm takes, as \
         {{\"user_count\":10,\"spawn_rate\":1}}"
    )]
    Swarm { source: serde_json::Error },
    #[error("{text:?} has no equal in five fields of cron: {problem}")]
    EventBridge { text: String, problem: &'static str },
}
