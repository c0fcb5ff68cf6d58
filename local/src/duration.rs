//! Durations as people read them.

use std::time::Duration;

/// A duration as `1 d 2 h 3 min`, `3 min 4 s` or `1.5 s`: in whole seconds from a minute on, in tenths below.
pub(crate) fn shown(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    if tenths < 600 {
        return match (tenths / 10, tenths % 10) {
            (seconds, 0) => format!("{seconds} s"),
            (seconds, tenth) => format!("{seconds}.{tenth} s"),
        };
    }
    let seconds = (tenths + 5) / 10;
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_few_units() {
        for (millis, text) in [
            (500, "0.5 s"),
            (1_000, "1 s"),
            (1_540, "1.5 s"),
            (59_960, "1 min"),
            (3_600_000, "1 h"),
            (3_600_400, "1 h"),
            (86_400_000, "1 d"),
            (93_784_000, "1 d 2 h 3 min 4 s"),
        ] {
            assert_eq!(shown(Duration::from_millis(millis)), text);
        }
    }
}
