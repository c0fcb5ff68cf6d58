//! The SDK's configuration: calls arrive, and end in time when nobody answers.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::DynamoStore;
use aws::config::CALL_TIMEOUT;
use serde_json::json;
use tokio::time::timeout;
use tracing::Level;
use traffic::clock::Clock;

use crate::answers;
use crate::emulator::{self, dynamodb_local, free_address, ministack};

#[tokio::test]
async fn a_call_arrives_at_the_named_endpoint() {
    for emulator in [ministack(), dynamodb_local()] {
        let client = aws_sdk_dynamodb::Client::new(&emulator.sdk().await);
        let tables = client.list_tables().send().await.unwrap();
        assert!(tables.table_names.is_some());
    }
}

#[tokio::test]
async fn nobody_waits_longer_for_an_answer_than_a_call_may_take() {
    // accepts connections and says nothing
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let client = aws_sdk_dynamodb::Client::new(&emulator::sdk(&url).await);
    let begun = tokio::time::Instant::now();
    let answer = client.list_tables().send().await;
    assert!(answer.is_err());
    let waited = begun.elapsed();
    assert!(waited <= 12 * CALL_TIMEOUT, "{waited:?}");
}

#[tokio::test]
async fn a_failure_that_the_next_try_ends_is_nothing_to_log() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let config = answers::sdk(move |_| match counted.fetch_add(1, Ordering::Relaxed) {
        0 => (500, json!({ "__type": "InternalServerError" })),
        _ => (200, json!({ "TableNames": [] })),
    })
    .await;
    let log = Log::default();
    let kept = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(Level::WARN);
    let subscriber = subscriber.with_writer(move || kept.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let client = aws_sdk_dynamodb::Client::new(&config);
    client.list_tables().send().await.unwrap();
    drop(guard);
    assert_eq!(tries.load(Ordering::Relaxed), 2);
    assert_eq!(String::from_utf8_lossy(&log.0.lock().unwrap()), "");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a process says that has no credentials, where the machine's own source of them is at `metadata`.
async fn line_without_credentials(metadata: SocketAddr) -> String {
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "config::child_that_calls",
            "--ignored",
            "--nocapture",
        ])
        .env_clear()
        .env("AWS_REGION", emulator::REGION)
        .env("AWS_ENDPOINT_URL", ministack().url())
        .env(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            format!("http://{metadata}"),
        )
        .output();
    let output = timeout(CALL_TIMEOUT * 12, child).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let line = printed.lines().find(|line| line.contains("cannot "));
    line.unwrap_or_else(|| panic!("{printed}")).to_owned()
}

#[tokio::test]
async fn without_credentials_the_environment_is_enough_to_say_so() {
    // nobody is there, and somebody is there who says nothing
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for metadata in [free_address(), silent.local_addr().unwrap()] {
        let line = line_without_credentials(metadata).await;
        assert!(line.contains("there are no AWS credentials"), "{line}");
    }
}

/// Runs in a process of its own, with the environment that its parent gives it.
#[tokio::test]
#[ignore = "a part of another test"]
async fn child_that_calls() {
    let config = aws::config::load().await;
    let day = Duration::from_secs(86_400);
    let store = DynamoStore::new(&config, "cicada", day, Clock::system());
    println!("\n{}", store.connect().await.unwrap_err());
}
