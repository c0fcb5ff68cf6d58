//! The store: its contract on both emulators, and what is DynamoDB's own.

use std::collections::HashMap;
use std::time::Duration;

use aws::DynamoStore;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use bytes::Bytes;
use testing::contract;
use traffic::clock::{Clock, Slot};
use traffic::ports::WakeUp;
use traffic::record::{Block, Bucket, Record, RecordKey};
use traffic::run::{Run, RunId, Segment, Share};

use crate::emulator::{Emulator, dynamodb_local, ministack, unique};

mod costs;
mod creation;
mod expiry;
mod failures;
mod large;
mod late;
mod lost_answers;

/// What these tests take for now: within the bucket that the contract writes to.
const NOW: Slot = Slot(1_800_000_005);

const RETENTION: Duration = Duration::from_secs(30 * 86_400);

/// A table of its own, and who calls it.
pub(crate) struct Scene {
    pub(crate) config: SdkConfig,
    pub(crate) table: String,
}

impl Scene {
    /// An empty table in an emulator.
    pub(crate) async fn on(emulator: &Emulator) -> Self {
        let config = emulator.sdk().await;
        let table = unique("table");
        create_table(&Client::new(&config), &table).await;
        Self { config, table }
    }

    /// A store on it, at [`NOW`].
    pub(crate) fn store(&self) -> DynamoStore {
        self.store_at(Clock::following_tokio(NOW.full_second()))
    }

    /// A store on it with a clock of its own.
    pub(crate) fn store_at(&self, clock: Clock) -> DynamoStore {
        DynamoStore::new(&self.config, self.table.clone(), RETENTION, clock)
    }

    /// All items as DynamoDB has them.
    pub(crate) async fn items(&self) -> Vec<Attributes> {
        let client = Client::new(&self.config);
        let scan = client.scan().table_name(&self.table).consistent_read(true);
        scan.into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .unwrap()
    }
}

type Attributes = HashMap<String, AttributeValue>;

/// A table as the templates make it, but for the time-to-live: these tests have a time of their own.
pub(crate) async fn create_table(client: &Client, name: &str) {
    let mut table = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest);
    for (attribute, key) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let definition = AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder()
            .attribute_name(attribute)
            .key_type(key);
        table = table
            .attribute_definitions(definition.build().unwrap())
            .key_schema(key.build().unwrap());
    }
    table.send().await.unwrap();
}

/// The run that most tests write about.
fn run() -> Run {
    Run::new(
        run_id(),
        7,
        "v1",
        NOW.minus(60).full_second(),
        vec![Segment::new(
            NOW.minus(58).full_second(),
            1_000,
            10.0,
            vec![Share::new("ModelAUser", 1, 0)],
        )],
    )
}

fn run_id() -> RunId {
    RunId::new(NOW.minus(60).full_second(), 1)
}

fn tick(block: u32) -> WakeUp {
    WakeUp {
        run: run_id(),
        class: "ModelAUser".into(),
        block: Block(block),
        slot: NOW,
    }
}

/// A small record; each number is another one of the same bucket.
fn record(number: u32) -> Record {
    Record {
        key: RecordKey {
            run: run_id(),
            bucket: Bucket::of(NOW.full_second()),
            class: "ModelAUser".into(),
            block: Block(0),
            slot: NOW,
            writer: u64::MAX,
            sequence: number,
        },
        requests: 2,
        failures: 1,
        payload: Bytes::from_static(b"payload"),
    }
}

async fn open_on(emulator: &Emulator) -> DynamoStore {
    Scene::on(emulator).await.store()
}

#[tokio::test]
async fn the_contract_holds_on_ministack() {
    contract::store::all(|| open_on(ministack())).await;
}

#[tokio::test]
async fn the_contract_holds_on_amazons_dynamodb_local() {
    contract::store::all(|| open_on(dynamodb_local())).await;
}
