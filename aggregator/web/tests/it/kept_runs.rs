//! Runs that are kept: named, reset in parts, compared with one another, and deleted.

use serde_json::{Value, json};
use traffic::ports::{CheckpointStore as _, RunStore as _};
use traffic::run::RunId;

use crate::cicada::{Answer, Cicada, FORM};
use crate::records::Request;

const SWARM: &str = "user_count=6&spawn_rate=600";

async fn of(cicada: &Cicada, path: &str) -> Value {
    let answer = cicada.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

async fn label(cicada: &Cicada, id: &str, form: &str) -> Answer {
    let path = format!("/runs/{id}");
    cicada
        .call("POST", &path, Some(FORM), form.to_owned())
        .await
}

async fn delete(cicada: &Cicada, id: &str) -> Answer {
    cicada
        .call("DELETE", &format!("/runs/{id}"), None, String::new())
        .await
}

/// A run with these requests, which is over and settled.
async fn played(cicada: &Cicada, requests: &[Request]) -> String {
    cicada.started(SWARM).await;
    cicada.settle().await;
    cicada.completed(requests).await;
    cicada.pass(60.0).await;
    cicada.get("/stop").await;
    cicada.pass(600.0).await;
    cicada.run().await.id.0
}

fn took(name: &str, times: std::ops::Range<u32>) -> Vec<Request> {
    let times = times.map(|time| Request::took(name, f64::from(time)));
    times.collect()
}

#[tokio::test(start_paused = true)]
async fn a_run_has_a_name_and_a_note_and_either_is_taken_back_by_an_empty_one() {
    let cicada = Cicada::new();
    let first = played(&cicada, &[]).await;
    let second = played(&cicada, &[]).await;
    for (id, name) in [(&first, "before"), (&second, "with cache")] {
        let form = format!("name={name}&note=two%0Alines");
        assert_eq!(label(&cicada, id, &form).await.status, 200);
    }
    let listed = of(&cicada, "/runs").await;
    let names: Vec<_> = (0..2).map(|at| &listed["runs"][at]["name"]).collect();
    assert_eq!(names, ["with cache", "before"]);
    assert_eq!(listed["runs"][0]["note"], "two\nlines");
    let report = cicada.get(&format!("/runs/{first}/stats/report")).await;
    assert!(report.body.contains("<h1>before</h1>") && report.body.contains("two\nlines"));

    assert_eq!(label(&cicada, &first, "name=").await.status, 200);
    let row = of(&cicada, &format!("/runs/{first}")).await;
    assert_eq!(
        (&row["name"], &row["note"]),
        (&Value::Null, &json!("two\nlines"))
    );
    let long = format!("name={}", "x".repeat(81));
    for (id, form, status) in [
        (first.as_str(), long.as_str(), 400),
        (first.as_str(), "name=a%0Ab", 400),
        (first.as_str(), "colour=green", 400),
        ("0660f42633c5c8-0000002a", "name=x", 404),
        ("latest", "name=x", 404),
    ] {
        assert_eq!(
            label(&cicada, id, form).await.status.as_u16(),
            status,
            "{form}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_counted_before_a_reset_stays_as_a_part_of_the_run() {
    let cicada = Cicada::new();
    cicada.started(SWARM).await;
    cicada.settle().await;
    cicada.completed(&took("/early", 100..140)).await;
    cicada.pass(30.0).await;
    cicada.get("/stats/reset").await;
    // what was completed before the reset is written after it
    let late = Request {
        at: cicada.clock.now().micros() - 1_000,
        ..Request::took("/late", 500.0)
    };
    cicada.completed(&[late]).await;
    cicada.pass(2.0).await;
    let id = cicada.run().await.id.0;
    let part = format!("/runs/{id}.1");
    for wait in [0.0, 300.0] {
        cicada.pass(wait).await;
        cicada.aggregation.fold_sealed().await.unwrap();
        let stats = of(&cicada, &format!("{part}/stats/requests")).await;
        let counts = ["/early", "/late", "Aggregated"].map(|name| {
            let rows = stats["stats"].as_array().unwrap().iter();
            let mut rows = rows.filter(|row| row["name"] == name);
            rows.next().unwrap()["num_requests"].clone()
        });
        assert_eq!(counts, [40, 1, 41], "after {wait} s");
        assert_eq!(stats["state"], "stopped");
        let now = of(&cicada, "/stats/requests").await;
        let now = now["stats"].as_array().unwrap().last().unwrap();
        assert_eq!(now["num_requests"], 0);
    }
    let row = of(&cicada, &part).await;
    assert_eq!(
        (&row["part"], &row["num_requests"]),
        (&json!(1), &json!(41))
    );
    let whole = of(&cicada, &format!("/runs/{id}")).await;
    assert_eq!(whole["parts"][0]["id"], format!("{id}.1"));
    assert_eq!(whole["parts"][0]["until"], whole["reset"]);
    let parts = of(&cicada, "/parts").await;
    assert_eq!(parts["parts"][0]["num_requests"], 41);
    let report = cicada.get("/stats/report").await.body;
    assert!(report.contains("Before the resets") && report.contains("<td>41</td>"));
    assert!(
        !of(&cicada, &format!("{part}/stats/history")).await["history"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    for path in ["2", "0", "x", "1.1", "-1", ""] {
        let answer = cicada
            .get(&format!("/runs/{id}.{path}/stats/requests"))
            .await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_reset_again_and_again_keeps_its_newest_twenty_parts() {
    let cicada = Cicada::new();
    cicada.started(SWARM).await;
    cicada.settle().await;
    for number in 0..25 {
        cicada.completed(&took("/a", 0..number + 1)).await;
        cicada.pass(90.0).await;
        cicada.aggregation.fold_sealed().await.unwrap();
        cicada.get("/stats/reset").await;
    }
    cicada.pass(200.0).await;
    cicada.aggregation.fold_sealed().await.unwrap();
    let id = cicada.run().await.id;
    let parts = of(&cicada, "/parts").await;
    let parts = parts["parts"].as_array().unwrap();
    let counts = parts
        .iter()
        .map(|part| (part["number"].clone(), part["num_requests"].clone()));
    let expected = (6..=25).map(|number| (json!(number), json!(number)));
    assert!(counts.eq(expected), "{parts:?}");
    for part in [6, 25] {
        let stats = of(&cicada, &format!("/runs/{id}.{part}/stats/requests")).await;
        assert_eq!(stats["stats"][0]["num_requests"], part);
    }
    let gone = cicada.get(&format!("/runs/{id}.5/stats/requests")).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test(start_paused = true)]
async fn two_runs_are_compared_row_by_row_and_small_differences_are_chance() {
    let cicada = Cicada::new();
    let rows = |slower: u32, gone: &str| {
        let mut rows = took("/same", 100..400);
        rows.extend(took("/slower", 100 + slower..400 + slower));
        rows.extend(took(gone, 0..3));
        rows
    };
    let baseline = played(&cicada, &rows(0, "/gone")).await;
    let run = played(&cicada, &rows(900, "/new")).await;
    let path = format!("/runs/{run}/compare?baseline={baseline}");
    let compared = of(&cicada, &path).await;
    assert_eq!(
        compared,
        of(&cicada, &format!("/compare?baseline={baseline}")).await
    );
    let rows = compared["rows"].as_array().unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["/gone", "/new", "/same", "/slower", "Aggregated"]);
    let [gone, new, same, slower, all] = [0, 1, 2, 3, 4].map(|at| &rows[at]);
    assert_eq!(same["verdict"], "no difference shown");
    assert_eq!(slower["verdict"], "is slower");
    let later = slower["median_response_time"]["difference"].as_f64();
    assert!((850.0..=950.0).contains(&later.unwrap()), "{later:?}");
    assert!(slower["sure"].as_f64().unwrap() > 0.9);
    assert_eq!(
        (&gone["num_requests"], &new["num_requests"]),
        (&json!(-3), &json!(3))
    );
    assert_eq!(gone["run"]["avg_response_time"], Value::Null);
    assert_eq!(new["verdict"], "too few requests");
    assert_eq!(all["run"]["num_requests"], 603);
    assert!(
        compared["summary"]
            .as_str()
            .unwrap()
            .contains("1 of 4 rows")
    );
    for (path, status) in [
        ("/compare".to_owned(), 400),
        ("/compare?baseline=latest".to_owned(), 404),
        (format!("/compare?baseline={baseline}.1"), 404),
        (format!("/runs/none/compare?baseline={run}"), 404),
    ] {
        assert_eq!(cicada.get(&path).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_run_is_gone_with_all_that_belongs_to_it_and_one_that_is_on_is_not_deleted() {
    let cicada = Cicada::new();
    let first = played(&cicada, &took("/first", 0..9)).await;
    cicada.started(SWARM).await;
    cicada.settle().await;
    cicada.completed(&took("/second", 0..9)).await;
    let second = cicada.run().await.id;
    let answer = delete(&cicada, &second.0).await;
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert!(answer.body.contains("stop it first"));
    cicada.pass(60.0).await;
    cicada.get("/stats/reset").await;
    cicada.pass(200.0).await;
    cicada.get("/stop").await;
    cicada.pass(600.0).await;
    cicada.aggregation.fold_sealed().await.unwrap();
    let part = RunId(format!("{second}.1"));
    assert!(cicada.store.checkpoint(&part).await.unwrap().is_some());

    assert_eq!(delete(&cicada, &second.0).await.status, 200);
    assert_eq!(cicada.store.run(&second).await.unwrap(), None);
    for name in [&second, &part] {
        assert_eq!(cicada.store.checkpoint(name).await.unwrap(), None);
    }
    let left = cicada.store.all_records();
    assert!(left.iter().all(|record| record.key.run != second));
    let path = format!("/runs/{second}/stats/requests");
    assert_eq!(cicada.get(&path).await.status, 404);
    assert_eq!(delete(&cicada, &second.0).await.status, 404);
    let newest = of(&cicada, "/stats/requests").await;
    assert_eq!(newest["stats"][0]["name"], "/first");
    assert_eq!(of(&cicada, "/runs").await["runs"][0]["id"], first);
    // and the next run begins as ever
    played(&cicada, &took("/third", 0..9)).await;
    assert_eq!(
        of(&cicada, "/runs").await["runs"].as_array().unwrap().len(),
        2
    );
}
