//! Making the table where no template does.

use std::time::Duration;

use aws::DynamoStore;
use traffic::clock::Clock;
use traffic::ports::StoreError;

use crate::emulator::{dynamodb_local, ministack, sdk, unique};

const KEPT: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn a_table_is_made_once_and_can_be_used_at_once() {
    for emulator in [ministack(), dynamodb_local()] {
        let config = emulator.sdk().await;
        let store = DynamoStore::new(&config, unique("made"), KEPT, Clock::system());
        let missing = store.connect().await.unwrap_err();
        assert!(!missing.may_pass(), "{missing}");
        store.create().await.unwrap();
        store.connect().await.unwrap();
        // another process that starts beside it makes it, too
        store.create().await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_yet_may_be_asked_again() {
    let config = sdk("http://127.0.0.1:1").await;
    let store = DynamoStore::new(&config, "made", KEPT, Clock::system());
    let error = store.create().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("does not answer"), "{error}");
}
