//! What is larger than DynamoDB's items: kept in parts that nobody sees torn, or refused with a reason.

use bytes::Bytes;
use traffic::ports::{Checkpoint, CheckpointStore as _, RunStore as _, StoreError};

use super::{NOW, Scene, run, run_id};
use crate::emulator::{dynamodb_local, ministack};

/// Bytes that nothing makes shorter.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn checkpoint(revision: u64, length: usize) -> Checkpoint {
    Checkpoint {
        revision,
        body: noise(revision, length).into(),
    }
}

#[tokio::test]
async fn a_checkpoint_larger_than_an_item_is_kept_in_parts_and_those_before_it_go() {
    for emulator in [ministack(), dynamodb_local()] {
        let scene = Scene::on(emulator).await;
        let store = scene.store();
        // in one item, in three parts, in four, in one item again
        for (revision, length, items) in [
            (1, 1_000, 1),
            (2, 1_000_000, 4),
            (3, 1_500_000, 5),
            (4, 9, 1),
        ] {
            let written = checkpoint(revision, length);
            store.put_checkpoint(&run_id(), &written).await.unwrap();
            assert_eq!(store.checkpoint(&run_id()).await.unwrap(), Some(written));
            assert_eq!(scene.items().await.len(), items, "revision {revision}");
        }
    }
}

#[tokio::test]
async fn a_workload_with_large_files_is_kept_in_parts() {
    for emulator in [ministack(), dynamodb_local()] {
        let scene = Scene::on(emulator).await;
        let store = scene.store();
        // six bits in each letter, so that packing leaves three quarters of it
        let letters = |byte: u8| char::from(b' ' + byte % 64);
        let source: String = noise(7, 6_000_000).into_iter().map(letters).collect();
        store.put_workload("v1", &source).await.unwrap();
        assert!(scene.items().await.len() > 10);
        // once more is the same
        store.put_workload("v1", &source).await.unwrap();
        assert_eq!(scene.store().workload("v1").await.unwrap(), Some(source));
        assert_eq!(store.workload("v2").await.unwrap(), None);
    }
}

#[tokio::test]
async fn who_is_too_late_with_a_large_checkpoint_leaves_nothing() {
    let scene = Scene::on(dynamodb_local()).await;
    let store = scene.store();
    let theirs = checkpoint(1, 500_000);
    store.put_checkpoint(&run_id(), &theirs).await.unwrap();
    let before = scene.items().await.len();
    let mine = store
        .put_checkpoint(&run_id(), &checkpoint(1, 600_000))
        .await;
    assert!(matches!(mine, Err(StoreError::Conflict)), "{mine:?}");
    assert_eq!(scene.items().await.len(), before);
    assert_eq!(store.checkpoint(&run_id()).await.unwrap(), Some(theirs));
}

#[tokio::test]
async fn a_large_checkpoint_is_never_read_torn() {
    let scene = Scene::on(dynamodb_local()).await;
    let (writer, reader) = (scene.store(), scene.store());
    writer
        .put_checkpoint(&run_id(), &checkpoint(1, 900_000))
        .await
        .unwrap();
    let write = async {
        for revision in 2..=12 {
            let next = checkpoint(revision, 900_000);
            writer.put_checkpoint(&run_id(), &next).await.unwrap();
        }
    };
    let read = async {
        let mut last = 0;
        while last < 12 {
            let read = reader.checkpoint(&run_id()).await.unwrap().unwrap();
            assert!(read.revision >= last);
            assert_eq!(read, checkpoint(read.revision, 900_000));
            last = read.revision;
        }
    };
    futures_util::future::join(write, read).await;
}

#[tokio::test]
async fn of_two_who_write_a_large_checkpoint_at_once_one_is_stored_whole() {
    let scene = Scene::on(dynamodb_local()).await;
    let bodies: Vec<Bytes> = (0..6).map(|seed| noise(seed, 800_000).into()).collect();
    let stores: Vec<_> = bodies.iter().map(|_| scene.store()).collect();
    let run = run_id();
    let writes = stores.iter().zip(&bodies).map(async |(store, body)| {
        let checkpoint = Checkpoint {
            revision: 1,
            body: body.clone(),
        };
        store.put_checkpoint(&run, &checkpoint).await
    });
    let written = futures_util::future::join_all(writes).await;
    let winners: Vec<usize> = (0..6).filter(|&number| written[number].is_ok()).collect();
    let [winner] = winners[..] else {
        panic!("{written:?}");
    };
    let stored = stores[0].checkpoint(&run).await.unwrap().unwrap();
    assert!(stored.body == bodies[winner]);
    assert_eq!(
        scene.items().await.len(),
        3,
        "the parts of the others are gone"
    );
}

#[tokio::test]
async fn a_workload_and_a_run_may_be_larger_than_an_item_if_they_pack() {
    let scene = Scene::on(dynamodb_local()).await;
    let store = scene.store();
    let source = "# a comment that says the same again and again\n".repeat(20_000);
    store.put_workload("v1", &source).await.unwrap();
    assert_eq!(store.workload("v1").await.unwrap(), Some(source));
    let mut run = run();
    let segment = run.segments[0].clone();
    run.segments.extend((1..5_000).map(|number| {
        let mut segment = segment.clone();
        segment.from = NOW.plus(number).full_second();
        segment.user_count = number as u32;
        segment
    }));
    store.put_run(&run).await.unwrap();
    assert_eq!(store.run(&run.id).await.unwrap(), Some(run));
}

#[tokio::test]
async fn a_run_that_does_not_fit_is_refused_with_its_size() {
    let scene = Scene::on(dynamodb_local()).await;
    let mut run = run();
    let segment = run.segments[0].clone();
    run.segments
        .extend(noise(1, 800_000).chunks(4).map(|bytes| {
            let mut segment = segment.clone();
            segment.user_count = u32::from_le_bytes(bytes.try_into().unwrap());
            segment
        }));
    let refused = scene.store().put_run(&run).await.unwrap_err();
    assert!(!refused.may_pass());
    let line = refused.to_string();
    assert!(line.contains("(table cicada-table-"), "{line}");
    assert!(
        line.contains("KB even when packed, and DynamoDB keeps 400 KB at most"),
        "{line}"
    );
    assert_eq!(scene.store().run(&run.id).await.unwrap(), None);
}
