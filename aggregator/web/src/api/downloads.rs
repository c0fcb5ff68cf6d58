//! What is taken away: Locust's CSV files and the report; and the histories that charts are drawn from.
//!
//! Each answer follows from a snapshot alone, of whichever run it is.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Query;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::openapi::shapes::Refused;
use super::runs::Shown;
use export::html::{self, Theme};
use export::{csv, file_stem};
use statistics::reader::Snapshot;
use statistics::report::past::points;

/// What a report is asked for with, as in Locust.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ReportQuery {
    /// Anything but nothing: the report is to be kept as a file.
    #[serde(default)]
    download: String,
    /// `dark` or `light`; else what the reader's system prefers.
    #[serde(default)]
    theme: String,
}

/// Answers with what a function makes of a run; it may take its time, for it has a thread of its own.
pub(super) async fn made_of(
    snapshot: Snapshot,
    answer: impl FnOnce(&Snapshot) -> Response + Send + 'static,
) -> Response {
    match tokio::task::spawn_blocking(move || answer(&snapshot)).await {
        Ok(response) => response,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The points of Locust's charts.
#[utoipa::path(
    get,
    path = "/stats/history",
    operation_id = "history",
    tag = "cicada",
    responses(
        (status = 200, description = "The points of Locust's charts, oldest first.", body = BTreeMap<String, Vec<Value>>),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) fn history(snapshot: &Snapshot) -> Response {
    Json(BTreeMap::from([("history", points(snapshot))])).into_response()
}

/// The ledger over time.
#[utoipa::path(
    get,
    path = "/ledger/history",
    operation_id = "ledger_history",
    tag = "cicada",
    responses(
        (status = 200, description = "The ledger over time, in columns.", body = Value),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) fn ledger_history(snapshot: &Snapshot) -> Response {
    Json(snapshot.ledger_past.history()).into_response()
}

/// The report as a page, or as a file.
#[utoipa::path(
    get,
    path = "/stats/report",
    operation_id = "report",
    tag = "locust",
    params(
        ("download" = Option<String>, Query, description = "Anything but nothing: as a file to keep."),
        ("theme" = Option<String>, Query, description = "`dark` or `light`; else what the reader's system prefers."),
    ),
    responses(
        (status = 200, description = "A page that needs nothing else.", body = String, content_type = "text/html"),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) async fn report(Shown(snapshot): Shown, Query(asked): Query<ReportQuery>) -> Response {
    made_of(snapshot, move |snapshot| report_of(snapshot, &asked)).await
}

fn report_of(snapshot: &Snapshot, asked: &ReportQuery) -> Response {
    let theme = Theme::named(&asked.theme);
    if asked.download.is_empty() {
        let download = format!("?download=1&theme={}", theme.as_str());
        return Html(html::report_with_download(snapshot, theme, &download)).into_response();
    }
    let file = format!("{}.html", file_stem(snapshot));
    ([attachment(&file)], Html(html::report(snapshot, theme))).into_response()
}

/// The table of requests.
#[utoipa::path(
    get,
    path = "/stats/requests/csv",
    operation_id = "requests_csv",
    tag = "locust",
    responses(
        (status = 200, description = "The table of requests, as a file.", body = String, content_type = "text/csv"),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) fn requests(snapshot: &Snapshot) -> Response {
    let report = snapshot.report();
    table(snapshot, "requests", csv::requests(&report))
}

/// The table of failures.
#[utoipa::path(
    get,
    path = "/stats/failures/csv",
    operation_id = "failures_csv",
    tag = "locust",
    responses(
        (status = 200, description = "The table of failures, as a file.", body = String, content_type = "text/csv"),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) fn failures(snapshot: &Snapshot) -> Response {
    let report = snapshot.report();
    table(snapshot, "failures", csv::failures(&report))
}

/// The table of what could not be evaluated.
#[utoipa::path(
    get,
    path = "/exceptions/csv",
    operation_id = "exceptions_csv",
    tag = "locust",
    responses(
        (status = 200, description = "The table of exceptions, as a file.", body = String, content_type = "text/csv"),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) fn exceptions(snapshot: &Snapshot) -> Response {
    table(snapshot, "exceptions", csv::exceptions(snapshot))
}

/// The history of all rows.
#[utoipa::path(
    get,
    path = "/stats/requests_full_history/csv",
    operation_id = "full_history_csv",
    tag = "locust",
    responses(
        (status = 200, description = "The history of all rows, as a file.", body = String, content_type = "text/csv"),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) fn full_history(snapshot: &Snapshot) -> Response {
    table(
        snapshot,
        "requests_full_history",
        csv::full_history(snapshot),
    )
}

fn table(snapshot: &Snapshot, what: &str, text: String) -> Response {
    let file = format!("{}_{what}.csv", file_stem(snapshot));
    let content_type = (CONTENT_TYPE, HeaderValue::from_static("text/csv"));
    ([content_type, attachment(&file)], text).into_response()
}

/// Says that an answer is a file to be kept under a name of plain characters.
fn attachment(file: &str) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::try_from(format!("attachment;filename={file}"));
    let value = value.unwrap_or(HeaderValue::from_static("attachment"));
    (CONTENT_DISPOSITION, value)
}
