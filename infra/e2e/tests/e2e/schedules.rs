//! Schedules that fire by themselves: a run is started by one and stopped by another.

use std::time::Duration;

use serde_json::Value;
use testing::assert_adds_up;
use traffic::clock::Clock;

use crate::scene::Scene;

/// A minute until it is due, and the emulator looks at its schedules every ten seconds.
const FIRES_WITHIN: Duration = Duration::from_secs(150);

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_starts_a_run_and_stops_it() {
    let scene = Scene::deploy("timed").await;
    // far enough away that it is not missed while it is made; the emulator knows no zone but UTC
    let minute = Clock::system().now().full_second().0 / 60 + 2;
    let cron = |minute: u64| format!("{} {} * * *", minute % 60, minute / 60 % 24);
    let (start, stop) = (cron(minute), cron(minute + 1));
    let schedule = format!(
        "name=demo&start={start}&stop={stop}&time_zone=UTC&user_count=10&spawn_rate=10&\
         user_classes=TargetAppUser"
    );
    let answer = scene.stage.post("/schedules", &schedule).await;
    assert_eq!(answer["success"], true, "{answer:#}");
    let listed = scene.stage.get("/schedules").await;
    println!("{listed:#}");

    let state = |wanted: &'static str| move |answer: &Value| answer["state"] == wanted;
    let running = scene
        .stage
        .until("/stats/requests", FIRES_WITHIN, state("running"))
        .await;
    assert_eq!(running["user_count"], 10, "{running:#}");
    scene
        .stage
        .until("/stats/requests", FIRES_WITHIN, state("stopped"))
        .await;
    let ledger = scene
        .stage
        .until("/ledger", Duration::from_secs(150), |ledger| {
            ledger["pending"] == 0
        })
        .await;
    assert_adds_up(&ledger);
    assert_eq!(ledger["missing"], 0, "{ledger:#}");
    assert_eq!(scene.stage.counts().await["Aggregated"].0, scene.arrivals());
    assert!(scene.arrivals() > 100, "only {}", scene.arrivals());
    scene.stage.until_heartbeat_is_off().await;
    scene.stage.destroy().await;
}
