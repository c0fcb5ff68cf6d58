//! What is in the way of recording, for `/health`: whoever writes results says it, this shows it.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::json;
use traffic::ports::{Heartbeat, Queue, Store};

use super::openapi::shapes::Health;
use super::{Api, clear_line};

/// Something that whoever watches `/health` has to know; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    message: Arc<Mutex<Option<String>>>,
}

impl Trouble {
    /// Says what is wrong, in one line for the person who looks.
    pub fn set(&self, message: impl Into<String>) {
        self.replace(Some(message.into()));
    }

    /// Says that it is over.
    pub fn clear(&self) {
        self.replace(None);
    }

    /// What is wrong, if anything is.
    pub fn message(&self) -> Option<String> {
        let message = self.message.lock();
        message.clone()
    }

    fn replace(&self, message: Option<String>) {
        *self.message.lock() = message;
    }
}

/// `GET /health`: 200 while requests are answered and results are recorded, else 503 and why not.
#[utoipa::path(get, path = "/health", tag = "cicada", responses(
    (status = 200, description = "All is well.", body = Health),
    (status = 503, description = "Results are not recorded.", body = Health)
))]
pub(super) async fn health<S: Store, Q: Queue, H: Heartbeat>(
    axum::extract::State(api): axum::extract::State<Api<S, Q, H>>,
) -> Response {
    let run = api.control.run().await;
    let trouble = match &run {
        Ok(_) => both(api.trouble.message(), api.control.unwritten_stop()),
        Err(refusal) => Some(clear_line(refusal)),
    };
    let mut body = json!({
        "status": if trouble.is_none() { "ok" } else { "unavailable" },
        "version": env!("CARGO_PKG_VERSION"),
    });
    if let Ok(run) = run {
        let state = api.control.state(run.as_deref());
        body["state"] = state.as_str().into();
    }
    let Some(message) = trouble else {
        return Json(body).into_response();
    };
    body["message"] = message.into();
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

fn both(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}
