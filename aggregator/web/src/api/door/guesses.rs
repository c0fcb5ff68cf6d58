//! Guesses at the password: on a server at most 50 are compared a second, over however many connections they come.
//!
//! A guess beyond that waits. Of those that wait, the next to be compared is the one whose network, then
//! whose `User-Agent` there, then whose connection has guessed least, and of these the newest: whoever
//! guesses a lot waits for itself, and one more caller is not behind the many that came before. A guess that
//! finds no room is refused without being compared. The right password waits as well, unless its
//! connection has shown it before: if it were let through at once, whoever is not let through at once
//! would know that the guess was wrong.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::sleep;

mod queue;

pub(super) use queue::{Busy, IN_FUNCTION, ON_SERVER};
use queue::{Guess, Pace, Queue, Standing};

/// Guesses that wait at once, unless the server has few places.
pub(super) const WAITING: usize = 500;

/// Guesses at a password; clones share them.
#[derive(Clone)]
pub(super) struct Guesses(Arc<Brake>);

/// The sender of a guess.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Caller<'r> {
    /// Its network: one household or server has a whole /64 of IPv6.
    pub(super) network: Option<Network>,
    /// Its `User-Agent`.
    pub(super) user_agent: &'r [u8],
    /// Guesses that its connection has brought before.
    pub(super) guesses_before: u32,
}

/// The part of an address that one caller has for itself.
pub(super) type Network = [u8; 8];

struct Brake {
    pace: Pace,
    queue: Mutex<Queue>,
    /// Keys of its own, so that nobody can choose guesses that look the same.
    hashing: RandomState,
}

/// A place that is given up when its caller leaves.
struct Place<'b> {
    brake: &'b Brake,
    number: u64,
}

impl Guesses {
    /// They are compared at this pace, and at most `most_waiting` wait at once.
    pub(super) fn new(pace: Pace, most_waiting: usize) -> Self {
        Self(Arc::new(Brake {
            pace,
            queue: Mutex::new(Queue::new(pace, most_waiting)),
            hashing: RandomState::new(),
        }))
    }

    /// Waits until a guess may be compared. Whether it is right is told by [`Self::was_right`] and
    /// [`Self::was_wrong`].
    pub(super) async fn turn(&self, caller: &Caller<'_>, guess: &[u8]) -> Result<(), Busy> {
        let guess = self.0.digested(caller, guess);
        let standing = self.0.queue.lock().stand_in_line(guess)?;
        let Some(Standing {
            number,
            called,
            is_unserved,
        }) = standing
        else {
            return Ok(());
        };
        if is_unserved {
            tokio::spawn(serve(Arc::clone(&self.0)));
        }
        let place = Place {
            brake: &self.0,
            number,
        };
        // who is pushed out of the queue is told by the end of the channel
        let called = called.await;
        drop(place);
        called.map_err(|_| self.busy())
    }

    /// The answer to a guess that is not compared.
    pub(super) fn busy(&self) -> Busy {
        self.0.queue.lock().busy()
    }

    /// The guess that was compared is the password.
    pub(super) fn was_right(&self) {
        self.0.queue.lock().was_right();
    }

    /// The guess that was compared is not.
    pub(super) fn was_wrong(&self, caller: &Caller<'_>, guess: &[u8]) {
        let guess = self.0.digested(caller, guess);
        self.0.queue.lock().was_wrong(guess);
    }
}

impl Brake {
    fn digested(&self, caller: &Caller<'_>, guess: &[u8]) -> Guess {
        Guess {
            text: self.hashing.hash_one(guess),
            network: self.hashing.hash_one(caller.network),
            caller: (self.hashing).hash_one((caller.network, caller.user_agent)),
            guesses_before: caller.guesses_before,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.brake.queue.lock().waiting.remove(&self.number);
    }
}

/// Calls those who wait, one after the other, until nobody does.
async fn serve(brake: Arc<Brake>) {
    while brake.queue.lock().call() {
        sleep(Duration::from_secs(1) / brake.pace.a_second).await;
    }
}

/// The network of an address.
pub(super) fn network(address: IpAddr) -> Network {
    let mut network = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(address) => network[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => network.copy_from_slice(&address.octets()[..8]),
    }
    network
}
