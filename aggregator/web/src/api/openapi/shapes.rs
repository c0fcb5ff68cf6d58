//! The shapes of bodies that are no types of their own, for the document; nothing is made of them. What has
//! other fields than these is found by schemathesis.
#![allow(dead_code, reason = "they describe what others write")]

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// Something was not done, and why.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Refused {
    /// False.
    success: bool,
    /// One line for the person who asked.
    message: String,
    /// The host as it was last said, where Locust answers with it.
    #[schema(required = false)]
    host: Option<String>,
}

/// Something was done.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Done {
    /// True.
    success: bool,
    /// What was done.
    message: String,
}

/// What a swarm came to: granted or not.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct SwarmAnswer {
    /// Whether it was granted; the status is 200 all the same, as in Locust.
    success: bool,
    /// That it was, or what is wrong with which field.
    message: String,
    /// The host as it was last said.
    host: Option<String>,
    /// After how many seconds the run ends by itself, if this request said so.
    #[schema(required = false)]
    run_time: u64,
    /// The classes that run, if this request said so.
    #[schema(required = false)]
    user_classes: Vec<String>,
}

/// What to run.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"user_count": 10, "spawn_rate": 2}))]
pub(in crate::api) struct Swarm {
    /// Users at the end of the ramp.
    #[schema(required = false, minimum = 0, example = 10)]
    user_count: u32,
    /// Users started or stopped a second.
    #[schema(required = false, example = 2.0)]
    spawn_rate: f64,
    /// The base URL of all classes; empty takes an earlier one back.
    #[schema(required = false, example = "http://target-app:8000")]
    host: String,
    /// After what time the run ends by itself.
    #[schema(required = false)]
    run_time: RunTime,
    /// The classes to run.
    #[schema(required = false)]
    user_classes: Vec<String>,
    /// A load shape of the workload, which sets the number of users; `Default`: none.
    #[schema(required = false, example = "Default")]
    shape_class: String,
}

/// A time.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum RunTime {
    /// Such as 20, 20s, 3m, 2h or 1h20m.
    Text(String),
    /// Seconds.
    Seconds(u64),
}

/// What to run, with the exact users of classes; in place of `user_count` and `user_classes`.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"user_classes_count": {"ModelAUser": 5, "ModelBUser": 5}, "spawn_rate": 5}))]
pub(in crate::api) struct ExactSwarm {
    #[serde(flatten)]
    swarm: Swarm,
    /// Users by class.
    #[schema(required = false)]
    user_classes_count: BTreeMap<String, u32>,
}

/// Statistics of all requests.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Requests {
    /// At most 500 rows by name and method, and `Aggregated` after them.
    stats: Vec<statistics::report::Row>,
    /// At most 500 errors, in order of their first occurrence.
    errors: Vec<statistics::report::ErrorRow>,
    /// Requests a second in about the last ten seconds.
    current_rps: f64,
    /// Failures a second in about the last ten seconds.
    current_fail_per_sec: f64,
    /// Requests a second since the start or the last reset.
    total_rps: f64,
    /// Failures a second since the start or the last reset.
    total_fail_per_sec: f64,
    /// Failures by requests.
    fail_ratio: f64,
    /// Of about the last ten seconds.
    current_response_time_percentiles: statistics::report::CurrentPercentiles,
    /// The median of about the last ten seconds, where older dashboards look.
    current_response_time_percentile_50: Option<u64>,
    /// The 95th percentile of about the last ten seconds, where older dashboards look.
    current_response_time_percentile_95: Option<u64>,
    /// Where the traffic stands.
    state: statistics::state::State,
    /// Users that are active.
    user_count: u64,
}

/// How classes and tasks share the traffic.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Tasks {
    /// With each task's share of its class.
    per_class: BTreeMap<String, ClassRatio>,
    /// With each task's share of all.
    total: BTreeMap<String, ClassRatio>,
}

/// A class's share of the users.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClassRatio {
    ratio: f64,
    /// Its tasks by name.
    tasks: BTreeMap<String, TaskRatio>,
}

/// A task's share.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskRatio {
    ratio: f64,
}

/// Expectations and templates that could not be evaluated.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Exceptions {
    exceptions: Vec<Exception>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// How often.
    count: u64,
    msg: String,
    traceback: String,
    /// Where: `local`.
    nodes: String,
}

/// The newest log lines.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Logs {
    /// Of this process.
    master: Vec<String>,
    /// There are no workers.
    workers: BTreeMap<String, Vec<String>>,
}

/// How many workers there are.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct WorkerCount {
    /// 0.
    worker_count: u64,
}

/// What is to hold for a user class; null takes back what was set.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user_class_name": "ModelAUser", "weight": 2}))]
pub(in crate::api) struct UserSettings {
    /// The class.
    #[schema(example = "ModelAUser")]
    user_class_name: String,
    /// Its weight; with 0 it does not run.
    #[schema(required = false, minimum = 0, maximum = 10_000)]
    weight: Option<u32>,
    /// Its exact number of users; 0 goes by weight.
    #[schema(required = false, minimum = 0, maximum = 1_000_000)]
    fixed_count: Option<u32>,
    /// Its host; empty takes back what was set.
    #[schema(required = false)]
    host: Option<String>,
    /// The tasks that its users do.
    #[schema(required = false)]
    tasks: Option<Vec<String>>,
}

/// Nothing more to say.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Nothing {}

/// A workload was chosen.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct WorkloadChosen {
    /// True.
    success: bool,
    /// What that means for the run that is on.
    message: String,
    /// A digest of the text.
    version: String,
    /// The classes that it has.
    user_classes: Vec<String>,
    /// The load shapes that it has.
    shape_classes: Vec<String>,
}

/// A workload was not chosen, and nothing was changed.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct WorkloadRefused {
    /// False.
    success: bool,
    /// What is wrong, or how much of it.
    message: String,
    /// Its mistakes, at most a hundred.
    errors: Vec<WorkloadMistake>,
}

/// A mistake in a workload.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WorkloadMistake {
    line: usize,
    message: String,
}

/// All schedules.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Schedules {
    schedules: Vec<Schedule>,
}

/// When runs start and stop by themselves, and what starts; the other fields are those of `/swarm`.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"name": "weekdays", "start": "0 9 * * 1-5", "stop": "0 17 * * 1-5",
    "time_zone": "Europe/Berlin", "user_count": 10, "spawn_rate": 2}))]
pub(in crate::api) struct Schedule {
    #[schema(example = "weekdays")]
    name: String,
    /// When a run starts: five fields of cron.
    #[schema(required = false, example = "0 9 * * 1-5")]
    start: Option<String>,
    /// When it stops.
    #[schema(required = false, example = "0 17 * * 1-5")]
    stop: Option<String>,
    /// The zone of both.
    #[schema(required = false, example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// When it starts next; only ever read.
    #[schema(required = false, read_only)]
    next_start: Option<String>,
    /// When it stops next; only ever read.
    #[schema(required = false, read_only)]
    next_stop: Option<String>,
    #[serde(flatten)]
    swarm: Swarm,
}

/// A schedule was saved.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ScheduleSaved {
    /// True.
    success: bool,
    message: String,
    schedule: Schedule,
}

/// Whether requests are answered and results recorded.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Health {
    /// `ok` or `unavailable`.
    status: String,
    /// The program's version.
    version: String,
    /// Where the traffic stands, if that can be read.
    #[schema(required = false)]
    state: statistics::state::State,
    /// What is wrong, if anything is.
    #[schema(required = false)]
    message: String,
}
