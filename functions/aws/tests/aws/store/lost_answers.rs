//! A write whose answer is lost is sent again by the SDK, and is still one write of one writer.

use aws::DynamoStore;
use traffic::clock::Slot;
use traffic::ports::{
    Checkpoint, CheckpointStore as _, MarkerStore as _, ProgressStore as _, RecordStore as _,
    RunStore as _, StoreError,
};

use super::{Scene, record, run, run_id, tick};
use crate::emulator::dynamodb_local;
use crate::faults::{Calls, Fate, between};

/// A store whose first answer is lost, and again the first after each look at the calls.
async fn store_that_loses_its_first_answer() -> (Scene, DynamoStore, Calls) {
    let mut scene = Scene::on(dynamodb_local()).await;
    let (config, calls) = between(&scene.config, |_, before| {
        if before == 0 {
            Fate::AnswerLost
        } else {
            Fate::Answered
        }
    });
    let whole = std::mem::replace(&mut scene.config, config);
    let store = scene.store();
    scene.config = whole;
    (scene, store, calls)
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_still_the_writers() {
    let (_, store, calls) = store_that_loses_its_first_answer().await;
    assert!(store.claim(&tick(0), 7).await.unwrap());
    assert_eq!(calls.take(), ["PutItem", "PutItem"]);
    assert!(!store.claim(&tick(0), 8).await.unwrap());
}

#[tokio::test]
async fn a_minute_that_was_taken_is_planned_though_the_answer_was_lost() {
    let (_, store, calls) = store_that_loses_its_first_answer().await;
    let (first, second) = (Slot(60), Slot(120));
    assert!(store.advance_planned(&run_id(), None, first).await.unwrap());
    assert_eq!(calls.take(), ["PutItem", "PutItem"]);
    assert!(
        !store
            .advance_planned(&run_id(), None, second)
            .await
            .unwrap()
    );
    assert!(
        store
            .advance_planned(&run_id(), Some(first), second)
            .await
            .unwrap()
    );
    assert_eq!(store.planned_until(&run_id()).await.unwrap(), Some(second));
}

#[tokio::test]
async fn a_run_that_was_written_is_no_conflict_though_the_answer_was_lost() {
    let (_, store, calls) = store_that_loses_its_first_answer().await;
    let mut run = run();
    store.put_run(&run).await.unwrap();
    assert_eq!(calls.take().len(), 2);
    run.revision = 2;
    store.put_run(&run).await.unwrap();
    assert_eq!(calls.take().len(), 2);
    let again = store.put_run(&run).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    assert_eq!(store.run(&run.id).await.unwrap(), Some(run));
}

#[tokio::test]
async fn a_checkpoint_that_was_written_is_no_conflict_though_the_answer_was_lost() {
    let (_, store, calls) = store_that_loses_its_first_answer().await;
    let mut checkpoint = Checkpoint {
        revision: 1,
        body: "one".into(),
    };
    store.put_checkpoint(&run_id(), &checkpoint).await.unwrap();
    assert_eq!(calls.take().len(), 2);
    checkpoint.revision = 2;
    store.put_checkpoint(&run_id(), &checkpoint).await.unwrap();
    let again = store.put_checkpoint(&run_id(), &checkpoint).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    assert_eq!(store.checkpoint(&run_id()).await.unwrap(), Some(checkpoint));
}

#[tokio::test]
async fn a_record_whose_answer_was_lost_is_one_record() {
    let (scene, store, calls) = store_that_loses_its_first_answer().await;
    store.put_record(record(1)).await.unwrap();
    assert_eq!(calls.take(), ["PutItem", "PutItem"]);
    assert_eq!(scene.items().await.len(), 1);
    let found = store
        .records(&run_id(), 1, record(1).key.bucket, None)
        .await;
    assert_eq!(found.unwrap().records, [record(1)]);
}
