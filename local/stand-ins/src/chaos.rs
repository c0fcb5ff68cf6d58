//! The weather of chaos mode: what goes wrong in which twenty seconds.
//!
//! Drawn from the seed and the time since the start alone, so that a demo can be repeated. Owns the
//! weather's effects on latencies and failures; the levels apply them.

use std::time::Duration;

use traffic::random::{Draws, class_key};

use crate::route::{Lane, Model, Route, Server};

/// The time that one kind of weather lasts.
const SPELL: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Weather {
    Calm,
    /// The target app answers slowly, and a few requests fail.
    SlowDatabase,
    /// A third of the target app's requests fail.
    AppErrors,
    /// Model a is slow, and some of its requests fail.
    ModelATrouble,
    /// Model b is slow, and some of its requests fail.
    ModelBTrouble,
    /// Most repairs end without success.
    StubbornFailure,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Effect {
    pub(crate) slowdown: f64,
    pub(crate) failure_ratio: f64,
}

impl Weather {
    /// The weather `elapsed` after the start: calm at first, and four spells in ten.
    pub(crate) fn at(seed: u64, elapsed: Duration) -> Self {
        let spell = elapsed.as_secs() / SPELL.as_secs();
        if spell == 0 {
            return Self::Calm;
        }
        match Draws::keyed(class_key(seed, "weather"), 0, spell).below(10) {
            0..4 => Self::Calm,
            4 | 5 => Self::SlowDatabase,
            6 => Self::AppErrors,
            7 => Self::ModelATrouble,
            8 => Self::ModelBTrouble,
            _ => Self::StubbornFailure,
        }
    }

    pub(crate) fn effect(self, lane: Lane) -> Effect {
        let (slowdown, failure_ratio) = match (self, lane.route.server(), lane.model) {
            // a health check does not touch the database
            (Self::SlowDatabase, Server::TargetApp, _) if lane.route != Route::Health => {
                (8.0, 0.04)
            }
            (Self::AppErrors, Server::TargetApp, _) => (1.5, 0.33),
            (Self::ModelATrouble, _, Some(Model::A)) | (Self::ModelBTrouble, _, Some(Model::B)) => {
                (3.0, 0.2)
            }
            _ => (1.0, 0.0),
        };
        Effect {
            slowdown,
            failure_ratio,
        }
    }

    pub(crate) fn repair_failure_ratio(self) -> f64 {
        match self {
            Self::StubbornFailure => 0.7,
            Self::SlowDatabase | Self::AppErrors => 0.25,
            _ => 0.0,
        }
    }

    /// One clause about it, for health checks and the agent's answers.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::Calm => "all checks pass",
            Self::SlowDatabase => "target-app is answering slowly, its database queries take long",
            Self::AppErrors => "target-app is returning 5xx errors",
            Self::ModelATrouble => "model a is overloaded",
            Self::ModelBTrouble => "model b is overloaded",
            Self::StubbornFailure => "the last repair did not hold",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_kind_of_weather_comes_and_calm_comes_most() {
        let mut seen = BTreeMap::new();
        for spell in 0..1_000 {
            let weather = Weather::at(3, SPELL * spell);
            *seen.entry(format!("{weather:?}")).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 6, "{seen:?}");
        assert!((350..450).contains(&seen["Calm"]), "{seen:?}");
    }

    #[test]
    fn trouble_with_one_model_leaves_the_other_alone() {
        let hit = |model| {
            let lane = Lane::from((Route::Chat, model));
            Weather::ModelBTrouble.effect(lane)
        };
        assert!(hit(Model::B).failure_ratio > 0.0);
        assert_eq!(hit(Model::A).failure_ratio, 0.0);
        let status = Weather::ModelATrouble.effect(Route::Status.into());
        assert_eq!(status.failure_ratio, 0.0);
    }
}
