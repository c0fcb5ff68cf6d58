//! A target that remembers every request as it came, and answers at once with a success.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use parking_lot::Mutex;
use tokio::net::TcpListener;

/// A recorder; listens until the test's runtime ends.
pub(crate) struct Recorder {
    /// Its base URL.
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    /// Class and index of the user that sent it.
    user: String,
    /// Method, path and query.
    line: String,
    body: String,
}

impl Recorder {
    /// A recorder on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::default();
        let router = Router::new().fallback({
            let seen = Arc::clone(&seen);
            async move |request: Request| answer(request, &seen).await
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, seen }
    }

    /// Everything that came, sorted: concurrent requests have no order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let mut seen = self.seen.lock().clone();
        seen.sort();
        seen
    }
}

async fn answer(request: Request, seen: &Mutex<Vec<Seen>>) -> &'static str {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let user = head.headers.get("x-cicada-user").unwrap();
    seen.lock().push(Seen {
        user: user.to_str().unwrap().into(),
        line: format!("{} {}", head.method, head.uri),
        body: String::from_utf8_lossy(&body).into(),
    });
    r#"{"success": true}"#
}
