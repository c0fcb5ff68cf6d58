//! Everything at once: processes die, wake-ups come twice, late and in any order, heartbeats get lost, and the
//! store is away. The ledger says what happened, and the system goes on by itself.

use proptest::prelude::*;
use traffic::random::Draws;

use super::*;

/// Everything is in order from here on.
const CALM_FROM: u64 = 100;
/// By here it must have recovered: two heartbeats later.
const WELL_FROM: u64 = 181;
const ENDS: u64 = 200;

/// What goes wrong, and how often.
#[derive(Clone, Debug)]
struct Weather {
    /// From a second on, for some seconds.
    troubles: Vec<(u64, u64, Calls)>,
    comes_twice: f64,
    comes_late: f64,
    dies: f64,
    heartbeat_lost: bool,
    seed: u64,
}

fn weather(dies: impl Strategy<Value = f64>) -> impl Strategy<Value = Weather> {
    let trouble = prop_oneof![
        Just(Calls::Writes),
        Just(Calls::Reads),
        Just(Calls::All),
        (0.05_f64..0.6).prop_map(Calls::Drawn),
    ];
    let troubles = prop::collection::vec((3_u64..CALM_FROM - 20, 1_u64..=20, trouble), 0..3);
    let rates = (0.0_f64..0.5, 0.0_f64..0.5, dies);
    (troubles, rates, any::<bool>(), any::<u64>()).prop_map(
        |(troubles, (comes_twice, comes_late, dies), heartbeat_lost, seed)| Weather {
            troubles,
            comes_twice,
            comes_late,
            dies,
            heartbeat_lost,
            seed,
        },
    )
}

impl Weather {
    fn trouble(&self, second: u64) -> Calls {
        let mut troubles = self.troubles.iter();
        let trouble = troubles.find(|(from, lasts, _)| (*from..from + lasts).contains(&second));
        trouble.map_or(Calls::None, |(.., trouble)| *trouble)
    }
}

/// A heartbeat fires in its own process; it may die at any point.
fn heartbeat(cloud: &mut Cloud, lives: Option<Duration>) {
    let fan_out = cloud.fan_out();
    cloud.ticks.spawn(async move {
        let lives = lives.unwrap_or(secs(60));
        let _ = tokio::time::timeout(lives, fan_out.plan_ahead()).await;
        Ok(TickReport::default())
    });
}

/// 30 users in three blocks, each once a second, for 200 seconds of such weather.
async fn live(weather: &Weather) -> Cloud {
    let target =
        Target::new(|user, number| ms(20 + (u64::from(user) * 7 + number as u64 * 13) % 90));
    let size = BlockSize::new(10).unwrap();
    let mut cloud = Cloud::with("constant_pacing(1)", 5, 30, size, target).await;
    let mut draws = Draws::new(weather.seed, "weather", 0, 0);
    for second in 0..ENDS {
        let slot = START.plus(second);
        let is_calm = second >= CALM_FROM;
        cloud.clock.sleep_until(slot.full_second() - ms(800)).await;
        cloud.store.fail(weather.trouble(second));
        if slot == START || (slot.0.is_multiple_of(60) && (is_calm || !weather.heartbeat_lost)) {
            let dies = slot != START && !is_calm && draws.chance(weather.dies);
            let lives = dies.then(|| ms(draws.below(300)));
            heartbeat(&mut cloud, lives);
            tokio::time::sleep(ms(100)).await;
        }
        for wake_up in cloud.queue.take_before(slot.plus(1)) {
            let process = draws.below(3) as usize;
            let after = match !is_calm && draws.chance(weather.comes_late) {
                true => ms(draws.below(40_000)),
                false => Duration::ZERO,
            };
            if !is_calm && draws.chance(weather.comes_twice) {
                let again = after + ms(draws.below(10_000));
                cloud.deliver(wake_up.clone(), process + 1, again);
            }
            if !is_calm && draws.chance(weather.dies) {
                kill(&mut cloud, &wake_up, process, after, ms(draws.below(2_500)));
            }
            cloud.deliver(wake_up, process, after);
        }
    }
    cloud.settle().await;
    cloud
}

/// An execution that dies after a while; if it had the claim, nobody else executes the tick.
fn kill(cloud: &mut Cloud, wake_up: &WakeUp, process: usize, after: Duration, lives: Duration) {
    let (ticker, wake_up) = (
        Arc::clone(&cloud.processes[process].ticker),
        wake_up.clone(),
    );
    cloud.ticks.spawn(async move {
        tokio::time::sleep(after).await;
        let _ = tokio::time::timeout(lives, ticker.run(&wake_up, None)).await;
        Ok(TickReport::default())
    });
}

/// What holds in every weather.
async fn check(cloud: &Cloud) -> Account {
    let account = cloud.account(0..ENDS).await;
    let Account {
        planned,
        recorded,
        skipped,
        missing,
        ..
    } = account;
    assert_eq!(planned, 30 * ENDS as usize);
    assert_eq!(recorded + skipped + missing, planned);
    assert_eq!(
        (account.duplicates, account.unplanned),
        (0, 0),
        "{account:?}"
    );
    assert_eq!(cloud.target.overlaps(), []);
    cloud.account(WELL_FROM..ENDS).await.assert_complete();
    account
}

fn paused() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    /// Nobody dies: what the target answered is recorded, all of it and nothing else.
    #[test]
    fn in_every_weather_the_books_are_right(weather in weather(Just(0.0))) {
        paused().block_on(async move {
            let cloud = live(&weather).await;
            let account = check(&cloud).await;
            let seen = cloud.seen();
            assert!(seen.iter().all(|seen| seen.answered));
            assert_eq!(cloud.recorded().outcomes.len(), seen.len());
            assert_eq!(account.recorded, seen.len());
        });
    }

    /// Processes die: what they had not written yet is missing, and nothing is counted that was not
    /// answered.
    #[test]
    fn what_dies_is_missing_and_all_else_is_there(weather in weather(0.02_f64..0.3)) {
        paused().block_on(async move {
            let cloud = live(&weather).await;
            let account = check(&cloud).await;
            let answered = cloud.seen().iter().filter(|seen| seen.answered).count();
            let outcomes = cloud.recorded().outcomes.len();
            assert!(outcomes <= answered, "{outcomes} of {answered}");
            assert!(account.recorded <= outcomes);
            // an iteration that is recorded has its outcome, and one that is missing had none, but for
            // those that died between an answer and the end of its iteration
            assert!(answered - account.recorded <= account.missing);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_twenty_seconds_is_waited_for() {
    let mut weather = Weather {
        troubles: Vec::new(),
        comes_twice: 0.0,
        comes_late: 0.0,
        dies: 0.0,
        heartbeat_lost: false,
        seed: 1,
    };
    let fine = check(&live(&weather).await).await;
    fine.assert_complete();
    for trouble in [Calls::Writes, Calls::Reads, Calls::All] {
        weather.troubles = vec![(30, 20, trouble)];
        let cloud = live(&weather).await;
        let account = check(&cloud).await;
        assert_eq!(
            cloud.recorded().outcomes.len(),
            cloud.seen().len(),
            "{trouble:?}"
        );
        // of the seconds without the store, and a few after them until messages come again
        let lost = account.missing + account.skipped;
        assert!(lost > 0 && lost <= 30 * 28, "{trouble:?}: {account:?}");
    }
}

/// Without anybody left to try writing, a tick tries.
#[tokio::test(start_paused = true)]
async fn a_process_that_gave_its_results_up_sends_again_when_the_store_is_back() {
    let mut cloud = Cloud::new("constant_pacing(1)", 5, 10, Target::taking(ms(20))).await;
    cloud.live(0..3, |_, _| 0).await;
    cloud
        .clock
        .sleep_until(START.plus(2).full_second() - ms(100))
        .await;
    cloud.store.fail(Calls::Writes);
    cloud.clock.sleep_until(START.plus(70).full_second()).await;
    assert!(cloud.processes[0].ticker.failing_since().is_some());
    assert!(cloud.processes[0].ticker.lost_requests() > 0);
    cloud.store.recover();
    cloud.settle().await;
    cloud.live(72..90, |_, _| 0).await;
    cloud.settle().await;
    cloud.account(72..90).await.assert_complete();
    assert!(cloud.processes[0].ticker.failing_since().is_none());
}
