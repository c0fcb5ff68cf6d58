//! Guesses at the password: at most 50 are compared a second, over however many connections they come.
//!
//! A guess beyond that waits in a fair queue: each caller (its address and `User-Agent`) is served in
//! turn, and so whoever guesses a lot waits for itself. A guess that finds the queue full is refused
//! without being compared, and so is nobody's loss but its own. The right password waits as well, unless
//! its connection has shown it before: if it were let through at once, whoever is not let through at once
//! would know that the guess was wrong.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// Guesses compared a second.
const A_SECOND: u32 = 50;

/// Guesses compared at once after a quiet time.
const AT_ONCE: f64 = 20.0;

/// How many turns a connection that has not guessed before has while one that has gets one.
const NEWCOMERS: u64 = 4;

/// Guesses that wait at once, unless the server has few places.
pub(super) const WAITING: usize = 500;

/// Wrong guesses that are remembered: what repeats one, such as a script with an old password, comes
/// after all others.
const REMEMBERED: usize = 1_000;

/// Guesses at a password; clones share them.
#[derive(Clone)]
pub(super) struct Guesses(Arc<Brake>);

/// Who guesses.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Caller<'r> {
    /// Its network: one household or server has a whole /64 of IPv6.
    pub(super) network: Option<[u8; 8]>,
    /// What it says it is.
    pub(super) user_agent: &'r [u8],
    /// Whether its connection has brought a guess before.
    pub(super) has_guessed: bool,
}

/// Too many guesses wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy {
    /// When there is room again, at the rate at which guesses are compared.
    pub(super) retry_after: Duration,
}

struct Brake {
    queue: Mutex<Queue>,
    most_waiting: usize,
    /// Keys of its own, so that nobody can choose guesses that look the same.
    hashing: RandomState,
}

struct Queue {
    /// Guesses that may be compared now.
    budget: f64,
    counted: Instant,
    waiting: BTreeMap<Turn, oneshot::Sender<()>>,
    /// The last round of each caller that may still wait.
    rounds: HashMap<u64, u64>,
    /// The round that is being served.
    round: u64,
    numbered: u64,
    is_served: bool,
    wrong: HashSet<u64>,
    /// The same, oldest first.
    remembered: VecDeque<u64>,
}

/// A place in the queue; the least is next. In a round each caller has one at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    is_repeated: bool,
    round: u64,
    number: u64,
}

/// A place that is given up when its caller leaves.
struct Place<'b> {
    brake: &'b Brake,
    turn: Turn,
}

impl Guesses {
    /// At most `most_waiting` wait at once.
    pub(super) fn new(most_waiting: usize) -> Self {
        Self(Arc::new(Brake {
            queue: Mutex::new(Queue::new()),
            most_waiting,
            hashing: RandomState::new(),
        }))
    }

    /// Waits until a guess may be compared. Whether it is right is told by [`Self::was_right`] and
    /// [`Self::was_wrong`].
    ///
    /// # Errors
    /// When it may not be.
    pub(super) async fn turn(&self, caller: &Caller<'_>, guess: &[u8]) -> Result<(), Busy> {
        let Some((turn, called)) = self.stand_in_line(caller, guess)? else {
            return Ok(());
        };
        let place = Place {
            brake: &self.0,
            turn,
        };
        // who is pushed out of the queue is told by the end of the channel
        let called = called.await;
        drop(place);
        called.map_err(|_| self.0.queue().busy())
    }

    /// The guess that was compared is the password: it took nothing from the others.
    pub(super) fn was_right(&self) {
        let mut queue = self.0.queue();
        queue.budget = (queue.budget + 1.0).min(AT_ONCE);
    }

    /// The guess that was compared is not.
    pub(super) fn was_wrong(&self, guess: &[u8]) {
        let guess = self.0.hashing.hash_one(guess);
        self.0.queue().remember(guess);
    }

    /// Nothing if the guess may be compared now.
    fn stand_in_line(
        &self,
        who: &Caller<'_>,
        guess: &[u8],
    ) -> Result<Option<(Turn, oneshot::Receiver<()>)>, Busy> {
        let guess = self.0.hashing.hash_one(guess);
        let caller = self.0.hashing.hash_one(who);
        let mut queue = self.0.queue();
        queue.count_time();
        let is_repeated = queue.wrong.contains(&guess);
        let every = if who.has_guessed { NEWCOMERS } else { 1 };
        let turn = queue.turn_of(caller, every, is_repeated);
        let is_next = queue.waiting.keys().next().is_none_or(|next| turn < *next);
        if is_next && queue.budget >= 1.0 {
            queue.budget -= 1.0;
            return Ok(None);
        }
        if queue.waiting.len() >= self.0.most_waiting {
            let is_last = queue
                .waiting
                .keys()
                .next_back()
                .is_none_or(|last| turn > *last);
            if is_last {
                return Err(queue.busy());
            }
            queue.waiting.pop_last();
        }
        queue.forget_callers(4 * self.0.most_waiting);
        queue.rounds.insert(caller, turn.round);
        let (call, called) = oneshot::channel();
        queue.waiting.insert(turn, call);
        if !std::mem::replace(&mut queue.is_served, true) {
            tokio::spawn(serve(Arc::clone(&self.0)));
        }
        Ok(Some((turn, called)))
    }
}

impl Brake {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn new() -> Self {
        Self {
            budget: AT_ONCE,
            counted: Instant::now(),
            waiting: BTreeMap::new(),
            rounds: HashMap::new(),
            round: 0,
            numbered: 0,
            is_served: false,
            wrong: HashSet::new(),
            remembered: VecDeque::new(),
        }
    }

    fn count_time(&mut self) {
        let now = Instant::now();
        let gained = (now - self.counted).as_secs_f64() * f64::from(A_SECOND);
        self.budget = (self.budget + gained).min(AT_ONCE);
        self.counted = now;
    }

    /// A caller that does not wait is served in the next round, one that waits some rounds after its
    /// last.
    fn turn_of(&mut self, caller: u64, every: u64, is_repeated: bool) -> Turn {
        let last = self.rounds.get(&caller).copied().unwrap_or_default();
        self.numbered += 1;
        Turn {
            is_repeated,
            round: last.max(self.round) + every,
            number: self.numbered,
        }
    }

    /// Calls those who may be compared now; false if nobody waits any more.
    fn call(&mut self) -> bool {
        self.count_time();
        while self.budget >= 1.0 {
            let Some((turn, call)) = self.waiting.pop_first() else {
                self.is_served = false;
                return false;
            };
            self.round = self.round.max(turn.round);
            if call.send(()).is_ok() {
                self.budget -= 1.0;
            }
        }
        true
    }

    fn remember(&mut self, guess: u64) {
        if !self.wrong.insert(guess) {
            return;
        }
        self.remembered.push_back(guess);
        if self.remembered.len() > REMEMBERED
            && let Some(oldest) = self.remembered.pop_front()
        {
            self.wrong.remove(&oldest);
        }
    }

    fn forget_callers(&mut self, most: usize) {
        if self.rounds.len() < most {
            return;
        }
        let round = self.round;
        self.rounds.retain(|_, last| *last > round);
        if self.rounds.len() >= most {
            self.rounds.clear();
        }
    }

    fn busy(&self) -> Busy {
        let seconds = self.waiting.len() as u64 / u64::from(A_SECOND) + 1;
        Busy {
            retry_after: Duration::from_secs(seconds),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.brake.queue().waiting.remove(&self.turn);
    }
}

/// Calls those who wait, one after the other, until nobody does.
async fn serve(brake: Arc<Brake>) {
    while brake.queue().call() {
        sleep(Duration::from_secs(1) / A_SECOND).await;
    }
}

/// The network of an address.
pub(super) fn network(address: IpAddr) -> [u8; 8] {
    let mut network = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(address) => network[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => network.copy_from_slice(&address.octets()[..8]),
    }
    network
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::stream::{FuturesUnordered, StreamExt as _};

    use super::*;

    fn caller(user_agent: &[u8]) -> Caller<'_> {
        Caller {
            user_agent,
            ..Caller::default()
        }
    }

    /// Guesses of one caller, each another one, that all stand in line.
    fn attack(
        guesses: &Guesses,
        count: usize,
        user_agent: &'static [u8],
    ) -> FuturesUnordered<impl Future<Output = Result<(), Busy>> + use<>> {
        let attack = (0..count).map(|number| {
            let guesses = guesses.clone();
            async move {
                let guess = number.to_string();
                guesses.turn(&caller(user_agent), guess.as_bytes()).await?;
                guesses.was_wrong(guess.as_bytes());
                Ok(())
            }
        });
        attack.collect()
    }

    /// How many of them are compared within some time, and how many are refused.
    async fn compared<F: Future<Output = Result<(), Busy>>>(
        attack: &mut FuturesUnordered<F>,
        within: Duration,
    ) -> (usize, usize) {
        let end = Instant::now() + within;
        let (mut compared, mut refused) = (0, 0);
        while let Ok(Some(answer)) = tokio::time::timeout_at(end, attack.next()).await {
            match answer {
                Ok(()) => compared += 1,
                Err(Busy { .. }) => refused += 1,
            }
        }
        (compared, refused)
    }

    #[tokio::test(start_paused = true)]
    async fn fifty_guesses_a_second_are_compared_at_any_number_of_connections() {
        for connections in [1_000, 10_000] {
            let guesses = Guesses::new(WAITING);
            let mut all = attack(&guesses, connections, b"");
            let (judged, refused) = compared(&mut all, Duration::from_secs(5)).await;
            // twenty at once, and fifty a second after that
            assert!((265..=275).contains(&judged), "{judged}");
            assert_eq!(refused, connections - 20 - WAITING);
            assert_eq!(guesses.0.queue().waiting.len(), all.len());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_gives_up_the_place_and_not_the_guess() {
        let guesses = Guesses::new(WAITING);
        for round in 0..50 {
            let mut all = attack(&guesses, 400, b"");
            // who is not let through in a millisecond knows it, and goes
            let (judged, _) = compared(&mut all, Duration::from_millis(1)).await;
            assert!(judged <= if round == 0 { 20 } else { 1 }, "{judged}");
        }
        assert!(guesses.0.queue().waiting.is_empty());
        assert!(guesses.0.queue().rounds.len() <= 4 * WAITING);
    }

    #[tokio::test(start_paused = true)]
    async fn another_caller_waits_for_the_next_turn_only() {
        let guesses = Guesses::new(WAITING);
        let mut all = attack(&guesses, 10_000, b"guesser");
        compared(&mut all, Duration::from_millis(100)).await;
        for (number, other) in [
            caller(b"curl"),
            Caller {
                network: Some(network("192.0.2.1".parse().unwrap())),
                ..caller(b"guesser")
            },
            Caller {
                has_guessed: true,
                ..caller(b"guesser")
            },
        ]
        .into_iter()
        .enumerate()
        {
            let began = Instant::now();
            let guess = format!("right {number}");
            let turn = guesses.turn(&other, guess.as_bytes());
            tokio::pin!(turn);
            let answer = loop {
                tokio::select! {
                    answer = &mut turn => break answer,
                    Some(_) = all.next() => {}
                }
            };
            assert_eq!(answer, Ok(()), "{other:?}");
            let took = began.elapsed();
            assert!(took < Duration::from_millis(200), "{other:?}: {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_repeats_a_wrong_guess_comes_after_all_others() {
        let guesses = Guesses::new(WAITING);
        guesses.was_wrong(b"old");
        let same = caller(b"script");
        let mut repeated: FuturesUnordered<_> =
            (0..300).map(|_| guesses.turn(&same, b"old")).collect();
        while let Some(Some(_)) = repeated.next().now_or_never() {}
        let turn = guesses.turn(&same, b"new");
        tokio::pin!(turn);
        let began = Instant::now();
        tokio::select! {
            answer = &mut turn => assert_eq!(answer, Ok(())),
            () = async { while repeated.next().await.is_some() {} } => panic!("it came last"),
        }
        assert!(began.elapsed() < Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn the_right_password_takes_nothing_from_the_others() {
        let guesses = Guesses::new(WAITING);
        for _ in 0..1_000 {
            let turn = guesses.turn(&caller(b""), b"right").now_or_never();
            assert_eq!(turn, Some(Ok(())));
            guesses.was_right();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_remembered_than_there_is_room_for() {
        let guesses = Guesses::new(10);
        for number in 0..10 * REMEMBERED {
            guesses.was_wrong(number.to_string().as_bytes());
            let agent = number.to_string();
            let _ = guesses
                .turn(&caller(agent.as_bytes()), agent.as_bytes())
                .now_or_never();
        }
        let queue = guesses.0.queue();
        assert_eq!(queue.wrong.len(), REMEMBERED);
        assert_eq!(queue.remembered.len(), REMEMBERED);
        assert!(queue.rounds.len() <= 40);
    }
}
