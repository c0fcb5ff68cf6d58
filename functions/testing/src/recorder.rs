//! A target that remembers every request as it came, to tell what a `cicada` really sent.
//!
//! `/broken` answers 500, `/slow` takes an hour, `/leisurely` two seconds, everything else answers at once with a success.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A recorder that listens until it is dropped.
pub struct Recorder {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Class and index of the user that sent it.
    pub user: String,
    /// Method and path.
    pub line: String,
    /// The body as text.
    pub body: String,
}

impl Recorder {
    /// A recorder on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::default();
        let router = Router::new().fallback({
            let seen = Arc::clone(&seen);
            async move |request: Request| answer(request, &seen).await
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, seen, task }
    }

    /// Its base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that came, sorted: concurrent requests have no order.
    pub fn seen(&self) -> Vec<Seen> {
        let mut seen = self.seen.lock().clone();
        seen.sort();
        seen
    }

    /// How many users of each class sent anything.
    pub fn users(&self) -> BTreeMap<String, usize> {
        let seen = self.seen();
        let users: BTreeSet<_> = seen.iter().map(|seen| &seen.user).collect();
        let mut classes = BTreeMap::new();
        for user in users {
            let (class, _) = user.split_once('/').unwrap();
            *classes.entry(class.to_owned()).or_default() += 1;
        }
        classes
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(request: Request, seen: &Mutex<Vec<Seen>>) -> (StatusCode, &'static str) {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let user = head.headers.get("x-cicada-user");
    let user = user.map_or("", |user| user.to_str().unwrap());
    let path = head.uri.path().to_owned();
    seen.lock().push(Seen {
        user: user.into(),
        line: format!("{} {}", head.method, head.uri),
        body: String::from_utf8_lossy(&body).into(),
    });
    match path.as_str() {
        "/broken" => (StatusCode::INTERNAL_SERVER_ERROR, "broken"),
        "/slow" => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            (StatusCode::OK, "slow")
        }
        "/leisurely" => {
            tokio::time::sleep(Duration::from_secs(2)).await;
            (StatusCode::OK, "leisurely")
        }
        _ => (StatusCode::OK, r#"{"success": true}"#),
    }
}
