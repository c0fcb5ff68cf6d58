//! What Locust writes into its page for its components to start from, and what we write into ours.

use serde_json::{Value, json};

use super::{Expected, get, locust, parsed};
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
