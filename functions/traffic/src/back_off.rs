//! The waits between tries of a call that fails and may succeed later.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

/// Waits that double up to `longest`, each between a half and the whole of that, by chance: callers who fail together
/// do not try again together. They never end.
pub fn back_off(first: Duration, longest: Duration) -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(first / 2)
        .with_max_delay(longest / 2)
        .without_max_times()
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_no_two_callers_keep_step() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_secs(1));
        let waits = || back_off(first, longest).take(200).collect::<Vec<_>>();
        let (one, other) = (waits(), waits());
        let mut most = first;
        for wait in &one {
            assert!((most / 2..most).contains(wait), "{wait:?} of {most:?}");
            most = (most * 2).min(longest);
        }
        assert_ne!(one, other);
    }
}
