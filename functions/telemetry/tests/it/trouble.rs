//! Collectors that do not take what they get: nobody waits for them longer than agreed.

use std::time::Duration;

use telemetry::receiver::{Behaviour, Receiver};
use tokio::time::Instant;
use traffic::telemetry::Exporter as _;

use crate::scene::{GET, LONG, Scene, telemetry};

const SHORT: Duration = Duration::from_millis(300);

/// What a flush may take longer than it was given, on a machine that is busy.
const SLACK: Duration = Duration::from_secs(60);

async fn scene(behaviour: Behaviour) -> Scene {
    Scene::at(Receiver::start(behaviour).await.unwrap(), &[])
}

#[tokio::test]
async fn a_collector_that_hangs_is_waited_for_no_longer_than_agreed_and_then_not_at_all() {
    let scene = scene(Behaviour::Hangs).await;
    scene.iteration(&[GET]);
    let begun = Instant::now();
    scene.telemetry.flush(SHORT).await;
    let took = begun.elapsed();
    assert!(took >= SHORT && took < SHORT + SLACK, "{took:?}");
    scene.iteration(&[GET]);
    let begun = Instant::now();
    scene.telemetry.flush(LONG).await;
    let took = begun.elapsed();
    assert!(took < SLACK, "{took:?}");
    let begun = Instant::now();
    scene.telemetry.shut_down(SHORT).await;
    let took = begun.elapsed();
    assert!(took < SHORT + SLACK, "{took:?}");
}

#[tokio::test]
async fn a_collector_that_refuses_is_tried_once_and_asked_again_later() {
    let scene = scene(Behaviour::Refuses(401)).await;
    scene.iteration(&[GET]);
    let begun = Instant::now();
    scene.telemetry.flush(LONG).await;
    assert!(begun.elapsed() < SLACK, "{:?}", begun.elapsed());
    assert_eq!(scene.receiver.requests().len(), 2, "a batch of each signal");
    scene.iteration(&[GET]);
    scene.telemetry.flush(LONG).await;
    assert_eq!(scene.receiver.requests().len(), 2);
}

#[tokio::test]
async fn what_a_collector_takes_after_a_moment_of_trouble_is_not_lost() {
    let scene = scene(Behaviour::Refuses(503)).await;
    let (iteration, _) = scene.iteration(&[GET]);
    let recovers = async {
        scene
            .receiver
            .wait_for("first attempt", |it| it.requests().len() >= 2)
            .await;
        scene.receiver.behave(Behaviour::Takes);
    };
    tokio::join!(scene.telemetry.flush(LONG), recovers);
    scene.span(iteration);
}

#[tokio::test]
async fn nobody_listening_is_no_trouble_to_anybody() {
    let receiver = Receiver::start(Behaviour::Takes).await.unwrap();
    let endpoint = receiver.endpoint();
    drop(receiver);
    let telemetry = telemetry(&endpoint, &[]);
    let begun = Instant::now();
    telemetry.flush(SHORT).await;
    telemetry.shut_down(SHORT).await;
    assert!(begun.elapsed() < 2 * SHORT + SLACK);
}

#[tokio::test]
async fn what_is_left_at_the_end_is_exported() {
    let scene = scene(Behaviour::Takes).await;
    let told: Vec<_> = (0..100).map(|_| scene.iteration(&[GET])).collect();
    scene.telemetry.shut_down(LONG).await;
    assert_eq!(scene.receiver.spans().len(), 200);
    for (iteration, requests) in told {
        scene.span(iteration);
        scene.span(requests[0]);
    }
    assert_eq!(scene.metrics("cicada.iterations").len(), 1);
}

#[tokio::test]
async fn more_than_the_queue_holds_is_dropped_at_once_and_not_waited_for() {
    let scene = scene(Behaviour::Hangs).await;
    let begun = Instant::now();
    for _ in 0..10_000 {
        scene.iteration(&[GET]);
    }
    // a wait of some milliseconds each would take longer
    let took = begun.elapsed();
    assert!(took < LONG, "{took:?}");
}
