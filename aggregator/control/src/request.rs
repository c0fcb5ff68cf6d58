//! What somebody may ask of the control: a swarm, from a form, from JSON or from the command line.

use std::collections::BTreeMap;
use std::time::Duration;

use utoipa::ToSchema;

/// A `POST /swarm`, or what the command line asks for; what is `None` was not said.
#[derive(Clone, Debug, Default, PartialEq, ToSchema)]
#[schema(as = Swarm, example = json!({"user_count": 10, "spawn_rate": 2}))]
pub struct SwarmRequest {
    /// Users at the end of the ramp.
    #[schema(nullable = false, example = 10)]
    pub user_count: Option<u64>,
    /// Users started or stopped a second.
    #[schema(nullable = false, example = 2.0)]
    pub spawn_rate: Option<f64>,
    /// Overrides the host of every selected class; empty: every class has its own again.
    #[schema(nullable = false, example = "http://target-app:8000")]
    pub host: Option<String>,
    /// After how long the run stops by itself, from now on: seconds, or such as 20s, 3m, 2h or 1h20m; zero is
    /// the same as never.
    #[schema(value_type = Option<String>, nullable = false)]
    pub run_time: Option<Duration>,
    /// The classes to run; empty: as before, or the configured ones.
    #[schema(required = false)]
    pub user_classes: Vec<String>,
    /// Exact users per class, instead of `user_classes` and `user_count`.
    #[schema(nullable = false)]
    pub user_classes_count: Option<BTreeMap<String, u64>>,
    /// The load shape that says how many users there are, instead of `user_count` and `spawn_rate`;
    /// [`NO_SHAPE`](traffic::workload::NO_SHAPE) or an empty name: none, also where one is configured.
    #[schema(nullable = false, example = "Default")]
    pub shape_class: Option<String>,
}

/// What a swarm came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swarmed {
    /// The host as it was last said, by this request or before; Locust's `environment.host`.
    pub host: Option<String>,
    /// After how long the run stops by itself, if this request said so.
    pub run_time: Option<Duration>,
    /// The classes that run, sorted, if this request said so.
    pub user_classes: Option<Vec<String>>,
    /// The load shape that goes on, if one does.
    pub shape_class: Option<String>,
}

/// A field of a request or a setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidField {
    /// The field's name, as the caller knows it.
    pub field: &'static str,
    /// What is wrong with it and what to do, as the rest of the sentence.
    pub problem: String,
}

impl InvalidField {
    /// The field `field` has this problem.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self {
            field,
            problem: problem.into(),
        }
    }
}
