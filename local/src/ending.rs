//! The longest times of a program's end. Together they stay below the ten seconds after which a container engine kills
//! what it has asked to end, so that nobody has to give it more.

use std::time::Duration;

/// The time that iterations may go on, unless `--stop-timeout` says another.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// The time for the results of iterations that were cut off.
pub(crate) const WRITES_WITHIN: Duration = Duration::from_millis(2_500);

/// The time for the last figures and files, where runs are to go on.
pub(crate) const FIGURES_WITHIN: Duration = Duration::from_secs(1);

/// The time for the last spans and metrics to be exported, and for the last rows of `--results` to be written. Web server
/// and stand-in targets end meanwhile.
pub(crate) const EXPORTS_WITHIN: Duration = Duration::from_millis(1_500);

/// The time for the runtime's threads, when nothing is left to do.
pub(crate) const CLOSES_WITHIN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_told_to_end_has_ended_before_a_container_engine_kills_it() {
        let beside = EXPORTS_WITHIN
            .max(web::serve::GRACE)
            .max(stand_ins::TargetsConfig::default().grace);
        let all = PATIENCE + WRITES_WITHIN + FIGURES_WITHIN + beside + CLOSES_WITHIN;
        assert!(all < Duration::from_secs(9), "{all:?}");
    }
}
