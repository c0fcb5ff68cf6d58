//! The guesses that wait to be compared, and what decides which of them is next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// The pace at which guesses are compared.
#[derive(Clone, Copy, Debug)]
pub(in crate::api::door) struct Pace {
    /// Guesses compared a second.
    pub(super) a_second: u32,
    /// Guesses compared at once after a quiet time.
    at_once: f64,
    /// Wrong guesses of late after which a network's next is refused; without it, it only waits for others'.
    of_network: Option<u32>,
}

/// The pace of a process that has all connections.
pub(in crate::api::door) const ON_SERVER: Pace = Pace {
    a_second: 50,
    at_once: 20.0,
    of_network: None,
};

/// The pace of a function's environment, of which there may be a thousand. Each answers one request at a time, so
/// that guesses never meet in its queue: only their number tells who guesses. After five wrong ones a network has
/// three more in ten seconds.
pub(in crate::api::door) const IN_FUNCTION: Pace = Pace {
    a_second: 10,
    at_once: 10.0,
    of_network: Some(5),
};

/// Wrong guesses that are remembered: what repeats one, such as a script with an old password, comes
/// after all others.
const REMEMBERED: usize = 1_000;

/// The numbers of wrong guesses are halved this often, so that a caller is forgotten.
const HALVED_EVERY: Duration = Duration::from_secs(10);

pub(super) struct Queue {
    /// Guesses that may be compared now.
    budget: f64,
    counted: Instant,
    /// Those that wait, by their number: the oldest first.
    pub(super) waiting: BTreeMap<u64, Waiting>,
    pace: Pace,
    most_waiting: usize,
    numbered: u64,
    is_served: bool,
    /// Wrong guesses of late, by network and by caller.
    made: HashMap<u64, u32>,
    halved: Instant,
    wrong: HashSet<u64>,
    /// The same, oldest first.
    remembered: VecDeque<u64>,
}

pub(super) struct Waiting {
    guess: Guess,
    is_repeated: bool,
    call: oneshot::Sender<()>,
}

/// A guess in digests: what it is, and what decides when it is compared, but for its age.
#[derive(Clone, Copy)]
pub(super) struct Guess {
    pub(super) text: u64,
    pub(super) network: u64,
    pub(super) caller: u64,
    pub(super) guesses_before: u32,
}

/// Too many guesses wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) struct Busy {
    /// When there is room again, at the rate at which guesses are compared.
    pub(in crate::api::door) retry_after: Duration,
}

/// A place in the queue.
pub(super) struct Standing {
    pub(super) number: u64,
    pub(super) called: oneshot::Receiver<()>,
    /// Nobody calls yet those who wait.
    pub(super) is_unserved: bool,
}

/// The least is next: whether it is repeated, wrong guesses of its network, of its caller, guesses of its
/// connection, its number.
type Rank = (bool, u32, u32, u32, Reverse<u64>);

impl Queue {
    /// At most `most_waiting` wait at once.
    pub(super) fn new(pace: Pace, most_waiting: usize) -> Self {
        Self {
            budget: pace.at_once,
            counted: Instant::now(),
            waiting: BTreeMap::new(),
            pace,
            most_waiting,
            numbered: 0,
            is_served: false,
            made: HashMap::new(),
            halved: Instant::now(),
            wrong: HashSet::new(),
            remembered: VecDeque::new(),
        }
    }

    /// Nothing if the guess may be compared now.
    pub(super) fn stand_in_line(&mut self, guess: Guess) -> Result<Option<Standing>, Busy> {
        self.count_time();
        self.numbered += 1;
        let number = self.numbered;
        let is_repeated = self.wrong.contains(&guess.text);
        // what repeats a wrong guess tells nobody anything, and its network may have the right one as well
        if !is_repeated && let Some(busy) = self.refusal_of_network(guess.network) {
            return Err(busy);
        }
        // what can be compared now has nobody before it: who waits has been called by then
        if self.waiting.is_empty() && self.budget >= 1.0 {
            self.budget -= 1.0;
            return Ok(None);
        }
        if self.waiting.len() >= self.most_waiting {
            let last = self.ranks().max();
            match last {
                Some(last) if last > self.rank(number, &guess, is_repeated) => {
                    let (.., Reverse(last)) = last;
                    self.waiting.remove(&last);
                }
                _ => return Err(self.busy()),
            }
        }
        let (call, called) = oneshot::channel();
        let waiting = Waiting {
            guess,
            is_repeated,
            call,
        };
        self.waiting.insert(number, waiting);
        Ok(Some(Standing {
            number,
            called,
            is_unserved: !std::mem::replace(&mut self.is_served, true),
        }))
    }

    /// The guess that was compared is the password: it took nothing from the others.
    pub(super) fn was_right(&mut self) {
        self.budget = (self.budget + 1.0).min(self.pace.at_once);
    }

    /// The guess that was compared is not.
    pub(super) fn was_wrong(&mut self, guess: Guess) {
        if !self.remember(guess.text) {
            return;
        }
        for key in [guess.network, guess.caller] {
            let made = self.made.entry(key).or_default();
            *made = made.saturating_add(1);
        }
    }

    fn count_time(&mut self) {
        let now = Instant::now();
        let gained = (now - self.counted).as_secs_f64() * f64::from(self.pace.a_second);
        self.budget = (self.budget + gained).min(self.pace.at_once);
        self.counted = now;
        let periods = (now - self.halved).as_secs() / HALVED_EVERY.as_secs();
        if periods > 0 {
            self.halved += HALVED_EVERY * u32::try_from(periods).unwrap_or(u32::MAX);
            self.made.retain(|_, made| {
                *made =
                    u32::try_from(periods).map_or(0, |times| made.checked_shr(times).unwrap_or(0));
                *made > 0
            });
        }
    }

    /// The answer to a guess of a network that has made too many wrong ones of late, until they are halved.
    fn refusal_of_network(&self, network: u64) -> Option<Busy> {
        let most = self.pace.of_network?;
        let made = self.made.get(&network).copied().unwrap_or_default();
        let left = (self.halved + HALVED_EVERY).saturating_duration_since(self.counted);
        (made >= most).then(|| Busy {
            retry_after: Duration::from_secs(left.as_secs() + 1),
        })
    }

    fn rank(&self, number: u64, guess: &Guess, is_repeated: bool) -> Rank {
        let made = |key| self.made.get(&key).copied().unwrap_or_default();
        (
            is_repeated,
            made(guess.network),
            made(guess.caller),
            guess.guesses_before,
            Reverse(number),
        )
    }

    fn ranks(&self) -> impl Iterator<Item = Rank> {
        (self.waiting.iter())
            .map(|(number, waiting)| self.rank(*number, &waiting.guess, waiting.is_repeated))
    }

    /// Calls those who may be compared now; false if nobody waits any more.
    pub(super) fn call(&mut self) -> bool {
        self.count_time();
        while self.budget >= 1.0 {
            let next = self.ranks().min();
            let next = next.and_then(|(.., Reverse(number))| self.waiting.remove(&number));
            let Some(next) = next else {
                self.is_served = false;
                return false;
            };
            if next.call.send(()).is_ok() {
                self.budget -= 1.0;
            }
        }
        true
    }

    /// False if it was known.
    fn remember(&mut self, guess: u64) -> bool {
        if !self.wrong.insert(guess) {
            return false;
        }
        self.remembered.push_back(guess);
        if self.remembered.len() > REMEMBERED
            && let Some(oldest) = self.remembered.pop_front()
        {
            self.wrong.remove(&oldest);
        }
        true
    }

    pub(super) fn busy(&self) -> Busy {
        let seconds = self.waiting.len() as u64 / u64::from(self.pace.a_second) + 1;
        Busy {
            retry_after: Duration::from_secs(seconds),
        }
    }
}
