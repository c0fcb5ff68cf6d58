//! `/swarm` and `/stop` beside Locust's.

use super::Expected::{self, Better, Same, SameStatus, Superset};
use super::{Step, compare, get, request, swarm};

fn stop() -> [Step; 2] {
    [request("POST", "/stop", Same), Step::Settle]
}

/// A swarm that is granted, and the end of it.
fn granted(form: &str) -> impl Iterator<Item = Step> {
    [swarm(form, Same), Step::Settle].into_iter().chain(stop())
}

/// Every swarm that both grant, each as a run of its own: success, host and run time are the same.
#[tokio::test(start_paused = true)]
async fn what_locust_grants_is_granted_with_the_same_answer() {
    let mut steps = Vec::new();
    for form in [
        "user_count=10&spawn_rate=20",
        // the call that the demo's documentation gives
        "user_count=10&spawn_rate=20&host=http://target-app:8000",
        // and the host is as it was said last
        "user_count=1&spawn_rate=2",
        "user_count=1&spawn_rate=2&host=http://target-app:8000/",
        "user_count=1&spawn_rate=2&host=",
        "user_count=1&spawn_rate=2&host=http%3A%2F%2F%3Cscript%3Ea.test",
        "user_count=1&spawn_rate=2&host=https://other.test/base",
        // zero users are no mistake
        "user_count=0&spawn_rate=1",
        "user_count=-0&spawn_rate=1",
        // numbers as Python reads them
        "user_count=+1&spawn_rate=+2.5",
        "user_count=%20%091%0A&spawn_rate=%20.5e1%20",
        "user_count=1_0&spawn_rate=1_00",
        "user_count=007&spawn_rate=1e2",
        // run times in every form
        "user_count=1&spawn_rate=2&run_time=20",
        "user_count=1&spawn_rate=2&run_time=20s",
        "user_count=1&spawn_rate=2&run_time=3m",
        "user_count=1&spawn_rate=2&run_time=2h",
        "user_count=1&spawn_rate=2&run_time=1h20m",
        "user_count=1&spawn_rate=2&run_time=3h30m10s",
        "user_count=1&spawn_rate=2&run_time=20%0A",
        // none is none
        "user_count=1&spawn_rate=2&run_time=",
        "user_count=1&spawn_rate=2&run_time=0",
        "user_count=1&spawn_rate=2&run_time=0s",
        // of a repeated field the first counts
        "user_count=3&user_count=9&spawn_rate=5&spawn_rate=x&run_time=9&run_time=x",
        // nobody minds what is not known
        "user_count=1&spawn_rate=2&profile=nightly&shape_class=Default&colour=green&&=&x",
        "user_count=1&spawn_rate=2&%FF%FE=%FF&\u{1F41D}=%F0%9F%90%9D",
    ] {
        steps.extend(granted(form));
    }
    compare(false, &steps).await;
}

#[tokio::test(start_paused = true)]
async fn what_locust_refuses_is_refused_with_the_same_answer() {
    let mut steps = Vec::new();
    for form in [
        "",
        "&&&",
        "user_count=10",
        "spawn_rate=10",
        "user_count=&spawn_rate=1",
        "user_count=ten&spawn_rate=1",
        "user_count=1.5&spawn_rate=1",
        "user_count=1e1&spawn_rate=1",
        "user_count=-1&spawn_rate=1",
        "user_count=inf&spawn_rate=1",
        "user_count=1__0&spawn_rate=1",
        "user_count=0x10&spawn_rate=1",
        "user_count=1&spawn_rate=",
        "user_count=1&spawn_rate=fast",
        "user_count=1&spawn_rate=0",
        "user_count=1&spawn_rate=-0.0",
        "user_count=1&spawn_rate=-1",
        "user_count=1&spawn_rate=nan",
        "user_count=1&spawn_rate=inf",
        "user_count=1&spawn_rate=-Infinity",
        "user_count=1&spawn_rate=1e400",
        "user_count=1&spawn_rate=1,5",
        "user_count=1&spawn_rate=1&run_time=soon",
        "user_count=1&spawn_rate=1&run_time=-1",
        "user_count=1&spawn_rate=1&run_time=1.5h",
        "user_count=1&spawn_rate=1&run_time=20%20",
        "user_count=1&spawn_rate=1&run_time=1m1h",
        "user_count=1&spawn_rate=1&run_time=1h20",
        "USER_COUNT=1&SPAWN_RATE=1",
        "user_count=x&user_count=1&spawn_rate=1",
    ] {
        steps.push(swarm(form, Same));
    }
    steps.push(get("/stats/requests", Superset));
    compare(false, &steps).await;
}

/// The class picker is what lets Locust's page choose a shape.
#[tokio::test(start_paused = true)]
async fn a_shape_is_started_with_locusts_answer_and_again_while_it_is_on() {
    let better = |ours| Better {
        locust: (200, true),
        ours,
    };
    let steps = [
        swarm("shape_class=StepLoad", Same),
        // "Editing is disabled", says Locust's log
        swarm("shape_class=StepLoad&user_count=3&spawn_rate=1", Same),
        swarm("shape_class=StepLoad&host=http://a.test", Same),
        request("POST", "/stop", Same),
        Step::Settle,
        swarm("shape_class=StepLoad&user_classes=ModelAUser", Superset),
        // Locust says yes, and its shape stops the test a moment later
        swarm("user_count=3&spawn_rate=1", better("stop it first")),
    ];
    compare(true, &steps).await;
}

/// Where we deliberately do better.
#[tokio::test(start_paused = true)]
async fn what_locust_overlooks_is_refused_in_words() {
    let better = |locust: (u16, bool), ours| Better { locust, ours };
    let started = |ours| better((200, true), ours);
    let broken = |ours| better((500, false), ours);
    let some = "user_count=1&spawn_rate=1";
    let swarms: Vec<(String, Expected)> = vec![
        // a host that no request can be sent to
        (format!("{some}&host=localhost:8000"), started("host")),
        (format!("{some}&host=ftp://a.test"), started("host")),
        (format!("{some}&host=http://"), started("host")),
        // a typo in a class's name starts nobody
        (
            format!("{some}&user_classes=ModelAUsr"),
            started("perhaps ModelAUser"),
        ),
        (
            format!("{some}&user_classes=ModelAUser&user_classes=x"),
            started("unknown class"),
        ),
        // numbers that break Locust, or that it would never come to an end of
        (
            format!("{some}&run_time=99999999999999999h"),
            broken("run_time"),
        ),
        (
            format!("{some}&run_time=99999999999999999999999999999"),
            started("run_time"),
        ),
        (
            format!("user_count={}&spawn_rate=1", "9".repeat(30)),
            started("limit"),
        ),
        // a shape that there is not
        (format!("{some}&shape_class=Stages"), broken("shape_class")),
    ];
    let mut steps = Vec::new();
    for (form, expected) in swarms {
        steps.push(swarm(form, expected));
        steps.extend(stop());
    }
    compare(true, &steps).await;
}

/// With the class picker, Locust says which classes run.
#[tokio::test(start_paused = true)]
async fn chosen_classes_are_said_and_run() {
    let mut steps = Vec::new();
    for form in [
        "user_count=10&spawn_rate=20&user_classes=ModelBUser&user_classes=ModelAUser",
        "user_count=10&spawn_rate=20&user_classes=ModelAUser&user_classes=ModelAUser",
        "user_count=13&spawn_rate=20&user_classes=TargetAppUser",
    ] {
        steps.extend([swarm(form, Same), Step::Settle, get("/tasks", Same)]);
        steps.extend(stop());
    }
    compare(true, &steps).await;
}

/// While a run is on, users come and go, the run time starts anew or is cancelled.
#[tokio::test(start_paused = true)]
async fn a_run_is_changed_as_in_locust() {
    let mut steps = vec![get("/stats/requests", Superset)];
    for form in [
        "user_count=12&spawn_rate=100",
        "user_count=60&spawn_rate=100&run_time=1h",
        "user_count=6&spawn_rate=100",
        "user_count=0&spawn_rate=100",
        "user_count=7&spawn_rate=100&user_classes=",
    ] {
        steps.extend([swarm(form, Same), Step::Settle]);
        steps.push(get("/stats/requests", Superset));
        steps.push(get("/tasks", Same));
    }
    steps.push(swarm("user_count=x&spawn_rate=1", Same));
    steps.push(get("/stats/requests", Superset));
    steps.extend(stop());
    // nobody executes anything here: Locust's users are gone at once, ours are waited for
    steps.push(Step::End);
    steps.push(get("/stats/requests", Superset));
    steps.push(get("/tasks", Same));
    steps.extend(stop());
    compare(false, &steps).await;
}

/// Locust 2.47 takes a stop and a reset by POST only, older ones by GET only; we take both.
#[tokio::test(start_paused = true)]
async fn methods_are_locusts() {
    let steps = [
        request("POST", "/stop", Same),
        request("POST", "/stats/reset", Same),
        get("/swarm", SameStatus),
        request("PUT", "/swarm", SameStatus),
        request("DELETE", "/stats/requests", SameStatus),
        request("POST", "/stats/requests", SameStatus),
        request("POST", "/tasks", SameStatus),
        request("HEAD", "/stats/requests", SameStatus),
        get("/nothing", SameStatus),
        get("/stats", SameStatus),
        get("/stats/requests/", SameStatus),
        get("/swarm/..%2f", SameStatus),
    ];
    compare(false, &steps).await;
}
