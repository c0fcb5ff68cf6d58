//! What Locust writes into its page for its components to start from, and what we write into ours.

use serde_json::{Value, json};

use super::{Expected, Step, floats, get, locust, parsed, swarm};
use crate::cicada::Cicada;

/// What is the same before the first run; the rest depends on the program.
const SAME: [&str; 15] = [
    "state",
    "is_distributed",
    "user_count",
    "host",
    "history",
    "override_host_warning",
    "missing_host_warning",
    "worker_count",
    "extra_options",
    "show_userclass_picker",
    "available_user_classes",
    "percentiles_to_chart",
    "percentiles_to_statistics",
    "is_host_required",
    "shape_use_common_options",
];

/// The arguments that a page's script sets.
fn arguments(page: &str) -> Value {
    let (_, args) = page
        .rsplit_once("window.templateArgs = ")
        .expect("it has arguments");
    parsed(args.lines().next().expect("they are in one line"))
}

/// The names of an object's fields, or of those of a list's last object.
fn keys(value: &Value) -> Vec<&String> {
    let value = value
        .as_array()
        .and_then(|list| list.last())
        .unwrap_or(value);
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, _)| name).collect()
}

/// Public tools read the figures of a report from there.
#[tokio::test(start_paused = true)]
async fn a_reports_arguments_have_locusts_names_and_shapes() {
    let steps = [
        swarm("user_count=20&spawn_rate=1000", Expected::Same),
        Step::Settle,
        get("/stats/report", Expected::SameStatus),
        get("/tasks", Expected::Same),
    ];
    let answers = locust(false, &steps);
    let theirs = arguments(answers[1]["body"].as_str().expect("it is a page"));
    let cicada = Cicada::new();
    cicada.started("user_count=20&spawn_rate=1000").await;
    cicada.settle().await;
    let ours = arguments(&cicada.get("/stats/report").await.body);
    assert_eq!(keys(&ours), keys(&theirs));
    for list in ["requests_statistics", "response_time_statistics"] {
        assert_eq!(keys(&ours[list]), keys(&theirs[list]), "{list}");
    }
    for same in [
        "tasks",
        "failures_statistics",
        "percentiles_to_chart",
        "is_report",
        "profile",
    ] {
        assert_eq!(floats(&ours[same]), floats(&theirs[same]), "{same}");
    }
    for time in ["start_time", "end_time"] {
        let length = |args: &Value| args[time].as_str().map(str::len);
        assert_eq!(length(&ours), length(&theirs), "{time}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_page_starts_from_what_locusts_starts_from() {
    let answers = locust(true, &[get("/", Expected::SameStatus)]);
    let page = answers[0]["body"].as_str().expect("it is a page");
    let (_, theirs) = page
        .split_once("window.templateArgs = ")
        .expect("it has arguments");
    let theirs = parsed(theirs.lines().next().expect("they are in one line"));
    let ours = Cicada::new().get("/template-args").await.json();
    for name in SAME {
        assert_eq!(truth(&ours[name]), truth(&theirs[name]), "{name}");
    }
    // the workload has shapes, which Locust was not given
    let none = &theirs["available_shape_classes"];
    assert_eq!(ours["available_shape_classes"][0], none[0]);
    // Locust's profile and tasks are empty, and its page does without
    let theirs = theirs.as_object().expect("it is an object");
    let missing = theirs.keys().filter(|name| ours.get(name).is_none());
    assert_eq!(missing.collect::<Vec<_>>(), ["profile", "tasks"]);
    for (class, user) in theirs["users"].as_object().expect("it has classes") {
        let own = &ours["users"][class];
        for field in ["weight", "fixed_count"] {
            assert_eq!(own[field], user[field], "{class}: {field}");
        }
        // the test has given Locust a slash more
        let host = user["host"].as_str().map(|host| host.trim_end_matches('/'));
        assert_eq!(own["host"].as_str(), host, "{class}");
        // Locust names a task as often as it has weight
        let mut tasks = user["tasks"].as_array().expect("it has tasks").clone();
        tasks.dedup();
        assert_eq!(own["tasks"], json!(tasks), "{class}");
    }
}

/// What is `None` in Python is as good as false.
fn truth(value: &Value) -> Value {
    if value.is_null() {
        json!(false)
    } else {
        value.clone()
    }
}
