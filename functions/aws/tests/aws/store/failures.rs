//! What people will meet: each failure is one line that says what to do, and says rightly whether
//! waiting helps.

use std::time::Duration;

use aws::DynamoStore;
use aws::config::CALL_TIMEOUT;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use serde_json::json;
use tokio::time::Instant;
use traffic::clock::Clock;
use traffic::ports::{RecordStore as _, RunStore as _, StoreError};

use super::{RETENTION, Scene, record, run_id};
use crate::answers;
use crate::emulator::{self, dynamodb_local, free_address, ministack};
use crate::faults::{Fate, between};

fn store(config: &SdkConfig, table: &str) -> DynamoStore {
    DynamoStore::new(config, table, RETENTION, Clock::system())
}

/// The line of an error that waiting does not help against.
fn refusal(error: &StoreError) -> String {
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    assert!(!error.may_pass());
    let line = error.to_string();
    assert!(!line.contains('\n'), "{line}");
    line
}

#[tokio::test]
async fn a_table_that_is_missing_is_named_with_its_region() {
    for emulator in [ministack(), dynamodb_local()] {
        let store = store(&emulator.sdk().await, "cicada-nowhere");
        let errors = [
            store.connect().await.unwrap_err(),
            store.latest_run().await.unwrap_err(),
            store.put_record(record(1)).await.unwrap_err(),
        ];
        for error in errors {
            let line = refusal(&error);
            let place = "(table cicada-nowhere in eu-central-1): it does not exist in this region";
            assert!(line.contains(place), "{line}");
            assert!(
                line.contains("set CICADA_TABLE to its table and AWS_REGION"),
                "{line}"
            );
        }
    }
}

#[tokio::test]
async fn a_table_is_not_found_in_the_wrong_region() {
    let scene = Scene::on(ministack()).await;
    let elsewhere = scene
        .config
        .to_builder()
        .region(Region::from_static("us-west-2"));
    let error = store(&elsewhere.build(), &scene.table).connect().await;
    let line = refusal(&error.unwrap_err());
    assert!(
        line.contains("in us-west-2): it does not exist in this region"),
        "{line}"
    );
}

#[tokio::test]
async fn a_missing_region_is_said() {
    let config = emulator::sdk("http://127.0.0.1:1").await;
    let mut nowhere = config.into_builder();
    nowhere.set_region(None);
    nowhere.set_endpoint_url(None);
    let error = store(&nowhere.build(), "cicada").connect().await;
    let line = refusal(&error.unwrap_err());
    assert!(line.contains("(table cicada, no region)"), "{line}");
    assert!(line.contains("AWS_REGION"), "{line}");
}

/// Gives no credentials, in its way.
#[derive(Debug)]
struct Nobody(fn() -> CredentialsError);

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(self.0()))
    }
}

#[tokio::test]
async fn missing_credentials_are_said_and_a_provider_that_is_away_may_come_back() {
    let config = emulator::sdk("http://127.0.0.1:1").await;
    let without = |error: fn() -> CredentialsError| {
        let nobody = SharedCredentialsProvider::new(Nobody(error));
        let config = config.to_builder().credentials_provider(nobody).build();
        async move { store(&config, "cicada").connect().await.unwrap_err() }
    };
    let error = without(|| CredentialsError::not_loaded("there is nobody")).await;
    let line = refusal(&error);
    assert!(line.contains("there are no AWS credentials"), "{line}");
    let error = without(|| CredentialsError::provider_timed_out(Duration::from_secs(1))).await;
    assert!(error.may_pass(), "{error:?}");
}

#[tokio::test]
async fn what_is_not_allowed_names_the_action_and_what_is_asked_too_much_may_pass() {
    for (status, code, expected, may_pass) in [
        (
            400,
            "AccessDeniedException",
            "allow dynamodb:PutItem on it",
            false,
        ),
        (400, "UnrecognizedClientException", "log in again", false),
        (400, "ExpiredTokenException", "log in again", false),
        (400, "ValidationException", "ValidationException", false),
        (
            400,
            "ProvisionedThroughputExceededException",
            "does not answer for now",
            true,
        ),
        (400, "ThrottlingException", "does not answer for now", true),
        (400, "RequestLimitExceeded", "does not answer for now", true),
        (500, "InternalServerError", "does not answer for now", true),
        (503, "ServiceUnavailable", "does not answer for now", true),
    ] {
        let body = json!({ "__type": code, "message": "arn:aws:sts::1:assumed-role/x says no" });
        let config = answers::sdk(move |_| (status, body.clone())).await;
        let error = store(&config, "cicada")
            .put_record(record(1))
            .await
            .unwrap_err();
        assert_eq!(error.may_pass(), may_pass, "{code}: {error:?}");
        assert!(error.to_string().contains(expected), "{code}: {error}");
        let source = match error {
            StoreError::Unavailable(source) | StoreError::Refused(source) => source.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(
            source.starts_with("cannot write a record (table cicada in "),
            "{source}"
        );
    }
}

#[tokio::test]
async fn a_short_throttling_is_not_noticed() {
    let mut scene = Scene::on(dynamodb_local()).await;
    let (config, calls) = between(&scene.config, |_, before| {
        if before < 2 {
            Fate::Throttled
        } else {
            Fate::Answered
        }
    });
    scene.config = config;
    scene.store().put_record(record(1)).await.unwrap();
    assert_eq!(calls.take(), ["PutItem"; 3]);
}

#[tokio::test]
async fn a_long_throttling_is_told_in_time_and_passes() {
    let mut scene = Scene::on(dynamodb_local()).await;
    let whole = scene.config.clone();
    let (config, _) = between(&scene.config, |_, _| Fate::Throttled);
    scene.config = config;
    let begun = Instant::now();
    let error = scene.store().put_record(record(1)).await.unwrap_err();
    assert!(error.may_pass(), "{error:?}");
    let taken = begun.elapsed();
    assert!(taken <= 12 * CALL_TIMEOUT, "{taken:?}");
    scene.config = whole;
    let store = scene.store();
    store.put_record(record(1)).await.unwrap();
    let found = store
        .records(&run_id(), 1, record(1).key.bucket, None)
        .await;
    assert_eq!(found.unwrap().records, [record(1)]);
}

#[tokio::test]
async fn a_store_that_is_away_says_so_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [free_address(), silent.local_addr().unwrap()] {
        let config = emulator::sdk(&format!("http://{address}")).await;
        let begun = Instant::now();
        let error = store(&config, "cicada")
            .put_record(record(1))
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        let taken = begun.elapsed();
        assert!(taken <= 12 * CALL_TIMEOUT, "{taken:?}");
    }
}
