//! Behaviours by name: one request makes both stand-ins slow, failing or chaotic, and normal again.
//!
//! A behaviour is nothing but settings: each is found in them again, whoever has made them so.

use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::route::{Lane, Route};
use crate::settings::TargetSettings;

/// The factor of response times of a stand-in that was made slow.
const SLOW: f64 = 5.0;

/// The share of requests that fail of a stand-in that was made failing.
const FAILING: f64 = 0.3;

/// The manner in which both stand-ins answer.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Behaviour {
    /// Responses take more than their usual time.
    Slow,
    /// Some requests fail.
    Failing,
    /// Trouble comes and goes by itself.
    Chaotic,
    /// None of these.
    Normal,
}

/// The manners that hold at a moment, and what they amount to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Behaving {
    pub(crate) behaviour: Vec<Behaviour>,
    /// The same with figures, as the end of a sentence.
    pub(crate) says: String,
}

impl Behaviour {
    /// `slow`, `failing`, `chaotic` or `normal`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Those that hold under `settings`; `Normal` alone if none other does.
    pub fn all_of(settings: &TargetSettings) -> Vec<Self> {
        let found = [
            (Self::Slow, settings.latency_scale > 1.0),
            (Self::Failing, highest_failure_ratio(settings) > 0.0),
            (Self::Chaotic, settings.chaos),
        ];
        let found: Vec<Self> = found
            .into_iter()
            .filter_map(|(behaviour, holds)| holds.then_some(behaviour))
            .collect();
        match found[..] {
            [] => vec![Self::Normal],
            _ => found,
        }
    }

    /// `settings` under which it holds as well; under `Normal` nothing else holds, and latencies have the scale that the
    /// stand-ins were started with, unless they were started slow.
    pub(crate) fn over(self, mut settings: TargetSettings, started_scale: f64) -> TargetSettings {
        match self {
            Self::Slow => settings.latency_scale = settings.latency_scale.max(SLOW),
            Self::Failing => {
                let routes = Lane::all().filter(|lane| lane.model.is_none() && is_answered(*lane));
                let known = settings.failure_ratio.keys().copied();
                let lanes: Vec<Lane> = routes.chain(known).collect();
                for lane in lanes {
                    let ratio = settings.failure_ratio.entry(lane).or_insert(FAILING);
                    *ratio = ratio.max(FAILING);
                }
            }
            Self::Chaotic => settings.chaos = true,
            Self::Normal => {
                settings.latency_scale = started_scale.min(1.0);
                settings.failure_ratio.clear();
                settings
                    .repair_failure_ratio
                    .values_mut()
                    .for_each(|ratio| *ratio = 0.0);
                settings.chaos = false;
            }
        }
        settings
    }
}

impl Behaving {
    pub(crate) fn under(settings: &TargetSettings) -> Self {
        let behaviour = Behaviour::all_of(settings);
        let part = |behaviour: &Behaviour| match behaviour {
            Behaviour::Slow => {
                let scale = settings.latency_scale;
                format!("response times are {scale} times the usual")
            }
            Behaviour::Failing => {
                let most = 100.0 * highest_failure_ratio(settings);
                format!("up to {most} of 100 requests fail")
            }
            Behaviour::Chaotic => "what goes wrong changes every 20 seconds".to_owned(),
            Behaviour::Normal => "normal".to_owned(),
        };
        let parts: Vec<String> = behaviour.iter().map(part).collect();
        Self {
            behaviour,
            says: parts.join("; "),
        }
    }

    /// The names, with commas between.
    pub(crate) fn names(&self) -> String {
        let names: Vec<&str> = self.behaviour.iter().map(|one| one.name()).collect();
        names.join(", ")
    }
}

/// True for the lanes of what the services answer; the page of routes and unknown paths never fail.
fn is_answered(lane: Lane) -> bool {
    !matches!(lane.route, Route::Index | Route::Unknown)
}

fn highest_failure_ratio(settings: &TargetSettings) -> f64 {
    let ratios = settings.failure_ratio.values();
    let ratios = ratios.chain(settings.repair_failure_ratio.values());
    ratios.copied().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::route::Model;

    fn with(change: &serde_json::Value) -> TargetSettings {
        TargetSettings::default().changed(change).unwrap()
    }

    #[test]
    fn behaviours_add_up_and_normal_ends_them_all() {
        let mut settings = with(&json!({"latency_scale": 0.2, "arrival_log": 7}));
        for (behaviour, expected) in [
            (Behaviour::Slow, "slow"),
            (Behaviour::Failing, "slow, failing"),
            (Behaviour::Chaotic, "slow, failing, chaotic"),
            (Behaviour::Slow, "slow, failing, chaotic"),
            (Behaviour::Normal, "normal"),
        ] {
            settings = behaviour.over(settings, 0.2);
            assert_eq!(Behaving::under(&settings).names(), expected);
        }
        assert_eq!(
            settings,
            with(&json!({"latency_scale": 0.2, "arrival_log": 7}))
        );
        let slow_from_the_start = with(&json!({"latency_scale": 8}));
        let normal = Behaviour::Normal.over(slow_from_the_start, 8.0);
        assert_eq!(normal.latency_scale, 1.0);
    }

    #[test]
    fn every_route_of_a_failing_stand_in_fails_and_none_less_than_before() {
        let change = json!({"failure_ratio": {"POST /chat?model=b": 0.1, "GET /orders": 0.5}});
        let settings = Behaviour::Failing.over(with(&change), 1.0);
        let ratio = |lane: Lane| settings.failure_ratio_of(lane);
        for lane in Lane::all().filter(|lane| is_answered(*lane)) {
            assert!(ratio(lane) >= FAILING, "{lane}");
        }
        assert_eq!(ratio((Route::Chat, Model::B).into()), FAILING);
        assert_eq!(ratio(Route::Orders.into()), 0.5);
        assert_eq!(ratio(Route::Index.into()), 0.0);
        let said = Behaving::under(&settings).says;
        assert_eq!(said, "up to 50 of 100 requests fail");
    }

    #[test]
    fn what_was_set_otherwise_is_found_as_well() {
        for (change, expected) in [
            (json!({}), "normal"),
            (json!({"latency_scale": 0.5}), "normal"),
            (json!({"latency_scale": 1.5}), "slow"),
            (json!({"repair_failure_ratio": {"b": 0.2}}), "failing"),
            (json!({"chaos": true}), "chaotic"),
        ] {
            assert_eq!(Behaving::under(&with(&change)).names(), expected);
        }
    }
}
