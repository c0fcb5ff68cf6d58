//! The heartbeat on tokio, in paused time.

use std::time::Duration;

use local::heartbeat::{Beats, TokioHeartbeat};
use local::store::SqliteStore;
use testing::contract;
use tokio::time::{Instant, timeout};
use traffic::clock::{Clock, Slot};
use traffic::ports::Heartbeat;

mod alarms;

const MINUTE: Duration = Duration::from_secs(60);

fn heartbeat() -> (TokioHeartbeat, Beats) {
    let clock = Clock::following_tokio(Slot(1_800_000_000).full_second());
    let store = SqliteStore::temporary(clock.clone()).unwrap();
    TokioHeartbeat::new(clock, store)
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_keeps_the_contract() {
    contract::heartbeat::all(async || heartbeat().0).await;
}

#[tokio::test(start_paused = true)]
async fn it_beats_within_a_minute_and_then_every_minute_without_drift() {
    let (heartbeat, mut beats) = heartbeat();
    let turned_on = Instant::now();
    heartbeat.turn_on().await.unwrap();
    beats.next().await.unwrap();
    let first = turned_on.elapsed();
    assert!(first <= MINUTE, "{first:?}");
    for beat in 1..=1_440 {
        beats.next().await.unwrap();
        let late = turned_on.elapsed() - first - beat * MINUTE;
        assert!(late <= Duration::from_millis(5), "beat {beat}: {late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_silent_while_it_is_off() {
    let (heartbeat, mut beats) = heartbeat();
    assert!(timeout(10 * MINUTE, beats.next()).await.is_err());
    heartbeat.turn_on().await.unwrap();
    beats.next().await.unwrap();
    heartbeat.turn_off().await.unwrap();
    assert!(timeout(10 * MINUTE, beats.next()).await.is_err());
    heartbeat.turn_on().await.unwrap();
    // the beats of that time are not made up for
    assert!(timeout(MINUTE / 60, beats.next()).await.is_err());
    assert!(timeout(MINUTE, beats.next()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn it_is_heard_by_who_waits_already_when_it_is_switched() {
    let (heartbeat, mut beats) = heartbeat();
    let switch = async {
        tokio::time::sleep(3 * MINUTE).await;
        heartbeat.turn_on().await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
        // twice is once: the beat does not wait any longer for it
        heartbeat.turn_on().await.unwrap();
        Instant::now()
    };
    let (beat, switched) = tokio::join!(beats.next(), switch);
    assert_eq!(beat, Some(()));
    assert!(switched.elapsed() <= MINUTE - Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn beats_that_nobody_heard_are_one() {
    let (heartbeat, mut beats) = heartbeat();
    heartbeat.turn_on().await.unwrap();
    beats.next().await.unwrap();
    tokio::time::sleep(10 * MINUTE + MINUTE / 2).await;
    let at_once = timeout(Duration::from_millis(1), beats.next());
    assert!(at_once.await.is_ok());
    assert!(timeout(MINUTE / 2, beats.next()).await.is_err());
    assert!(timeout(MINUTE, beats.next()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_comes_late_does_not_shift_the_beats() {
    let (heartbeat, mut beats) = heartbeat();
    heartbeat.turn_on().await.unwrap();
    beats.next().await.unwrap();
    let first = Instant::now();
    for beat in 1..=10 {
        tokio::time::sleep_until(first + beat * MINUTE + MINUTE / 6).await;
        let at_once = timeout(Duration::from_millis(1), beats.next());
        assert!(at_once.await.is_ok(), "beat {beat}");
    }
    beats.next().await.unwrap();
    let late = first.elapsed() - 11 * MINUTE;
    assert!(late <= Duration::from_millis(5), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_switch_there_is_no_beat_to_wait_for() {
    let (heartbeat, mut beats) = heartbeat();
    heartbeat.turn_on().await.unwrap();
    drop(heartbeat);
    assert_eq!(beats.next().await, None);
}
