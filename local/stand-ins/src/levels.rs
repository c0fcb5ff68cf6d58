//! The levels of latency and failure that every request goes through before its route answers.
//!
//! Owns the settings, the clock, and the random draws. The n-th request of a lane always gets the
//! same draws, whatever happens on other lanes, so the same seed gives the same behaviour.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use traffic::clock::{Clock, Timestamp};
use traffic::random::{Draws, class_key};

use crate::behaviour::{Behaving, Behaviour};
use crate::chaos::Weather;
use crate::counters::{Counters, Visit};
use crate::latency::LatencyProfile;
use crate::reply::{self, Refused};
use crate::route::{Lane, Model, Route, Server};
use crate::settings::{BadSetting, TargetSettings};

#[derive(Debug)]
pub(crate) struct Levels {
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Clock,
    seed: u64,
    settings: RwLock<TargetSettings>,
    /// The names of the behaviours that hold.
    behaviour: watch::Sender<String>,
    /// The factor of latencies at the start.
    started_scale: f64,
    started: Instant,
    started_at: Timestamp,
    /// Of each lane the key of its draws, and the number of its next request.
    lanes: Vec<(u64, AtomicU64)>,
}

#[derive(Debug)]
pub(crate) struct Drawn {
    /// The rest of the request's draws, for the content of its answer.
    pub(crate) draws: Draws,
    /// The time that the answer takes.
    pub(crate) delay: Duration,
    /// The status that the request fails with, if it does.
    failure: Option<u16>,
}

impl Levels {
    pub(crate) fn new(settings: TargetSettings, seed: u64, clock: Clock) -> Self {
        let started = Instant::now();
        let key = |lane: Lane| class_key(seed, &lane.to_string());
        Self {
            counters: Arc::new(Counters::new(started)),
            seed,
            behaviour: watch::Sender::new(Behaving::under(&settings).names()),
            started_scale: settings.latency_scale,
            settings: RwLock::new(settings),
            started,
            started_at: clock.now(),
            clock,
            lanes: Lane::all()
                .map(|lane| (key(lane), AtomicU64::new(0)))
                .collect(),
        }
    }

    /// Takes as long as a request of `lane` takes, and fails if it is to fail.
    pub(crate) async fn perform(&self, lane: impl Into<Lane>) -> Result<Drawn, Refused> {
        let lane = lane.into();
        let mut drawn = self.draw(lane);
        if !drawn.delay.is_zero() {
            tokio::time::sleep(drawn.delay).await;
        }
        match drawn.failure {
            None => Ok(drawn),
            Some(status) => Err(reply::failure(
                lane.route.server(),
                status,
                &mut drawn.draws,
            )),
        }
    }

    /// Begins an answer of `lane` that is sent as a stream; its latency is the time until the first token, and is left to
    /// the stream. An answer that fails takes it here.
    pub(crate) async fn begin(&self, lane: impl Into<Lane>) -> Result<Drawn, Refused> {
        let lane = lane.into();
        let mut drawn = self.draw(lane);
        let Some(status) = drawn.failure else {
            return Ok(drawn);
        };
        tokio::time::sleep(drawn.delay).await;
        let server = lane.route.server();
        Err(reply::failure(server, status, &mut drawn.draws))
    }

    fn draw(&self, lane: Lane) -> Drawn {
        let (key, next) = &self.lanes[lane.index()];
        let number = next.fetch_add(1, Ordering::Relaxed);
        let mut draws = Draws::keyed(*key, 0, number);
        let drawn = LatencyProfile::of(lane).draw(&mut draws);
        let (failure_point, drawn_status) = (draws.unit(), [500, 503][draws.below(2) as usize]);

        let settings = self.settings.read();
        let effect = self.weather_under(&settings).effect(lane);
        let delay = match settings.fixed_latency_ms_of(lane) {
            Some(fixed_ms) => Duration::from_secs_f64(fixed_ms / 1_000.0),
            None => drawn.mul_f64(settings.latency_scale * effect.slowdown),
        };
        let failure_ratio = settings.failure_ratio_of(lane).max(effect.failure_ratio);
        let status = settings.failure_status.unwrap_or(drawn_status);
        Drawn {
            draws,
            delay,
            failure: (failure_point < failure_ratio).then_some(status),
        }
    }

    /// The draw whether a repair by `model` ends without success.
    pub(crate) fn repair_fails(&self, model: Model, draws: &mut Draws) -> bool {
        let settings = self.settings.read();
        let set = settings.repair_failure_ratio[&model];
        let weather = self.weather_under(&settings).repair_failure_ratio();
        draws.chance(set.max(weather))
    }

    pub(crate) fn weather(&self) -> Weather {
        self.weather_under(&self.settings.read())
    }

    fn weather_under(&self, settings: &TargetSettings) -> Weather {
        if settings.chaos {
            Weather::at(self.seed, self.uptime())
        } else {
            Weather::Calm
        }
    }

    /// Counts a request that has just arrived.
    pub(crate) fn arrive(&self, server: Server, route: Route, user: Option<&str>) -> Visit {
        let arrival_log = self.settings.read().arrival_log;
        self.counters.arrive(server, route, user, arrival_log)
    }

    pub(crate) fn settings(&self) -> TargetSettings {
        self.settings.read().clone()
    }

    /// Makes `change` hold from the next request on, and returns the settings that hold then.
    pub(crate) fn change(&self, change: &Value) -> Result<TargetSettings, BadSetting> {
        let mut settings = self.settings.write();
        *settings = settings.changed(change)?;
        self.tell(&settings);
        Ok(settings.clone())
    }

    pub(crate) fn behaving(&self) -> Behaving {
        Behaving::under(&self.settings.read())
    }

    /// Makes both stand-ins behave so from the next request on.
    pub(crate) fn behave(&self, behaviour: Behaviour) -> Behaving {
        let mut settings = self.settings.write();
        *settings = behaviour.over(settings.clone(), self.started_scale);
        self.tell(&settings)
    }

    /// The names of the behaviours that hold, whenever they change.
    pub(crate) fn behaviours(&self) -> watch::Receiver<String> {
        self.behaviour.subscribe()
    }

    fn tell(&self, settings: &TargetSettings) -> Behaving {
        let behaving = Behaving::under(settings);
        let names = behaving.names();
        self.behaviour.send_if_modified(|known| {
            let is_new = *known != names;
            *known = names;
            is_new
        });
        behaving
    }

    /// Draws for content that is made once; another seed gives others.
    pub(crate) fn draws_for(&self, content: &str) -> Draws {
        Draws::keyed(class_key(self.seed, content), 0, 0)
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn started_at(&self) -> String {
        rfc3339(self.started_at)
    }

    pub(crate) fn now(&self) -> String {
        rfc3339(self.clock.now())
    }
}

/// `instant` in UTC as `2026-03-04T12:34:56.789Z`, rounded down.
pub(crate) fn rfc3339(instant: Timestamp) -> String {
    let milliseconds = i64::try_from(instant.micros() / 1_000).unwrap_or(i64::MAX);
    let instant = jiff::Timestamp::from_millisecond(milliseconds);
    format!("{:.3}", instant.unwrap_or(jiff::Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use strum::VariantArray as _;

    use super::*;

    fn levels(settings: TargetSettings) -> Levels {
        Levels::new(settings, 11, Clock::system())
    }

    fn with(change: &Value) -> TargetSettings {
        TargetSettings::default().changed(change).unwrap()
    }

    async fn time_of(levels: &Levels, lane: Lane) -> Duration {
        let before = Instant::now();
        levels.perform(lane).await.unwrap();
        before.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_fixed_latency_is_kept_to_the_millisecond() {
        let levels = levels(with(&json!({"fixed_latency_ms": {"POST /chat": 40_000}})));
        let took = time_of(&levels, (Route::Chat, Model::B).into()).await;
        assert!(took >= Duration::from_secs(40), "{took:?}");
        assert!(took <= Duration::from_millis(40_002), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn requests_take_as_long_as_the_profile_says() {
        let levels = levels(TargetSettings::default());
        let lane = Lane::from((Route::Repair, Model::A));
        let mut times = Vec::new();
        for _ in 0..2_001 {
            times.push(time_of(&levels, lane).await);
        }
        times.sort();
        let median = times[1_000].as_secs_f64();
        assert!((5.6..6.4).contains(&median), "{median}");
        assert!(times[2_000] <= Duration::from_millis(90_001));
    }

    #[tokio::test(start_paused = true)]
    async fn scale_zero_answers_at_once() {
        let levels = levels(with(&json!({"latency_scale": 0})));
        let took = time_of(&levels, (Route::Repair, Model::B).into()).await;
        assert_eq!(took, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_come_at_their_ratio_and_only_on_their_lane() {
        let change = json!({"latency_scale": 0, "failure_ratio": {"POST /chat?model=a": 0.3}});
        let levels = levels(with(&change));
        let mut failed = [0, 0];
        for _ in 0..10_000 {
            for &model in Model::VARIANTS {
                let answer = levels.perform((Route::Chat, model));
                failed[model as usize] += i32::from(answer.await.is_err());
            }
        }
        assert!((2_800..3_200).contains(&failed[0]), "{failed:?}");
        assert_eq!(failed[1], 0);
    }

    #[test]
    fn the_same_seed_draws_the_same_whatever_other_lanes_do() {
        let (one, two) = (
            levels(TargetSettings::default()),
            levels(TargetSettings::default()),
        );
        let delay = |levels: &Levels, route: Route| levels.draw(route.into()).delay;
        for _ in 0..5 {
            delay(&two, Route::Orders);
            assert_eq!(delay(&one, Route::Health), delay(&two, Route::Health));
        }
        let other = Levels::new(TargetSettings::default(), 12, Clock::system());
        assert_ne!(delay(&one, Route::Health), delay(&other, Route::Health));
    }

    #[tokio::test(start_paused = true)]
    async fn chaos_breaks_some_requests_and_its_absence_none() {
        for chaos in [false, true] {
            let settings = with(&json!({"chaos": chaos, "latency_scale": 0}));
            let levels = levels(settings);
            let mut failed = 0;
            for _ in 0..3_600 {
                tokio::time::advance(Duration::from_secs(1)).await;
                let answer = levels.perform(Route::Orders);
                failed += i32::from(answer.await.is_err());
            }
            // a third in one spell of ten, one in 25 in two of ten: about 4 % in all
            let expected = if chaos { 50..300 } else { 0..1 };
            assert!(expected.contains(&failed), "{chaos}: {failed}");
        }
    }

    #[test]
    fn known_instants_read_as_they_should() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (1_709_210_096_789_000, "2024-02-29T12:34:56.789Z"),
            (1_767_225_599_999_999, "2025-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(Timestamp::from_micros(micros)), text);
        }
    }
}
