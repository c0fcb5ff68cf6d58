//! What each call costs, in calls and in units: by DynamoDB's rules, and by what the emulator charges.

use std::sync::Arc;
use std::time::Duration;

use aws::DynamoStore;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use traffic::clock::Slot;
use traffic::ports::{
    Cursor, Marker, MarkerStore as _, ProgressStore as _, RecordStore as _, RunStore as _,
};
use traffic::record::wire::Contents;
use traffic::record::{
    Block, Bucket, Fate, IterationEntry, Outcome, Record, RecordKey, RequestName,
};

use super::{Attributes, NOW, Scene, record, run, run_id, tick};
use crate::emulator::{dynamodb_local, ministack};
use crate::faults::{Calls, Fate as CallFate, between};

/// What DynamoDB counts of an item, by the rules in its documentation.
fn size(item: &Attributes) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        other => panic!("no store writes {other:?}"),
    };
    item.iter()
        .map(|(name, attribute)| name.len() + value(attribute))
        .sum()
}

/// What both emulators charge for writing the item once more.
async fn units(item: &Attributes) -> Vec<f64> {
    let mut units = Vec::new();
    for emulator in [ministack(), dynamodb_local()] {
        let scene = Scene::on(emulator).await;
        let put = Client::new(&scene.config)
            .put_item()
            .table_name(&scene.table);
        let put = put.set_item(Some(item.clone()));
        let put = put.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let charged = put.send().await.unwrap().consumed_capacity.unwrap();
        units.push(charged.capacity_units.unwrap());
    }
    units
}

/// So many outcomes as a tick of the built-in mix has them: few names and lengths, and times that have
/// nothing to do with each other.
fn outcomes(count: u64) -> Record {
    let names = [
        "/",
        "/api/products/[id]",
        "/api/recommendations",
        "/api/cart",
        "/api/data/ads",
    ];
    let names = names.map(|name| {
        Arc::new(RequestName {
            method: "GET".into(),
            name: name.into(),
        })
    });
    let slot = Slot(NOW.0 + 1);
    let mut state = 7_u64;
    let mut below = |limit: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    let mut outcome = |number: u64| {
        let name = below(5) as usize;
        let latest = 10_000 * (1 + below(4));
        Outcome {
            request: Arc::clone(&names[name]),
            completed_at: slot.full_second() + Duration::from_micros(below(999_000)),
            response_time: Duration::from_micros(3_000 + below(latest)),
            content_length: 200 + 311 * name as u64,
            error: None,
            trace: None,
            lateness: Some(Duration::from_micros(100 + below(1_000))),
            cold: number == 0,
            stream: None,
            measured: Vec::new(),
        }
    };
    let iteration = |number: u64| IterationEntry {
        user: number as u8,
        ordinal: 0,
        fate: Fate::Done,
    };
    let mut contents = Contents {
        outcomes: (0..count).map(&mut outcome).collect(),
        iterations: (0..count.min(100)).map(iteration).collect(),
        ..Contents::default()
    };
    contents.record(RecordKey {
        class: "TargetAppUser".into(),
        block: Block(99),
        slot,
        ..record(0).key
    })
}

#[tokio::test]
async fn a_record_of_seventy_five_outcomes_is_one_write_unit() {
    for (count, expected) in [(1, 1), (75, 1), (8_000, 55)] {
        let scene = Scene::on(dynamodb_local()).await;
        let record = outcomes(count);
        scene.store().put_record(record.clone()).await.unwrap();
        let items = scene.items().await;
        let size = size(&items[0]);
        println!(
            "{count} outcomes: {} bytes, {size} stored",
            record.payload.len()
        );
        assert!(size <= expected * 1024, "{count} outcomes are {size} bytes");
        let charged = units(&items[0]).await;
        assert!(
            charged.iter().all(|units| *units <= expected as f64),
            "{charged:?}"
        );
        let read = scene
            .store()
            .records(&run_id(), 2, record.key.bucket, None)
            .await;
        assert_eq!(read.unwrap().records, [record]);
    }
}

#[tokio::test]
async fn people_see_what_a_record_is_about() {
    let scene = Scene::on(dynamodb_local()).await;
    scene.store().put_record(outcomes(3)).await.unwrap();
    let item = scene.items().await.remove(0);
    let number = |name: &str| item[name].as_n().unwrap().parse::<u64>().unwrap();
    assert_eq!(item["class"].as_s().unwrap(), "TargetAppUser");
    assert_eq!((number("block"), number("slot")), (99, NOW.0 + 1));
    assert_eq!(number("requests"), 3);
    assert!(!item.contains_key("failures"), "there are none");
}

/// A store on a network that counts.
async fn counted() -> (DynamoStore, Scene, Calls) {
    let mut scene = Scene::on(dynamodb_local()).await;
    let (config, calls) = between(&scene.config, |_, _| CallFate::Answered);
    scene.config = config;
    (scene.store(), scene, calls)
}

#[tokio::test]
async fn a_tick_is_two_write_units_and_one_call_each() {
    let (store, scene, calls) = counted().await;
    store.claim(&tick(1), u64::MAX).await.unwrap();
    store.put_record(outcomes(75)).await.unwrap();
    assert_eq!(calls.take(), ["PutItem", "PutItem"]);
    for item in scene.items().await {
        assert!(size(&item) <= 1024, "{item:?}");
        assert_eq!(units(&item).await, [1.0, 1.0]);
    }
}

#[tokio::test]
async fn every_call_of_the_store_is_one_call_of_dynamodb() {
    let (store, _, calls) = counted().await;
    let marker = Marker {
        run: run_id(),
        class: "ModelAUser".into(),
        block: Block(0),
        user: 1,
        writer: 1,
        until: NOW.plus(60).full_second(),
    };
    store.put_run(&run()).await.unwrap();
    store.put_marker(&marker).await.unwrap();
    store.clear_marker(&marker).await.unwrap();
    store.choose_workload("v1").await.unwrap();
    store.advance_planned(&run_id(), None, NOW).await.unwrap();
    assert_eq!(
        calls.take(),
        ["PutItem", "PutItem", "DeleteItem", "PutItem", "PutItem"]
    );
    store.connect().await.unwrap();
    store.run(&run_id()).await.unwrap();
    store.latest_run().await.unwrap();
    store
        .markers(&run_id(), "ModelAUser", Block(0))
        .await
        .unwrap();
    store.planned_until(&run_id()).await.unwrap();
    assert_eq!(
        calls.take(),
        ["GetItem", "GetItem", "Query", "Query", "GetItem"]
    );
    store.expire_records(Bucket(1)).await.unwrap();
    assert_eq!(calls.take(), [""; 0]);
    let since = Some(Cursor(NOW.full_second().micros()));
    store
        .records(&run_id(), 3, record(0).key.bucket, since)
        .await
        .unwrap();
    assert_eq!(calls.take(), ["Query"; 3], "one for each shard");
}
