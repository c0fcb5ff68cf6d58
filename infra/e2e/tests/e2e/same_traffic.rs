//! The same seed gives the same requests on a laptop and in the cloud; and a run time ends a run.

use std::time::Duration;

use testing::Recorder;
use traffic::ports::RunStore as _;

use crate::emulator::root;
use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_time_ends_a_run_whose_seed_gives_the_same_requests_locally() {
    let scene = Scene::deploy("seed").await;
    let in_the_cloud = Recorder::start().await;
    let swarm = format!(
        "user_count=30&spawn_rate=10&run_time=75&host={}",
        in_the_cloud.url()
    );
    let answer = scene.stage.post("/swarm", &swarm).await;
    assert_eq!(answer["run_time"], 75, "{answer:#}");
    let stopped = |answer: &serde_json::Value| answer["state"] == "stopped";
    let limit = Duration::from_secs(120);
    scene.stage.until("/stats/requests", limit, stopped).await;
    scene.stage.until_heartbeat_is_off().await;

    let (store, _) = scene.ports().await;
    let run = store.latest_run().await.unwrap().unwrap();
    let on_a_laptop = Recorder::start().await;
    let output = scene
        .stage
        .command(root().join("target/debug/cicada").to_str().unwrap())
        .args(["--headless", "-u", "30", "-r", "10", "-t", "75"])
        .args(["--host", on_a_laptop.url()])
        .args(["--seed", &run.seed.to_string()])
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let (cloud, laptop) = (in_the_cloud.seen(), on_a_laptop.seen());
    assert!(laptop.len() > 200, "only {} requests", laptop.len());
    assert_eq!(cloud.len(), laptop.len());
    assert!(cloud == laptop, "the requests differ");
    println!("{} requests are the same", cloud.len());
    scene.stage.destroy().await;
}
