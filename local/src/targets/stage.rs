//! What every request goes through before its route answers: a latency, and perhaps a failure.
//!
//! Owns the settings, the clock, and the random draws. The n-th request of a lane always gets the
//! same draws, whatever happens on other lanes, so the same seed gives the same behaviour.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use traffic::clock::{Clock, Timestamp};
use traffic::random::{Draws, class_key};

use super::calendar::rfc3339;
use super::chaos::Weather;
use super::counters::{Counters, Visit};
use super::latency::LatencyProfile;
use super::reply::{self, Refused};
use super::route::{Lane, Model, Route, Server};
use super::settings::{BadSetting, Settings};

/// What both servers share.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Clock,
    seed: u64,
    settings: RwLock<Settings>,
    chaos_is_allowed: bool,
    started: Instant,
    started_at: Timestamp,
    lanes: [LaneDraws; Lane::COUNT],
}

/// Where the draws of one lane stand.
#[derive(Debug)]
struct LaneDraws {
    key: u64,
    next: AtomicU64,
}

/// What was drawn for one request.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The rest of the request's draws, for the content of its answer.
    pub(crate) draws: Draws,
    /// How long the answer takes.
    pub(crate) delay: Duration,
    /// The status that the request fails with, if it does.
    failure: Option<u16>,
}

/// A change of settings that is not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unchanged {
    #[error(transparent)]
    Bad(#[from] BadSetting),
    #[error("chaos: not allowed; start the stand-ins with chaos mode allowed")]
    ChaosRefused,
}

impl Stage {
    pub(crate) fn new(settings: Settings, chaos_is_allowed: bool, seed: u64, clock: Clock) -> Self {
        let started = Instant::now();
        let lanes: Vec<Lane> = Lane::all().collect();
        Self {
            counters: Arc::new(Counters::new(started)),
            seed,
            chaos_is_allowed: chaos_is_allowed || settings.chaos,
            settings: RwLock::new(settings),
            started,
            started_at: clock.now(),
            clock,
            lanes: std::array::from_fn(|place| LaneDraws {
                key: class_key(seed, &lanes[place].to_string()),
                next: AtomicU64::new(0),
            }),
        }
    }

    /// Takes as long as a request of `lane` takes, and fails if it is to fail.
    pub(crate) async fn perform(&self, server: Server, lane: Lane) -> Result<Turn, Refused> {
        let mut turn = self.draw(server, lane);
        if !turn.delay.is_zero() {
            tokio::time::sleep(turn.delay).await;
        }
        match turn.failure {
            None => Ok(turn),
            Some(status) => Err(reply::failure(server, status, &mut turn.draws)),
        }
    }

    fn draw(&self, server: Server, lane: Lane) -> Turn {
        let place = &self.lanes[lane.index()];
        let number = place.next.fetch_add(1, Ordering::Relaxed);
        let mut draws = Draws::keyed(place.key, 0, number);
        let drawn = LatencyProfile::of(lane).draw(&mut draws);
        let (failure_point, drawn_status) = (draws.unit(), [500, 503][draws.below(2) as usize]);

        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        let effect = self.weather_under(&settings).effect(server, lane);
        let delay = match settings.fixed_latency_ms_of(lane) {
            Some(fixed_ms) => Duration::from_secs_f64(fixed_ms / 1_000.0),
            None => drawn.mul_f64(settings.latency_scale * effect.slowdown),
        };
        let failure_ratio = settings.failure_ratio_of(lane).max(effect.failure_ratio);
        let status = settings.failure_status.unwrap_or(drawn_status);
        Turn {
            draws,
            delay,
            failure: (failure_point < failure_ratio).then_some(status),
        }
    }

    /// Whether a repair by `model` is to end without success.
    pub(crate) fn repair_fails(&self, model: Model, draws: &mut Draws) -> bool {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        let set = settings.repair_failure_ratio.get(&model).copied();
        let weather = self.weather_under(&settings).repair_failure_ratio();
        draws.chance(set.unwrap_or(0.0).max(weather))
    }

    /// What goes wrong just now; always calm without chaos mode.
    pub(crate) fn weather(&self) -> Weather {
        self.weather_under(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn weather_under(&self, settings: &Settings) -> Weather {
        if settings.chaos {
            Weather::at(self.seed, self.uptime())
        } else {
            Weather::Calm
        }
    }

    /// Counts a request that has just arrived.
    pub(crate) fn arrive(&self, server: Server, route: Route, user: Option<&str>) -> Visit {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        let arrival_log = settings.arrival_log;
        drop(settings);
        self.counters.arrive(server, route, user, arrival_log)
    }

    /// The settings that hold now.
    pub(crate) fn settings(&self) -> Settings {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        settings.clone()
    }

    /// Makes `change` hold from the next request on, and says what holds then.
    pub(crate) fn change(&self, change: &Value) -> Result<Settings, Unchanged> {
        let mut settings = self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let new = settings.changed(change)?;
        if new.chaos && !self.chaos_is_allowed {
            return Err(Unchanged::ChaosRefused);
        }
        *settings = new.clone();
        Ok(new)
    }

    /// Draws for content that is made once; another seed gives others.
    pub(crate) fn draws_for(&self, what: &str) -> Draws {
        Draws::keyed(class_key(self.seed, what), 0, 0)
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// When the stand-ins started, as text.
    pub(crate) fn started_at(&self) -> String {
        rfc3339(self.started_at)
    }

    /// The wall-clock time, as text.
    pub(crate) fn now(&self) -> String {
        rfc3339(self.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stage(settings: Settings) -> Stage {
        Stage::new(settings, false, 11, Clock::system())
    }

    fn with(change: &Value) -> Settings {
        Settings::default().changed(change).unwrap()
    }

    async fn time_of(stage: &Stage, lane: Lane) -> Duration {
        let before = Instant::now();
        stage.perform(Server::AiAgent, lane).await.unwrap();
        before.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_fixed_latency_is_kept_to_the_millisecond() {
        let stage = stage(with(&json!({"fixed_latency_ms": {"POST /chat": 40_000}})));
        let took = time_of(&stage, (Route::Chat, Model::B).into()).await;
        assert!(took >= Duration::from_secs(40), "{took:?}");
        assert!(took <= Duration::from_millis(40_002), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn requests_take_as_long_as_the_profile_says() {
        let stage = stage(Settings::default());
        let lane = Lane::from((Route::Repair, Model::A));
        let mut times = Vec::new();
        for _ in 0..2_001 {
            times.push(time_of(&stage, lane).await);
        }
        times.sort();
        let median = times[1_000].as_secs_f64();
        assert!((5.6..6.4).contains(&median), "{median}");
        assert!(times[2_000] <= Duration::from_millis(90_001));
    }

    #[tokio::test(start_paused = true)]
    async fn scale_zero_answers_at_once() {
        let stage = stage(with(&json!({"latency_scale": 0})));
        let took = time_of(&stage, (Route::Repair, Model::B).into()).await;
        assert_eq!(took, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_come_at_their_ratio_and_only_on_their_lane() {
        let change = json!({"latency_scale": 0, "failure_ratio": {"POST /chat?model=a": 0.3}});
        let stage = stage(with(&change));
        let mut failed = [0, 0];
        for _ in 0..10_000 {
            for model in Model::ALL {
                let turn = stage.perform(Server::AiAgent, (Route::Chat, model).into());
                failed[model as usize] += i32::from(turn.await.is_err());
            }
        }
        assert!((2_800..3_200).contains(&failed[0]), "{failed:?}");
        assert_eq!(failed[1], 0);
    }

    #[test]
    fn the_same_seed_draws_the_same_whatever_other_lanes_do() {
        let (one, two) = (stage(Settings::default()), stage(Settings::default()));
        let delay = |stage: &Stage, route: Route| stage.draw(Server::TargetApp, route.into()).delay;
        for _ in 0..5 {
            delay(&two, Route::Orders);
            assert_eq!(delay(&one, Route::Health), delay(&two, Route::Health));
        }
        let other = Stage::new(Settings::default(), false, 12, Clock::system());
        assert_ne!(delay(&one, Route::Health), delay(&other, Route::Health));
    }

    #[tokio::test(start_paused = true)]
    async fn chaos_breaks_some_requests_and_its_absence_none() {
        for chaos in [false, true] {
            let settings = with(&json!({"chaos": chaos, "latency_scale": 0}));
            let stage = stage(settings);
            let mut failed = 0;
            for _ in 0..3_600 {
                tokio::time::advance(Duration::from_secs(1)).await;
                let turn = stage.perform(Server::TargetApp, Route::Orders.into());
                failed += i32::from(turn.await.is_err());
            }
            // a third in one spell of ten, one in 25 in two of ten: about 4 % in all
            let expected = if chaos { 50..300 } else { 0..1 };
            assert!(expected.contains(&failed), "{chaos}: {failed}");
        }
    }

    #[test]
    fn chaos_has_to_be_allowed_at_the_start() {
        let refused = stage(Settings::default()).change(&json!({"chaos": true}));
        assert!(matches!(refused, Err(Unchanged::ChaosRefused)));
        let allowed = Stage::new(Settings::default(), true, 0, Clock::system());
        assert!(allowed.change(&json!({"chaos": true})).unwrap().chaos);
    }
}
