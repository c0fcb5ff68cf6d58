//! The function `now`: the instant that an iteration was planned for, in the form of strftime.
//!
//! It is the plan's instant and not a clock's, so that whoever executes an iteration sends the same. Only where the
//! plan knows none, as the wait began with a response, it is the instant at which the iteration began. The zone is UTC.

use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::clock::Timestamp;

/// The function's name.
pub(super) const NOW: &str = "now";

/// The longest form in bytes.
const LONGEST: usize = 200;

/// Checks a form.
pub(super) fn check_format(format: &str) -> Result<(), String> {
    formatted(Timestamp::default(), format).map(|_| ())
}

/// The instant in a form such as `%F`.
pub(super) fn formatted(at: Timestamp, format: &str) -> Result<String, String> {
    if format.len() > LONGEST {
        return Err(format!("now takes a form of at most {LONGEST} bytes"));
    }
    let micros = i64::try_from(at.micros()).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
    strtime::format(format, &at.to_zoned(TimeZone::UTC)).map_err(|error| {
        format!("now({format:?}) has an unknown form ({error}): write one such as now(\"%F\") or now(\"%FT%TZ\")")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_the_forms_that_services_ask_for() {
        let at = Timestamp::from_micros(1_700_000_000_123_456);
        for (format, expected) in [
            ("%F", "2023-11-14"),
            ("%Y-%m-%dT%H:%M:%SZ", "2023-11-14T22:13:20Z"),
            ("%FT%T%.3fZ", "2023-11-14T22:13:20.123Z"),
            ("%s", "1700000000"),
            ("%a, %d %b %Y %T GMT", "Tue, 14 Nov 2023 22:13:20 GMT"),
            ("", ""),
        ] {
            assert_eq!(formatted(at, format).as_deref(), Ok(expected), "{format}");
        }
    }

    #[test]
    fn an_unknown_form_is_a_mistake() {
        let said = check_format("%!").unwrap_err();
        assert!(
            said.starts_with("now(\"%!\") has an unknown form ("),
            "{said}"
        );
        assert!(check_format(&"x".repeat(201)).is_err());
        assert!(formatted(Timestamp::from_micros(u64::MAX), "%F").is_ok());
    }
}
