//! Lines of the log that strangers cause: the first at once, later ones counted and said seldom, so
//! that no flood of requests becomes a flood of lines.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long nothing is said after something was.
const SILENCE: Duration = Duration::from_secs(10);

/// Something that may happen often.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    since: u64,
}

impl Seldom {
    /// It happened: how often since it was last said, if it is time to say it.
    pub(crate) fn happened(&self) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let seldom = Seldom::default();
        assert_eq!(seldom.happened(), Some(1));
        for _ in 0..99 {
            assert_eq!(seldom.happened(), None);
        }
        tokio::time::sleep(SILENCE).await;
        assert_eq!(seldom.happened(), Some(100));
        assert_eq!(seldom.happened(), None);
        tokio::time::sleep(SILENCE).await;
        assert_eq!(seldom.happened(), Some(2));
    }
}
