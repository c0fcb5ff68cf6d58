//! Timestamps in answers: Unix time as RFC 3339 text in UTC, with milliseconds.

use traffic::clock::Timestamp;

/// `instant` as `2026-03-04T12:34:56.789Z`, rounded down.
pub(crate) fn rfc3339(instant: Timestamp) -> String {
    let milliseconds = i64::try_from(instant.micros() / 1_000).unwrap_or(i64::MAX);
    let instant = jiff::Timestamp::from_millisecond(milliseconds);
    format!("{:.3}", instant.unwrap_or(jiff::Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants_read_as_they_should() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000_000, "2000-03-01T00:00:00.000Z"),
            (1_709_210_096_789_000, "2024-02-29T12:34:56.789Z"),
            (1_767_225_599_999_999, "2025-12-31T23:59:59.999Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(Timestamp::from_micros(micros)), text);
        }
    }
}
