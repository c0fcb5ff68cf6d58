//! Spans of time in Locust's form, as in `run_time` and `--run-time`.

use std::time::Duration;

/// The text is no span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a time such as 20, 20s, 3m, 2h, 1h20m or 3h30m10s")]
pub struct InvalidTimespan;

/// Parses a span of time as Locust's `parse_timespan` does: whole seconds, or hours, minutes and seconds in this order,
/// each at most once. A span of more seconds than 64 bits can hold is refused.
pub fn parse_timespan(text: &str) -> Result<Duration, InvalidTimespan> {
    // Python's `$` matches before a last line break, and `int` drops it
    if let Some(seconds) = digits(text.strip_suffix('\n').unwrap_or(text)) {
        return seconds.map(Duration::from_secs).ok_or(InvalidTimespan);
    }
    let mut rest = text;
    let mut total = 0_u64;
    for (unit, seconds) in [('h', 3_600), ('m', 60), ('s', 1)] {
        let Some((number, after)) = rest.split_once(unit) else {
            continue;
        };
        let Some(number) = digits(number) else {
            continue;
        };
        let part = number.and_then(|number| number.checked_mul(seconds));
        total = part
            .and_then(|part| total.checked_add(part))
            .ok_or(InvalidTimespan)?;
        rest = after;
    }
    if rest.is_empty() && !text.is_empty() {
        Ok(Duration::from_secs(total))
    } else {
        Err(InvalidTimespan)
    }
}

/// The number; `None` if the text is not of digits only, `Some(None)` if the number is too large.
fn digits(text: &str) -> Option<Option<u64>> {
    let only_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    only_digits.then(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        parse_timespan(text).ok().map(|span| span.as_secs())
    }

    #[test]
    fn every_documented_form_is_read() {
        for (text, expected) in [
            ("20", 20),
            ("20s", 20),
            ("3m", 180),
            ("2h", 7_200),
            ("1h20m", 4_800),
            ("3h30m10s", 12_610),
            ("1h5s", 3_605),
            ("0", 0),
            ("0s", 0),
            ("007m", 420),
            ("90m", 5_400),
            ("20\n", 20),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "h",
            "20x",
            "-20",
            "+20",
            "1.5h",
            "20 s",
            " 20",
            "1m2h",
            "1h1h",
            "20m\n",
            "1h20",
            "99999999999999999999",
            "9999999999999999999h",
            "\n",
            "1s1",
        ] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }
}
