//! The latencies of the stand-ins: a log-normal distribution per route and model.
//!
//! The shape of real services: most answers near the median, a long tail to the right, never more
//! than a cap. Model b is slower than model a everywhere. Settings can scale or fix what is drawn.

use std::time::Duration;

use traffic::random::Draws;

use crate::route::{Lane, Model, Route};

/// A log-normal distribution of latencies, cut off at a cap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LatencyProfile {
    pub(crate) median_ms: f64,
    /// The standard deviation of the latency's logarithm: 0.5 puts p99 at 3.2 medians, 0.75 at 5.7.
    sigma: f64,
    /// The longest latency, in milliseconds.
    cap_ms: f64,
}

impl LatencyProfile {
    /// The profile of `lane`; a lane without a model, where there are models, has model a's.
    pub(crate) fn of(lane: Lane) -> Self {
        let (median_ms, sigma, cap_ms) = match (lane.route, lane.model) {
            (Route::Health, _) => (2.0, 0.5, 250.0),
            (Route::Orders, _) => (18.0, 0.55, 2_000.0),
            (Route::CreateOrder, _) => (40.0, 0.5, 3_000.0),
            (Route::Products, _) => (12.0, 0.5, 2_000.0),
            (Route::Product, _) => (8.0, 0.5, 1_000.0),
            (Route::Status, _) => (15.0, 0.5, 2_000.0),
            (Route::Metrics, _) => (4.0, 0.4, 500.0),
            // below the callers' timeouts of 60 and 120 s: what times out is a failure switched on
            (Route::Chat, Some(Model::B)) => (1_400.0, 0.75, 45_000.0),
            (Route::Chat, _) => (800.0, 0.75, 30_000.0),
            // until the first token
            (Route::ChatStream | Route::OllamaChat, Some(Model::B)) => (450.0, 0.6, 20_000.0),
            (Route::ChatStream | Route::OllamaChat, _) => (220.0, 0.6, 15_000.0),
            (Route::Repair, Some(Model::B)) => (9_000.0, 0.6, 110_000.0),
            (Route::Repair, _) => (6_000.0, 0.6, 90_000.0),
            (Route::Index | Route::Unknown, _) => (0.0, 0.0, 0.0),
        };
        Self {
            median_ms,
            sigma,
            cap_ms,
        }
    }

    /// The profile of the time between two tokens of a model.
    pub(crate) fn between_tokens(model: Model) -> Self {
        let median_ms = match model {
            Model::A => 14.0,
            Model::B => 24.0,
        };
        Self {
            median_ms,
            sigma: 0.3,
            cap_ms: 500.0,
        }
    }

    /// One latency, always from two draws.
    pub(crate) fn draw(&self, draws: &mut Draws) -> Duration {
        let latency_ms = self.median_ms * (self.sigma * normal(draws)).exp();
        Duration::from_secs_f64(latency_ms.min(self.cap_ms) / 1_000.0)
    }
}

/// A number from the standard normal distribution, by the Box-Muller transform.
fn normal(draws: &mut Draws) -> f64 {
    // 1 - u is in (0, 1], whose logarithm is finite
    let radius = (-2.0 * (1.0 - draws.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * draws.unit()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u64 = 100_000;

    /// Sorted latencies of `lane` in milliseconds.
    fn sample(lane: Lane) -> Vec<f64> {
        let mut draws = Draws::new(1, "latency", 0, 0);
        let profile = LatencyProfile::of(lane);
        let mut all: Vec<f64> = (0..DRAWS)
            .map(|_| profile.draw(&mut draws).as_secs_f64() * 1_000.0)
            .collect();
        all.sort_by(f64::total_cmp);
        all
    }

    fn quantile(sorted: &[f64], share: f64) -> f64 {
        sorted[(sorted.len() as f64 * share) as usize]
    }

    #[test]
    fn every_route_has_its_median_its_tail_and_its_cap() {
        for lane in Lane::all().filter(|lane| LatencyProfile::of(*lane).median_ms > 0.0) {
            let profile = LatencyProfile::of(lane);
            let all = sample(lane);
            let median = quantile(&all, 0.5) / profile.median_ms;
            assert!((0.98..1.02).contains(&median), "{lane}: median {median}");
            // the normal distribution's 99th percentile lies 2.326 deviations above its mean
            let tail = quantile(&all, 0.99) / (profile.median_ms * (profile.sigma * 2.326).exp());
            assert!((0.95..1.05).contains(&tail), "{lane}: p99 {tail}");
            assert!(*all.last().unwrap() <= profile.cap_ms, "{lane}");
            assert!(all[0] > 0.0, "{lane}");
        }
    }

    #[test]
    fn model_b_is_slower_than_model_a_everywhere() {
        for route in [Route::Chat, Route::Repair, Route::ChatStream] {
            let a = sample(Lane::from((route, Model::A)));
            let b = sample(Lane::from((route, Model::B)));
            for share in [0.05, 0.5, 0.95, 0.99] {
                assert!(
                    quantile(&b, share) > 1.3 * quantile(&a, share),
                    "{route:?} {share}"
                );
            }
        }
    }

    #[test]
    fn a_chat_takes_a_second_or_so_and_now_and_then_several() {
        let all = sample(Lane::from((Route::Chat, Model::A)));
        assert!((700.0..900.0).contains(&quantile(&all, 0.5)));
        assert!((3_000.0..10_000.0).contains(&quantile(&all, 0.99)));
    }
}
