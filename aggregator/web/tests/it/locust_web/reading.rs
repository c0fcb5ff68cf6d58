//! The routes that only read, beside Locust's.

use super::Expected::{Same, SameStatus, Superset};
use super::{Step, compare, get, request, swarm};

#[tokio::test(start_paused = true)]
async fn before_the_first_run_all_pages_say_what_locust_says() {
    let steps = [
        get("/stats/requests", Superset),
        get("/exceptions", Same),
        get("/tasks", Same),
        get("/logs", Same),
        get("/worker-count", Same),
        get("/", SameStatus),
        get("/stats/requests/csv", Same),
        get("/stats/failures/csv", Same),
        get("/exceptions/csv", Same),
        get("/stats/report", SameStatus),
        get("/stats/report?download=1", SameStatus),
    ];
    compare(false, &steps).await;
}

/// Every number of users from one up: classes are shared out as Locust shares them.
#[tokio::test(start_paused = true)]
async fn users_are_shared_out_as_in_locust() {
    let mut steps = Vec::new();
    for users in [1, 2, 3, 5, 6, 7, 11, 20, 60, 101] {
        steps.push(swarm(format!("user_count={users}&spawn_rate=1000"), Same));
        steps.push(Step::Settle);
        steps.push(get("/tasks", Same));
        steps.push(get("/stats/requests", Superset));
    }
    steps.push(request("POST", "/stats/reset", Same));
    steps.push(get("/stats/requests", Superset));
    compare(false, &steps).await;
}
