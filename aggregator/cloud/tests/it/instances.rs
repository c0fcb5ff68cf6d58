//! Lambda runs as many environments as requests come in at once: they agree by the store alone.

use std::time::Duration;

use serde_json::json;
use traffic::ports::RunStore as _;

use crate::scene::{Event, FORM, Stage};

/// A copy of the run is at most this old.
const SECOND: Duration = Duration::from_secs(1);

fn swarm(form: &str) -> Event {
    Event::new("POST", "/swarm").with_body(FORM, form)
}

#[tokio::test(start_paused = true)]
async fn what_one_instance_starts_another_one_changes_and_a_third_one_stops() {
    let stage = Stage::new();
    let [one, two, three] = [stage.instance(), stage.instance(), stage.instance()];
    for instance in [&one, &two, &three] {
        assert_eq!(
            instance.get("/stats/requests").await.json()["state"],
            "ready"
        );
    }
    one.call(&swarm("user_count=12&spawn_rate=100"))
        .await
        .unwrap();
    tokio::time::sleep(5 * SECOND).await;
    two.call(&swarm("user_count=30&spawn_rate=100"))
        .await
        .unwrap();
    let run = stage.store.latest_run().await.unwrap().unwrap();
    assert_eq!(
        (run.revision, run.segments.len()),
        (2, 2),
        "the run goes on"
    );
    tokio::time::sleep(5 * SECOND).await;
    for instance in [&one, &two, &three] {
        let statistics = instance.get("/stats/requests").await.json();
        assert_eq!(statistics["user_count"], 30);
        assert_eq!(statistics["state"], "running");
    }
    three.call(&Event::new("POST", "/stop")).await.unwrap();
    tokio::time::sleep(5 * SECOND).await;
    two.stopped().await;
    for instance in [&one, &two, &three] {
        assert_eq!(
            instance.get("/stats/requests").await.json()["state"],
            "stopped"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn two_instances_that_start_at_the_same_moment_leave_one_run() {
    let stage = Stage::new();
    let [one, two] = [stage.instance(), stage.instance()];
    let event = swarm("user_count=12&spawn_rate=100");
    let (first, second) = tokio::join!(one.call(&event), two.call(&event));
    assert_eq!(first.unwrap().json()["success"], true);
    assert_eq!(second.unwrap().json()["success"], true);
    let mut on = 0;
    for id in stage.store.run_ids(None, 10).await.unwrap() {
        let run = stage.store.run(&id).await.unwrap().unwrap();
        on += u32::from(run.stopped_at.is_none());
    }
    assert_eq!(on, 1);
}

#[tokio::test(start_paused = true)]
async fn a_workload_that_one_instance_chooses_is_what_the_others_start() {
    let stage = Stage::new();
    let [one, two] = [stage.instance(), stage.instance()];
    assert!(two.get("/workload").await.body.contains("TargetAppUser"));
    let text = one.get("/workload").await.body;
    let changed = format!("# another version\n{text}");
    let put = Event::new("PUT", "/workload").with_body("application/toml", &changed);
    let put = one.call(&put).await.unwrap().json();
    assert_eq!(put["success"], true, "{put}");
    tokio::time::sleep(SECOND).await;
    assert_eq!(two.get("/workload").await.body, changed);
    two.call(&swarm("user_count=12&spawn_rate=100"))
        .await
        .unwrap();
    let run = stage.store.latest_run().await.unwrap().unwrap();
    assert_eq!(json!(run.workload), put["version"]);
    // and one that starts now knows it at once
    assert_eq!(stage.instance().get("/workload").await.body, changed);
}

#[tokio::test(start_paused = true)]
async fn a_reset_by_one_instance_holds_for_all() {
    let stage = Stage::new();
    let [one, two] = [stage.instance(), stage.instance()];
    one.call(&swarm("user_count=12&spawn_rate=100"))
        .await
        .unwrap();
    tokio::time::sleep(5 * SECOND).await;
    let before = two.get("/ledger").await;
    assert!(before.status.is_success());
    one.call(&Event::new("GET", "/stats/reset")).await.unwrap();
    tokio::time::sleep(SECOND).await;
    let run = stage.store.latest_run().await.unwrap().unwrap();
    assert!(run.reset_at.is_some());
    let [first, second] = [
        one.get("/stats/requests").await,
        two.get("/stats/requests").await,
    ];
    assert_eq!(first, second);
}
