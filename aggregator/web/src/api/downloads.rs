//! Downloads: Locust's CSV files and the report; and the histories that charts are drawn from.
//!
//! Each answer follows from a snapshot alone, of whichever run it is, and is made on a thread of its own, for it may
//! take its time.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{Html, IntoResponse, Response};
use export::ab::Comparison;
use export::html::{self, Theme};
use export::{csv, file_stem};
use serde::{Deserialize, Serialize};
use statistics::ledger::LedgerHistory;
use statistics::reader::Snapshot;
use statistics::report::past::{Point, fewer_points};
use utoipa::{IntoParams, IntoResponses, PartialSchema as _, ToSchema};

use super::answers::{Refused, Responses, described};
use super::headers::REPORT;
use super::runs::Shown;
use super::state::ApiState;

/// A report is asked for with these, as in Locust.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportQuery {
    /// Anything but nothing: as a file to keep.
    #[serde(default)]
    download: String,
    /// `dark` or `light`; else what the reader's system prefers.
    #[serde(default)]
    theme: String,
}

/// The points of Locust's charts, oldest first.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    history: Vec<Point>,
}

/// A table of comma-separated values, as a file to keep.
pub(super) struct Csv {
    file: String,
    text: String,
}

impl IntoResponse for Csv {
    fn into_response(self) -> Response {
        let content_type = (CONTENT_TYPE, HeaderValue::from_static("text/csv"));
        ([content_type, attachment(&self.file)], self.text).into_response()
    }
}

impl IntoResponses for Csv {
    fn responses() -> Responses {
        let table = described("A table, as a file to keep.", "text/csv", String::schema());
        [("200".to_owned(), table)].into()
    }
}

async fn table(
    snapshot: Snapshot,
    name: &'static str,
    text: impl FnOnce(&Snapshot) -> String + Send + 'static,
) -> Csv {
    let table = move |snapshot: &Snapshot| Csv {
        file: format!("{}_{name}.csv", file_stem(snapshot)),
        text: text(snapshot),
    };
    made_of(snapshot, table).await
}

pub(super) async fn made_of<T: Send + 'static>(
    snapshot: Snapshot,
    make: impl FnOnce(&Snapshot) -> T + Send + 'static,
) -> T {
    match tokio::task::spawn_blocking(move || make(&snapshot)).await {
        Ok(made) => made,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The points of a chart are asked for with these.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// Only the points of the last seconds.
    last: Option<u64>,
    /// The most points: more are thinned, and each keeps the worst percentiles, maximum and failures of those that it stands
    /// for. All if not said.
    points: Option<u32>,
}

/// The points of Locust's charts.
#[utoipa::path(
    get,
    path = "/stats/history",
    operation_id = "history",
    tag = "cicada",
    params(HistoryQuery),
    responses(
        (status = 200, description = "The points of Locust's charts, oldest first.", body = History),
        (status = 400, description = "A number is none.", body = String, content_type = "text/plain"),
        Refused
    )
)]
pub(super) async fn history(
    Shown(snapshot): Shown,
    Query(asked): Query<HistoryQuery>,
) -> Json<History> {
    let limit = asked
        .points
        .map_or(usize::MAX, |points| points.max(2) as usize);
    let history = move |snapshot: &Snapshot| fewer_points(snapshot, asked.last, limit);
    Json(History {
        history: made_of(snapshot, history).await,
    })
}

/// The ledger over time.
#[utoipa::path(get, path = "/ledger/history", operation_id = "ledger_history", tag = "cicada", responses(
    (status = 200, description = "The ledger over time, in columns.", body = LedgerHistory),
    Refused
))]
pub(super) async fn ledger_history(Shown(snapshot): Shown) -> Json<LedgerHistory> {
    Json(made_of(snapshot, |snapshot| snapshot.ledger_past.history()).await)
}

/// The report as a page, or as a file.
#[utoipa::path(
    get,
    path = "/stats/report",
    operation_id = "report",
    tag = "locust",
    params(ReportQuery),
    responses(
        (status = 200, description = "A page that needs nothing else.", body = String, content_type = "text/html"),
        Refused
    )
)]
pub(super) async fn report(Shown(snapshot): Shown, Query(asked): Query<ReportQuery>) -> Response {
    made_of(snapshot, move |snapshot| report_of(snapshot, &asked)).await
}

fn report_of(snapshot: &Snapshot, asked: &ReportQuery) -> Response {
    let theme = Theme::named(&asked.theme);
    if asked.download.is_empty() {
        let download = format!("?download=1&theme={}", theme.as_str());
        let page = html::report_with_download(snapshot, theme, &download);
        return ([(CONTENT_SECURITY_POLICY, REPORT)], Html(page)).into_response();
    }
    let file = format!("{}.html", file_stem(snapshot));
    let headers = [attachment(&file), (CONTENT_SECURITY_POLICY, REPORT)];
    (headers, Html(html::report(snapshot, theme))).into_response()
}

/// The table of requests.
#[utoipa::path(
    get,
    path = "/stats/requests/csv",
    operation_id = "requests_csv",
    tag = "locust",
    responses(Csv, Refused)
)]
pub(super) async fn requests(Shown(snapshot): Shown) -> Csv {
    table(snapshot, "requests", |snapshot| {
        csv::requests(&snapshot.report())
    })
    .await
}

/// The table of failures.
#[utoipa::path(
    get,
    path = "/stats/failures/csv",
    operation_id = "failures_csv",
    tag = "locust",
    responses(Csv, Refused)
)]
pub(super) async fn failures(Shown(snapshot): Shown) -> Csv {
    table(snapshot, "failures", |snapshot| {
        csv::failures(&snapshot.report())
    })
    .await
}

/// The table of what could not be evaluated.
#[utoipa::path(
    get,
    path = "/exceptions/csv",
    operation_id = "exceptions_csv",
    tag = "locust",
    responses(Csv, Refused)
)]
pub(super) async fn exceptions(Shown(snapshot): Shown) -> Csv {
    table(snapshot, "exceptions", csv::exceptions).await
}

/// The history of all rows.
#[utoipa::path(
    get,
    path = "/stats/requests_full_history/csv",
    operation_id = "full_history_csv",
    tag = "locust",
    responses(Csv, Refused)
)]
pub(super) async fn full_history(Shown(snapshot): Shown) -> Csv {
    table(snapshot, "requests_full_history", csv::full_history).await
}

/// The pairs of A and B, compared.
#[utoipa::path(
    get,
    path = "/ab/csv",
    operation_id = "ab_csv",
    tag = "cicada",
    responses(Csv, Refused)
)]
pub(super) async fn ab(
    State(api): State<ApiState>,
    Shown(snapshot): Shown,
) -> Result<Csv, Refused> {
    let next = api.control.workload().await?;
    let text = move |snapshot: &Snapshot| csv::ab(&Comparison::of(snapshot, &next));
    Ok(table(snapshot, "ab", text).await)
}

/// The ledger, by class.
#[utoipa::path(
    get,
    path = "/ledger/csv",
    operation_id = "ledger_csv",
    tag = "cicada",
    responses(Csv, Refused)
)]
pub(super) async fn ledger(Shown(snapshot): Shown) -> Csv {
    table(snapshot, "ledger", |snapshot| csv::ledger(&snapshot.ledger)).await
}

/// Says that an answer is a file to be kept under a name of plain characters.
fn attachment(file: &str) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::try_from(format!("attachment;filename={file}"));
    let value = value.unwrap_or(HeaderValue::from_static("attachment"));
    (CONTENT_DISPOSITION, value)
}
