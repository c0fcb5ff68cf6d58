//! The aggregator in a container: a process of its own beside the stage's functions.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::process::Child;

use crate::emulator::{client, root};
use crate::scene::Scene;
use crate::stage::rows;

const PASSWORD: &str = "container";

/// It answers within this, or the test ends.
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// A serving container; killed when dropped, as one whose machine fails.
pub(crate) struct Server {
    url: String,
    _process: Child,
}

impl Server {
    /// Starts one on the stage's table, queue and schedules.
    pub(crate) async fn start(scene: &Scene) -> Self {
        let variables = scene.stage.variables("aggregator").await;
        let variables = variables.as_object().unwrap();
        // `make e2e` builds it
        let program = root().join("target/debug/aggregator-server");
        let port = crate::emulator::free_port();
        let process = scene
            .stage
            .command(program.to_str().unwrap())
            .envs(
                variables
                    .iter()
                    .map(|(name, value)| (name, value.as_str().unwrap())),
            )
            .env("LOCUST_BASIC_AUTH", format!("demo:{PASSWORD}"))
            .env("CICADA_WEB_HOST", "127.0.0.1")
            .env("CICADA_WEB_PORT", port.to_string())
            .spawn()
            .unwrap();
        let server = Self {
            url: format!("http://127.0.0.1:{port}"),
            _process: process,
        };
        server.answers().await;
        server
    }

    async fn answers(&self) {
        let health = format!("{}/health", self.url);
        let answered = async {
            while client().get(&health).send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let in_time = tokio::time::timeout(STARTS_WITHIN, answered).await;
        assert!(in_time.is_ok(), "the container does not answer");
    }

    /// Requests and failures of each row of the statistics.
    pub(crate) async fn counts(&self) -> BTreeMap<String, (u64, u64)> {
        let answer = client()
            .get(format!("{}/stats/requests", self.url))
            .basic_auth("demo", Some(PASSWORD))
            .send()
            .await
            .unwrap();
        rows(&answer.json().await.unwrap())
    }
}
