//! Instants and stretches of time as Locust writes them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// An instant in UTC, such as `2026-11-26T10:45:25Z`; one after the year 9999 as its number.
pub fn utc(seconds: u64) -> String {
    let written = instant(seconds).map(|instant| instant.strftime("%Y-%m-%dT%H:%M:%SZ"));
    written.map_or_else(|| seconds.to_string(), |written| written.to_string())
}

/// An instant in a zone, fit for the name of a file, such as `2026-11-26-10h45`.
pub fn for_a_file(seconds: u64, zone: TimeZone) -> String {
    let written = instant(seconds).map(|instant| instant.to_zoned(zone));
    written.map_or_else(
        || seconds.to_string(),
        |written| written.strftime("%Y-%m-%d-%Hh%M").to_string(),
    )
}

/// A stretch of whole seconds in words, such as `1 hour, 2 minutes and 3 seconds`.
pub fn duration(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, "day"),
        (seconds / 3_600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
        .collect();
    match words.split_last() {
        None => "0 seconds".into(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

fn instant(seconds: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_locusts_forms() {
        assert_eq!(utc(1_735_689_603), "2025-01-01T00:00:03Z");
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(for_a_file(1_735_689_603, zone), "2025-01-01-02h00");
        assert_eq!(utc(u64::MAX), u64::MAX.to_string());
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (61, "1 minute and 1 second"),
            (93_784, "1 day, 2 hours, 3 minutes and 4 seconds"),
            (7_200, "2 hours"),
        ] {
            assert_eq!(duration(seconds), words);
        }
    }
}
