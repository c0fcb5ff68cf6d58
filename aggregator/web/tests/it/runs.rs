//! `/runs`: a list of all runs, and each run's pages after others have come.

use control::ControlSettings;
use serde_json::{Value, json};

use crate::cicada::{Cicada, workload};
use crate::records::Request;

/// Every page about a run that is also one of the newest run.
const PAGES: [&str; 4] = ["/stats/requests", "/exceptions", "/ledger", "/tasks"];

/// Runs one run of a minute with these requests, and goes on until it is over and nothing more can come.
async fn played(cicada: &Cicada, form: &str, requests: &[Request]) -> String {
    cicada.started(form).await;
    cicada.settle().await;
    cicada.completed(requests).await;
    cicada.pass(60.0).await;
    cicada.get("/stop").await;
    cicada.pass(600.0).await;
    cicada.run().await.id.0
}

async fn runs(cicada: &Cicada, query: &str) -> Value {
    let answer = cicada.get(&format!("/runs{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    answer.json()
}

fn ids(page: &Value) -> Vec<&str> {
    let runs = page["runs"].as_array().expect("a page has runs");
    let ids = runs
        .iter()
        .map(|run| run["id"].as_str().expect("each has a name"));
    ids.collect()
}

#[tokio::test(start_paused = true)]
async fn before_the_first_run_the_list_is_empty() {
    let cicada = Cicada::new();
    assert_eq!(runs(&cicada, "").await, json!({"runs": [], "next": null}));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_listed_with_what_was_asked_for_and_what_came_of_it() {
    let cicada = Cicada::with(ControlSettings {
        seed: Some(u64::MAX),
        ..ControlSettings::new(workload())
    });
    let host = "host=http://other.test:1/";
    let form = format!(
        "user_count=4&spawn_rate=2.5&run_time=2m&user_classes=ModelBUser&user_classes=ModelAUser&{host}"
    );
    cicada.started(&form).await;
    let listed = runs(&cicada, "").await["runs"][0].clone();
    assert_eq!(
        (&listed["state"], &listed["user_count"]),
        (&json!("spawning"), &json!(0))
    );
    cicada.settle().await;
    cicada
        .completed(&[
            Request::took("/a", 100.0),
            Request::took("/b", 200.0),
            Request::took("/b", 600.0).failed("status 500"),
        ])
        .await;
    cicada.pass(1.0).await;
    let run = cicada.run().await;
    let started = run.starts().full_second().0;
    let lasted = cicada.clock.now().since(run.starts()).as_secs_f64();
    let until = run.segments[0].until.expect("it has a run time");
    let mut expected = json!({
        "id": run.id.0, "name": null, "note": null, "part": null, "parts": [], "state": "running", "started": started, "ended": null, "duration": lasted,
        "run_time": 120, "until": until.full_second().0, "changes": [], "user_count": 4, "spawn_rate": 2.5,
        "user_classes": ["ModelAUser", "ModelBUser"], "host": "http://other.test:1/",
        "hosts": {"ModelAUser": "http://other.test:1", "ModelBUser": "http://other.test:1"},
        "workload": run.workload, "seed": "18446744073709551615", "num_requests": 3,
        "num_failures": 1, "fail_ratio": 1.0 / 3.0, "avg_response_time": 300.0, "reset": null,
    });
    let page = runs(&cicada, "").await;
    assert_eq!(page, json!({"runs": [expected], "next": null}));
    let alone = cicada.get(&format!("/runs/{}", run.id.0)).await;
    assert_eq!(alone.json(), expected);

    cicada.pass(700.0).await;
    expected["state"] = "stopped".into();
    expected["ended"] = json!(started + 120);
    expected["duration"] = json!(120.0);
    assert_eq!(runs(&cicada, "").await["runs"][0], expected);
}

#[tokio::test(start_paused = true)]
async fn pages_follow_one_another_newest_first() {
    let cicada = Cicada::new();
    let mut all = Vec::new();
    for users in 1..=5 {
        let form = format!("user_count={users}&spawn_rate=100");
        all.insert(0, played(&cicada, &form, &[]).await);
    }
    let whole = runs(&cicada, "").await;
    assert_eq!(ids(&whole), all);
    assert_eq!(whole["next"], Value::Null);
    let users = whole["runs"].as_array().unwrap().iter();
    let users: Vec<&Value> = users.map(|run| &run["user_count"]).collect();
    assert_eq!(users, [5, 4, 3, 2, 1]);

    let mut read = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = runs(&cicada, &query).await;
        read.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        query = format!("?limit=2&before={next}");
    }
    assert_eq!(read, all);
    let exact = runs(&cicada, "?limit=5").await;
    assert_eq!((ids(&exact).len(), &exact["next"]), (5, &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn an_earlier_run_keeps_its_pages_when_others_have_come() {
    let cicada = Cicada::new();
    let form = "user_count=6&spawn_rate=600";
    let first = [Request::took("/first", 12.0).failed("no luck")];
    cicada.started(form).await;
    cicada.settle().await;
    cicada.completed(&first).await;
    cicada.get("/stop").await;
    cicada.pass(600.0).await;
    let id = cicada.run().await.id.0;
    let mut before = Vec::new();
    for page in PAGES {
        before.push(cicada.get(page).await.json());
        if page != "/tasks" {
            let same = cicada.get(&format!("/runs/{id}{page}")).await.json();
            assert_eq!(Some(&same), before.last(), "{page} while it is the newest");
        }
    }
    assert_eq!(before[0]["stats"][0]["name"], "/first");

    played(&cicada, form, &[Request::took("/second", 8.0)]).await;
    played(&cicada, form, &[]).await;
    for (page, before) in PAGES.iter().zip(&before) {
        let now = cicada.get(&format!("/runs/{id}{page}")).await.json();
        if *page == "/stats/requests" {
            // what is current goes on to be so as time passes
            for field in ["stats", "errors", "state", "user_count", "fail_ratio"] {
                assert_eq!(now[field], before[field], "{field}");
            }
        } else if *page == "/tasks" {
            let share = |class: &str| now["per_class"][class]["ratio"].as_f64();
            assert_eq!(share("ModelAUser"), Some(1.0 / 6.0), "as it was at its end");
        } else {
            assert_eq!(now, *before, "{page}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_there_is_not_is_not_found() {
    let cicada = Cicada::new();
    cicada.started("user_count=1&spawn_rate=1").await;
    for (name, shown) in [
        ("0660f42633c5c8-0000002a", "0660f42633c5c8-0000002a"),
        ("latest", "latest"),
        ("-1", "-1"),
        ("%00", "\\0"),
        ("%FF%FE", ""),
        ("..%2F..%2Fetc%2Fpasswd", "../../etc/passwd"),
        ("%3Cscript%3E", "<script>"),
    ] {
        for page in PAGES {
            let answer = cicada.get(&format!("/runs/{name}{page}")).await;
            assert_eq!(answer.status, 404, "{name}{page}: {}", answer.body);
            let expected = format!("there is no run \"{shown}\": GET /runs lists them");
            let json = answer.json();
            assert_eq!(json["message"], expected.as_str(), "{name}{page}");
            assert_eq!(json["success"], false);
        }
    }
    let long = "f".repeat(5_000);
    let answer = cicada.get(&format!("/runs/{long}/ledger")).await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.len() < 300, "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn what_the_list_cannot_be_asked_is_refused_in_words() {
    let cicada = Cicada::new();
    for (query, status, words) in [
        (
            "?limit=0",
            400,
            "limit must be a whole number from 1 to 200",
        ),
        ("?limit=201", 400, "limit must be"),
        ("?limit=-1", 400, "limit must be"),
        ("?limit=ten", 400, "limit must be"),
        ("?limit=99999999999999999999999", 400, "limit must be"),
        ("?before=yesterday", 404, "there is no run \"yesterday\""),
        ("?before=%27", 404, "there is no run"),
    ] {
        let answer = cicada.get(&format!("/runs{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
        let json = answer.json();
        let message = json["message"].as_str().expect("it has a message");
        assert!(message.contains(words), "{query}: {message}");
    }
    // none is none, and nobody minds what is not known
    assert_eq!(
        runs(&cicada, "?before=&limit=1&colour=green").await["next"],
        json!(null)
    );
}
