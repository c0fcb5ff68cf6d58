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

use super::runs::Shown;
use crate::export::html::{self, Theme};
use crate::export::{csv, file_stem};
use crate::reader::Snapshot;
use crate::report::past::points;

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
pub(super) fn history(snapshot: &Snapshot) -> Response {
    Json(BTreeMap::from([("history", points(snapshot))])).into_response()
}

/// The ledger over time.
pub(super) fn ledger_history(snapshot: &Snapshot) -> Response {
    Json(snapshot.ledger_past.history()).into_response()
}

/// The report as a page, or as a file.
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
pub(super) fn requests(snapshot: &Snapshot) -> Response {
    let report = snapshot.stats.report(snapshot.at);
    table(snapshot, "requests", csv::requests(&report))
}

/// The table of failures.
pub(super) fn failures(snapshot: &Snapshot) -> Response {
    let report = snapshot.stats.report(snapshot.at);
    table(snapshot, "failures", csv::failures(&report))
}

/// The table of what could not be evaluated.
pub(super) fn exceptions(snapshot: &Snapshot) -> Response {
    table(snapshot, "exceptions", csv::exceptions(snapshot))
}

/// The history of all rows.
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
