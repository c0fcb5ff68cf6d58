//! Guesses at the password, in paused time.

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use tokio::time::Instant;

use super::super::*;
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

/// The numbers of guesses that are compared and refused within some time.
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
        let guesses = Guesses::new(ON_SERVER, WAITING);
        let mut all = attack(&guesses, connections, b"");
        let (judged, refused) = compared(&mut all, Duration::from_secs(5)).await;
        // twenty at once, and fifty a second after that
        assert!((265..=275).contains(&judged), "{judged}");
        assert_eq!(refused, connections - 20 - WAITING);
        assert_eq!(guesses.0.queue.lock().waiting.len(), all.len());
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_gives_up_the_place_and_not_the_guess() {
    let guesses = Guesses::new(ON_SERVER, WAITING);
    for round in 0..50 {
        let mut all = attack(&guesses, 400, b"");
        // who is not let through in a millisecond knows it, and goes
        let (judged, _) = compared(&mut all, Duration::from_millis(1)).await;
        assert!(judged <= if round == 0 { 20 } else { 1 }, "{judged}");
    }
    assert!(guesses.0.queue.lock().waiting.is_empty());
}

/// The wait of one more guess while others guess.
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
    let guesses = Guesses::new(ON_SERVER, WAITING);
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
    let guesses = Guesses::new(ON_SERVER, WAITING);
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
    let guesses = Guesses::new(ON_SERVER, WAITING);
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
        guesses.0.queue.lock().count_time();
    }
    assert!(guesses.0.queue.lock().made.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_repeats_a_wrong_guess_comes_after_all_others() {
    let guesses = Guesses::new(ON_SERVER, WAITING);
    let same = caller(b"script");
    guesses.was_wrong(&same, b"old");
    let mut repeated: FuturesUnordered<_> = (0..300).map(|_| guesses.turn(&same, b"old")).collect();
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
    let guesses = Guesses::new(ON_SERVER, WAITING);
    for _ in 0..1_000 {
        let turn = guesses.turn(&caller(b""), b"right").now_or_never();
        assert_eq!(turn, Some(Ok(())));
        guesses.was_right();
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_is_remembered_than_there_is_room_for() {
    let guesses = Guesses::new(ON_SERVER, 10);
    // a network, a program and a guess of its own each time, for two minutes
    for number in 0..6_000_u64 {
        let who = Caller {
            network: Some(number.to_le_bytes()),
            ..Caller::default()
        };
        let _ = guesses.turn(&who, &number.to_le_bytes()).now_or_never();
        guesses.was_wrong(&who, &number.to_le_bytes());
        tokio::time::advance(Duration::from_secs(1) / ON_SERVER.a_second).await;
    }
    let queue = guesses.0.queue.lock();
    assert_eq!(queue.wrong.len(), REMEMBERED);
    assert_eq!(queue.remembered.len(), REMEMBERED);
    // two each, of the latest ten seconds
    assert!(queue.made.len() <= 1_002, "{}", queue.made.len());
}
