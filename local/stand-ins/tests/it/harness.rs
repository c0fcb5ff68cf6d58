//! Running stand-ins, and a client that asks them over real connections.

use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use stand_ins::{Targets, TargetsConfig, USER_HEADER};

/// Running stand-ins and a client for them.
pub(crate) struct StandIns {
    pub(crate) targets: Targets,
    pub(crate) client: Client,
}

impl StandIns {
    pub(crate) async fn start() -> Self {
        Self::with(json!({})).await
    }

    pub(crate) async fn with(settings: Value) -> Self {
        let config = TargetsConfig {
            settings,
            ..TargetsConfig::for_tests()
        };
        Self {
            targets: Targets::start(config).await.expect("free ports"),
            client: client(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let agent = ["/status", "/repair", "/chat", "/api", "/metrics", "/agent"];
        if agent.iter().any(|start| path.starts_with(start)) {
            self.targets.ai_agent_url() + path.trim_start_matches("/agent")
        } else {
            self.targets.target_app_url() + path
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, &body.to_string()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> Reply {
        let request = self.client.request(method, self.url(path));
        Reply::of(
            request
                .body(body.to_owned())
                .send()
                .await
                .expect("an answer"),
        )
        .await
    }

    /// Sends a chat message as `user`, and gives up after `patience`.
    pub(crate) async fn chat_as(
        &self,
        user: &str,
        model: &str,
        patience: Duration,
    ) -> reqwest::Result<u16> {
        let body = json!({"message": "Hello", "model": model}).to_string();
        let request = self.client.post(self.url("/chat")).body(body);
        let request = request.header(USER_HEADER, user).timeout(patience);
        let response = request.send().await?;
        let status = response.status().as_u16();
        response.bytes().await?;
        Ok(status)
    }
}

/// A client that goes straight to where it is sent.
pub(crate) fn client() -> Client {
    // reqwest wants a provider for TLS even where nothing is encrypted; a second one is refused
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client")
}

/// An answer that has been read.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(response: Response) -> Self {
        let kind = response.headers().get("content-type");
        Self {
            status: response.status().as_u16(),
            kind: kind.map_or_else(String::new, |kind| kind.to_str().expect("ASCII").to_owned()),
            text: response.text().await.expect("a body"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }
}
