//! Lines of the log about what may happen thousands of times a second: the first at once, later ones counted and
//! said every ten seconds, or as seldom as somebody wants.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The silence after a line, unless another is wanted.
const SILENCE: Duration = Duration::from_secs(10);

/// Something that may happen often.
#[derive(Debug)]
pub struct LogThrottle {
    silence: Duration,
    last_line: Mutex<LastLine>,
}

#[derive(Debug, Default)]
struct LastLine {
    at: Option<Instant>,
    since: u64,
}

impl Default for LogThrottle {
    fn default() -> Self {
        Self::every(SILENCE)
    }
}

impl LogThrottle {
    /// A throttle with this silence after a line.
    pub fn every(silence: Duration) -> Self {
        Self {
            silence,
            last_line: Mutex::default(),
        }
    }

    /// It happened: how often since it was last said, if it is time to say it.
    pub fn happened(&self) -> Option<u64> {
        let mut last_line = self.last_line.lock();
        last_line.since += 1;
        if last_line
            .at
            .is_some_and(|last| last.elapsed() < self.silence)
        {
            return None;
        }
        last_line.at = Some(Instant::now());
        Some(std::mem::take(&mut last_line.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_said_at_once_and_the_others_are_counted() {
        let throttle = LogThrottle::default();
        assert_eq!(throttle.happened(), Some(1));
        for _ in 0..99 {
            assert_eq!(throttle.happened(), None);
        }
        tokio::time::sleep(SILENCE).await;
        assert_eq!(throttle.happened(), Some(100));
        assert_eq!(throttle.happened(), None);
        tokio::time::sleep(SILENCE).await;
        assert_eq!(throttle.happened(), Some(2));
    }
}
