//! Guesses at the password: at most 50 are compared a second, over however many connections they come.
//!
//! A guess beyond that waits. Of those that wait, the next to be compared is the one whose network, then
//! whose `User-Agent` there, then whose connection has guessed least, and of these the newest: whoever
//! guesses a lot waits for itself, and one more caller is not behind the many that came before. A guess that
//! finds no room is refused without being compared. The right password waits as well, unless its
//! connection has shown it before: if it were let through at once, whoever is not let through at once
//! would know that the guess was wrong.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// Guesses compared a second.
const A_SECOND: u32 = 50;

/// Guesses compared at once after a quiet time.
const AT_ONCE: f64 = 20.0;

/// Guesses that wait at once, unless the server has few places.
pub(super) const WAITING: usize = 500;

/// Wrong guesses that are remembered: what repeats one, such as a script with an old password, comes
/// after all others.
const REMEMBERED: usize = 1_000;

/// How often the numbers of wrong guesses are halved, so that who has guessed is forgotten.
const HALVED_EVERY: Duration = Duration::from_secs(10);

/// Guesses at a password; clones share them.
#[derive(Clone)]
pub(super) struct Guesses(Arc<Brake>);

/// Who guesses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Caller<'r> {
    /// Its network: one household or server has a whole /64 of IPv6.
    pub(super) network: Option<Network>,
    /// What it says it is.
    pub(super) user_agent: &'r [u8],
    /// Guesses that its connection has brought before.
    pub(super) guesses_before: u32,
}

/// The part of an address that one caller has for itself.
pub(super) type Network = [u8; 8];

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
    /// Those that wait, by their number: the oldest first.
    waiting: BTreeMap<u64, Waiting>,
    numbered: u64,
    is_served: bool,
    /// Wrong guesses of late, by network and by caller.
    made: HashMap<u64, u32>,
    halved: Instant,
    wrong: HashSet<u64>,
    /// The same, oldest first.
    remembered: VecDeque<u64>,
}

struct Waiting {
    who: Who,
    call: oneshot::Sender<()>,
}

/// What decides when a guess is compared, but for its age.
#[derive(Clone, Copy)]
struct Who {
    is_repeated: bool,
    network: u64,
    caller: u64,
    guesses_before: u32,
}

/// The least is next: whether it is repeated, wrong guesses of its network, of its caller, guesses of its
/// connection, its number.
type Rank = (bool, u32, u32, u32, Reverse<u64>);

/// A place that is given up when its caller leaves.
struct Place<'b> {
    brake: &'b Brake,
    number: u64,
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
        let Some((number, called)) = self.stand_in_line(caller, guess)? else {
            return Ok(());
        };
        let place = Place {
            brake: &self.0,
            number,
        };
        // who is pushed out of the queue is told by the end of the channel
        let called = called.await;
        drop(place);
        called.map_err(|_| self.busy())
    }

    /// What is said of a guess that is not compared.
    pub(super) fn busy(&self) -> Busy {
        self.0.queue().busy()
    }

    /// The guess that was compared is the password: it took nothing from the others.
    pub(super) fn was_right(&self) {
        let mut queue = self.0.queue();
        queue.budget = (queue.budget + 1.0).min(AT_ONCE);
    }

    /// The guess that was compared is not.
    pub(super) fn was_wrong(&self, caller: &Caller<'_>, guess: &[u8]) {
        let who = self.0.who(caller);
        let guess = self.0.hashing.hash_one(guess);
        let mut queue = self.0.queue();
        for key in [who.network, who.caller] {
            let made = queue.made.entry(key).or_default();
            *made = made.saturating_add(1);
        }
        queue.remember(guess);
    }

    /// Nothing if the guess may be compared now.
    fn stand_in_line(
        &self,
        caller: &Caller<'_>,
        guess: &[u8],
    ) -> Result<Option<(u64, oneshot::Receiver<()>)>, Busy> {
        let mut who = self.0.who(caller);
        let guess = self.0.hashing.hash_one(guess);
        let mut queue = self.0.queue();
        queue.count_time();
        who.is_repeated = queue.wrong.contains(&guess);
        queue.numbered += 1;
        let number = queue.numbered;
        // what can be compared now has nobody before it: who waits has been called by then
        if queue.waiting.is_empty() && queue.budget >= 1.0 {
            queue.budget -= 1.0;
            return Ok(None);
        }
        if queue.waiting.len() >= self.0.most_waiting {
            let last = queue.ranks().max();
            match last {
                Some(last) if last > queue.rank(number, &who) => {
                    let (.., Reverse(last)) = last;
                    queue.waiting.remove(&last);
                }
                _ => return Err(queue.busy()),
            }
        }
        let (call, called) = oneshot::channel();
        queue.waiting.insert(number, Waiting { who, call });
        if !std::mem::replace(&mut queue.is_served, true) {
            tokio::spawn(serve(Arc::clone(&self.0)));
        }
        Ok(Some((number, called)))
    }
}

impl Brake {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock()
    }

    fn who(&self, caller: &Caller<'_>) -> Who {
        Who {
            is_repeated: false,
            network: self.hashing.hash_one(caller.network),
            caller: (self.hashing).hash_one((caller.network, caller.user_agent)),
            guesses_before: caller.guesses_before,
        }
    }
}

impl Queue {
    fn new() -> Self {
        Self {
            budget: AT_ONCE,
            counted: Instant::now(),
            waiting: BTreeMap::new(),
            numbered: 0,
            is_served: false,
            made: HashMap::new(),
            halved: Instant::now(),
            wrong: HashSet::new(),
            remembered: VecDeque::new(),
        }
    }

    fn count_time(&mut self) {
        let now = Instant::now();
        let gained = (now - self.counted).as_secs_f64() * f64::from(A_SECOND);
        self.budget = (self.budget + gained).min(AT_ONCE);
        self.counted = now;
        if now - self.halved >= HALVED_EVERY {
            self.halved = now;
            self.made.retain(|_, made| {
                *made /= 2;
                *made > 0
            });
        }
    }

    fn rank(&self, number: u64, who: &Who) -> Rank {
        let made = |key| self.made.get(&key).copied().unwrap_or_default();
        (
            who.is_repeated,
            made(who.network),
            made(who.caller),
            who.guesses_before,
            Reverse(number),
        )
    }

    fn ranks(&self) -> impl Iterator<Item = Rank> {
        (self.waiting.iter()).map(|(number, waiting)| self.rank(*number, &waiting.who))
    }

    /// Calls those who may be compared now; false if nobody waits any more.
    fn call(&mut self) -> bool {
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

    fn busy(&self) -> Busy {
        let seconds = self.waiting.len() as u64 / u64::from(A_SECOND) + 1;
        Busy {
            retry_after: Duration::from_secs(seconds),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.brake.queue().waiting.remove(&self.number);
    }
}

/// Calls those who wait, one after the other, until nobody does.
async fn serve(brake: Arc<Brake>) {
    while brake.queue().call() {
        sleep(Duration::from_secs(1) / A_SECOND).await;
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
                let who = caller(user_agent);
                guesses.turn(&who, guess.as_bytes()).await?;
                guesses.was_wrong(&who, guess.as_bytes());
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
    }

    /// How long the turn of one more guess takes while others guess.
    async fn time_to_turn<F: Future<Output = Result<(), Busy>>>(
        guesses: &Guesses,
        who: &Caller<'_>,
        attack: &mut FuturesUnordered<F>,
    ) -> Duration {
        let began = Instant::now();
        let turn = guesses.turn(who, b"right");
        tokio::pin!(turn);
        loop {
            tokio::select! {
                answer = &mut turn => {
                    assert_eq!(answer, Ok(()), "{who:?}");
                    return began.elapsed();
                }
                Some(_) = attack.next() => {}
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_more_is_compared_next_and_so_is_one_who_looks_like_the_others() {
        let guesses = Guesses::new(WAITING);
        let mut all = attack(&guesses, 10_000, b"guesser");
        compared(&mut all, Duration::from_millis(100)).await;
        for who in [
            caller(b"curl"),
            Caller {
                network: Some(network("192.0.2.1".parse().unwrap())),
                ..caller(b"guesser")
            },
            caller(b"guesser"),
        ] {
            let took = time_to_turn(&guesses, &who, &mut all).await;
            assert!(took < Duration::from_millis(100), "{who:?}: {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_guesses_on_comes_after_one_that_begins() {
        let guesses = Guesses::new(WAITING);
        let begins = caller(b"guesser");
        let goes_on = Caller {
            guesses_before: 1,
            ..begins
        };
        let ends_of_budget = attack(&guesses, 20, b"guesser");
        ends_of_budget.collect::<Vec<_>>().await;
        let first = guesses.turn(&begins, b"first");
        let mut later: FuturesUnordered<_> =
            (0..400).map(|_| guesses.turn(&goes_on, b"later")).collect();
        tokio::pin!(first);
        assert!(first.as_mut().now_or_never().is_none());
        assert!(later.next().now_or_never().is_none());
        tokio::select! {
            answer = &mut first => assert_eq!(answer, Ok(())),
            _ = later.next() => panic!("it came first"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_or_program_that_guessed_a_lot_comes_after_one_that_did_not() {
        let guesses = Guesses::new(WAITING);
        let at_home = caller(b"browser");
        let elsewhere = Caller {
            network: Some([1; 8]),
            ..caller(b"guesser")
        };
        for number in 0..300 {
            let guess = format!("{number}");
            guesses.was_wrong(&elsewhere, guess.as_bytes());
        }
        let mut many = attack(&guesses, 30, b"browser");
        compared(&mut many, Duration::ZERO).await;
        // a newer one of a network that guessed does not go before an older one of another
        let old = guesses.turn(&at_home, b"right");
        tokio::pin!(old);
        assert!(old.as_mut().now_or_never().is_none());
        let new = guesses.turn(&elsewhere, b"guess");
        tokio::select! {
            answer = &mut old => assert_eq!(answer, Ok(())),
            _ = new => panic!("it came first"),
        }
        // and it is forgiven
        for _ in 0..10 {
            tokio::time::advance(HALVED_EVERY).await;
            guesses.0.queue().count_time();
        }
        assert!(guesses.0.queue().made.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_repeats_a_wrong_guess_comes_after_all_others() {
        let guesses = Guesses::new(WAITING);
        let same = caller(b"script");
        guesses.was_wrong(&same, b"old");
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
        // a network, a program and a guess of its own each time, for two minutes
        for number in 0..6_000_u64 {
            let who = Caller {
                network: Some(number.to_le_bytes()),
                ..Caller::default()
            };
            let _ = guesses.turn(&who, &number.to_le_bytes()).now_or_never();
            guesses.was_wrong(&who, &number.to_le_bytes());
            tokio::time::advance(Duration::from_secs(1) / A_SECOND).await;
        }
        let queue = guesses.0.queue();
        assert_eq!(queue.wrong.len(), REMEMBERED);
        assert_eq!(queue.remembered.len(), REMEMBERED);
        // two each, of the latest ten seconds
        assert!(queue.made.len() <= 1_002, "{}", queue.made.len());
    }
}
