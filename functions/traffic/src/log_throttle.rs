//! Lines of the log about what may happen thousands of times a second: the first at once, later ones counted and
//! said every ten seconds.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long nothing is said after something was.
const SILENCE: Duration = Duration::from_secs(10);

/// Something that may happen often.
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    since: u64,
}

impl LogThrottle {
    /// It happened: how often since it was last said, if it is time to say it.
    pub fn happened(&self) -> Option<u64> {
        let mut said = self.0.lock();
        said.since += 1;
        if said.last.is_some_and(|last| last.elapsed() < SILENCE) {
            return None;
        }
        said.last = Some(Instant::now());
        Some(std::mem::take(&mut said.since))
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
