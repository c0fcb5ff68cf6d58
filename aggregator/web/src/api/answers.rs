//! Answers that routes have in common: something was done, was refused, or cannot be had at the moment.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use control::Refusal;
use serde::Serialize;
use statistics::reader::AggregatorError;
use traffic::ports::StoreError;
use traffic::run_rules::InvalidField;
use utoipa::openapi::{self, Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

/// Something was done.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    /// What was done.
    message: String,
    /// True.
    success: bool,
}

pub(super) fn done(message: impl Into<String>) -> Json<Done> {
    let (message, success) = (message.into(), true);
    Json(Done { message, success })
}

/// Something was not done, and why.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refused {
    #[serde(skip)]
    status: StatusCode,
    /// One line for the person who asked.
    message: String,
    /// False.
    success: bool,
}

impl Refused {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            success: false,
        }
    }

    /// Status 503: what went wrong inside goes to the log, the caller gets one line.
    pub(super) fn unavailable(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request could not be answered");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, clear_line(error))
    }
}

impl From<InvalidField> for Refused {
    fn from(problem: InvalidField) -> Self {
        Self::new(StatusCode::BAD_REQUEST, problem.to_string())
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        if let Refusal::IsOn = refusal {
            return Self::new(StatusCode::CONFLICT, refusal.to_string());
        }
        Self::unavailable(&refusal)
    }
}

impl From<AggregatorError> for Refused {
    fn from(error: AggregatorError) -> Self {
        Self::unavailable(&error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

/// The one that every route has which reads the store.
impl IntoResponses for Refused {
    fn responses() -> Responses {
        let refused = Ref::from_schema_name(Self::name());
        let unavailable = described("The store does not answer.", "application/json", refused);
        [("503".to_owned(), unavailable)].into()
    }
}

/// Answers by status, as `/openapi.json` has them.
pub(super) type Responses = BTreeMap<String, RefOr<openapi::Response>>;

/// An answer as `/openapi.json` has it.
pub(super) fn described(
    when: &str,
    content_type: &str,
    body: impl Into<RefOr<openapi::Schema>>,
) -> RefOr<openapi::Response> {
    let body = openapi::ContentBuilder::new().schema(Some(body)).build();
    let response = openapi::ResponseBuilder::new().description(when);
    response.content(content_type, body).build().into()
}

/// The line of the store, if an error was caused by one: it tells most what to do.
pub(super) fn clear_line(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    let store = causes.find_map(|cause| cause.downcast_ref::<StoreError>());
    store.map_or_else(|| error.to_string(), ToString::to_string)
}

pub(super) async fn unknown_route(uri: Uri) -> Response {
    let path: String = uri.path().chars().take(200).collect();
    let text = format!("there is nothing at {path}: GET /api names what there is\n");
    (StatusCode::NOT_FOUND, text).into_response()
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(200).collect();
    let text = format!("{path} does not answer {method}: GET /api names what does\n");
    (StatusCode::METHOD_NOT_ALLOWED, text).into_response()
}
