//! The request for a swarm, from a form, from JSON or from the command line, and its outcome.

use std::collections::BTreeMap;
use std::time::Duration;

use utoipa::ToSchema;

/// A `POST /swarm`, or the same from the command line; a field that is `None` was not given.
#[derive(Clone, Debug, Default, PartialEq, ToSchema)]
#[schema(as = Swarm, example = json!({"user_count": 10, "spawn_rate": 2}))]
pub struct SwarmRequest {
    /// Users at the end of the ramp.
    #[schema(nullable = false, example = 10)]
    pub user_count: Option<u64>,
    /// Users started or stopped a second.
    #[schema(nullable = false, example = 2.0)]
    pub spawn_rate: Option<f64>,
    /// The host of every selected class; an empty one gives each class its own host again.
    #[schema(nullable = false, example = "http://target-app:8000")]
    pub host: Option<String>,
    /// The time from now to the end of the run: seconds, or such as 20s, 3m, 2h or 1h20m; zero is the same as never.
    #[schema(value_type = Option<String>, nullable = false)]
    pub run_time: Option<Duration>,
    /// The number of iterations after which the run ends by itself, of all its classes together; it is kept while the run
    /// is changed.
    #[schema(nullable = false)]
    pub iterations: Option<u64>,
    /// The classes to run; none are the classes as before, or the configured ones.
    #[schema(required = false)]
    pub user_classes: Vec<String>,
    /// Exact users per class, instead of `user_classes` and `user_count`.
    #[schema(nullable = false)]
    pub user_classes_count: Option<BTreeMap<String, u64>>,
    /// The load shape, instead of `user_count` and `spawn_rate`. [`NO_SHAPE`](traffic::workload::NO_SHAPE) or an empty
    /// name runs without a shape, also where one is configured.
    #[schema(nullable = false, example = "Default")]
    pub shape_class: Option<String>,
}

/// The outcome of a swarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swarmed {
    /// The host of this request or of the last one that had any; Locust's `environment.host`.
    pub host: Option<String>,
    /// The time to the end of the run, if this request has one.
    pub run_time: Option<Duration>,
    /// The classes that run, sorted, if this request names any.
    pub user_classes: Option<Vec<String>>,
    /// The load shape that is on, if any.
    pub shape_class: Option<String>,
}
