//! What expires and what does not; and that what has expired is gone for readers before DynamoDB
//! deletes it.

use traffic::clock::{Clock, Slot};
use traffic::ports::{
    Checkpoint, CheckpointStore as _, Marker, MarkerStore as _, ProgressStore as _,
    RecordStore as _, RunStore as _,
};
use traffic::record::Block;
use traffic::run::RunId;

use super::{Attributes, NOW, RETENTION, Scene, record, run, run_id, tick};
use crate::emulator::dynamodb_local;

/// The time-to-live of the items whose partition key begins so.
async fn expiry(scene: &Scene, pk: &str) -> Vec<Option<u64>> {
    let items = scene.items().await;
    let items = items
        .iter()
        .filter(|item| item["pk"].as_s().unwrap().starts_with(pk));
    items.map(seconds).collect()
}

fn seconds(item: &Attributes) -> Option<u64> {
    let value = item.get("expires_at")?;
    Some(value.as_n().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_run_without_an_end_stays_and_one_that_ends_does_not() {
    let scene = Scene::on(dynamodb_local()).await;
    let store = scene.store();
    let mut run = run();
    store.put_run(&run).await.unwrap();
    assert_eq!(expiry(&scene, "runs").await, [None]);
    let end = NOW.plus(3_600);
    run.revision = 2;
    run.stopped_at = Some(end.full_second());
    store.put_run(&run).await.unwrap();
    assert_eq!(
        expiry(&scene, "runs").await,
        [Some(end.0 + RETENTION.as_secs())]
    );
    run.revision = 3;
    run.stopped_at = None;
    store.put_run(&run).await.unwrap();
    assert_eq!(expiry(&scene, "runs").await, [None]);
}

#[tokio::test]
async fn everything_that_only_a_run_needs_expires() {
    let scene = Scene::on(dynamodb_local()).await;
    write_all(&scene).await;
    let (bucket, retention) = (record(0).key.bucket, RETENTION.as_secs());
    let day = 86_400;
    let records = expiry(&scene, "records").await;
    assert_eq!(records, [Some(bucket.end().full_second().0 + retention)]);
    let claims = expiry(&scene, "claims").await;
    assert!(
        claims
            .iter()
            .all(|at| at.is_some_and(|at| at >= NOW.0 + 120 && at < NOW.0 + day))
    );
    let markers = expiry(&scene, "markers").await;
    assert!(
        markers
            .iter()
            .all(|at| at.is_some_and(|at| at >= NOW.0 + 100 && at < NOW.0 + day))
    );
    let of_the_run = expiry(&scene, "run#").await;
    assert_eq!(of_the_run.len(), 2, "a checkpoint, and how far is planned");
    assert!(
        of_the_run
            .iter()
            .all(|at| at.is_some_and(|at| at >= NOW.0 + retention))
    );
    let lasting = [
        expiry(&scene, "workloads").await,
        expiry(&scene, "settings").await,
    ];
    assert_eq!(lasting, [[None], [None]]);
}

#[tokio::test]
async fn what_has_expired_is_gone_for_readers() {
    let scene = Scene::on(dynamodb_local()).await;
    write_all(&scene).await;
    let much_later = NOW.plus(RETENTION.as_secs() + 7_200);
    let store = scene.store_at(Clock::following_tokio(much_later.full_second()));
    assert_eq!(store.run(&run_id()).await.unwrap(), None);
    assert_eq!(store.latest_run().await.unwrap(), None);
    assert_eq!(store.run_ids(None, 10).await.unwrap(), []);
    assert_eq!(store.checkpoint(&run_id()).await.unwrap(), None);
    let markers = store.markers(&run_id(), "ModelAUser", Block(0)).await;
    assert_eq!(markers.unwrap(), []);
    let page = store
        .records(&run_id(), 1, record(0).key.bucket, None)
        .await;
    assert_eq!(page.unwrap().records, []);
    // what other runs may be pinned to stays
    assert!(store.workload("v1").await.unwrap().is_some());
    assert_eq!(
        store.chosen_workload().await.unwrap().as_deref(),
        Some("v1")
    );
}

#[tokio::test]
async fn a_run_that_goes_on_is_found_behind_newer_ones_that_have_expired() {
    let scene = Scene::on(dynamodb_local()).await;
    let store = scene.store();
    let endless = run();
    store.put_run(&endless).await.unwrap();
    for number in 1..=5 {
        let mut ended = run();
        ended.id = RunId::new(NOW.plus(number).full_second(), 0);
        ended.stopped_at = Some(NOW.plus(number + 10).full_second());
        store.put_run(&ended).await.unwrap();
    }
    let later = Slot(NOW.0 + RETENTION.as_secs() + 60);
    let store = scene.store_at(Clock::following_tokio(later.full_second()));
    assert_eq!(store.latest_run().await.unwrap(), Some(endless.clone()));
    assert_eq!(store.run_ids(None, 3).await.unwrap(), [endless.id]);
}

/// One of everything; the run ends an hour from now.
async fn write_all(scene: &Scene) {
    let store = scene.store();
    let mut run = run();
    run.stopped_at = Some(NOW.plus(3_600).full_second());
    store.put_run(&run).await.unwrap();
    store.put_record(record(0)).await.unwrap();
    store.put_workload("v1", "source").await.unwrap();
    store.choose_workload("v1").await.unwrap();
    store.claim(&tick(0), 1).await.unwrap();
    let planned = store.advance_planned(&run_id(), None, NOW.plus(60)).await;
    assert!(planned.unwrap());
    let checkpoint = Checkpoint {
        revision: 1,
        body: "folded".into(),
    };
    store.put_checkpoint(&run_id(), &checkpoint).await.unwrap();
    let marker = Marker {
        run: run_id(),
        class: "ModelAUser".into(),
        block: Block(0),
        user: 3,
        writer: 1,
        until: NOW.plus(100).full_second(),
    };
    store.put_marker(&marker).await.unwrap();
}
