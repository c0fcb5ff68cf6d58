//! The delay of the answer to a wrong guess at the password: a second at least, and no sooner
//! than thirty milliseconds after the one of its network before it.
//!
//! Whoever waits for the answers so makes fewer guesses than are compared, over however many
//! connections, and the right password finds the way free. Whoever does not wait gains nothing: the
//! brake counts what is compared, not who stayed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::guesses::Network;

/// The least delay of an answer.
const LATE: Duration = Duration::from_secs(1);

/// The greatest delay of an answer: clients and proxies wait for 30 to 60 s.
const LATEST: Duration = Duration::from_secs(30);

/// The time between two answers to one network: 33 a second, of 50 guesses that are compared.
const BETWEEN: Duration = Duration::from_millis(30);

/// Networks that are known at once; those that wait for nothing are forgotten then.
const NETWORKS: usize = 4_096;

/// When the last answer of each network is due; clones share it.
#[derive(Clone, Default)]
pub(super) struct Late(Arc<Mutex<HashMap<Network, Instant>>>);

impl Late {
    /// When a guess that comes now is answered, if it is not the password.
    pub(super) fn answer_at(&self, network: Network) -> Instant {
        let now = Instant::now();
        let mut last = self.0.lock();
        if last.len() >= NETWORKS {
            last.retain(|_, last| *last > now);
            if last.len() >= NETWORKS {
                last.clear();
            }
        }
        let last = last.entry(network).or_insert(now);
        *last = (*last + BETWEEN).clamp(now + LATE, now + LATEST);
        *last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_more_guesses_are_unanswered_the_later_the_next_is_answered() {
        let late = Late::default();
        let now = Instant::now();
        let network = [1; 8];
        let all: Vec<_> = (0..2_000).map(|_| late.answer_at(network) - now).collect();
        assert_eq!(all[0], LATE);
        assert_eq!(all[100], LATE + 100 * BETWEEN);
        assert_eq!(all[1_999], LATEST);
        // another network's is not
        assert_eq!(late.answer_at([2; 8]) - now, LATE);
        tokio::time::advance(LATEST).await;
        assert_eq!(late.answer_at(network) - now, LATEST + LATE);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_networks_are_known_than_there_is_room_for() {
        let late = Late::default();
        for number in 0..3 * NETWORKS as u64 {
            late.answer_at(number.to_le_bytes());
        }
        assert!(late.0.lock().len() <= NETWORKS);
    }
}
