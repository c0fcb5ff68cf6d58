//! `window.templateArgs` of a report, as Locust's reports have it: tools that read Locust's reports read these.
//!
//! Keys and shapes are those of Locust's `html.py`. The text is JSON in a script, so that no name can end the script.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use statistics::reader::Snapshot;
use statistics::report::past::{CHARTED, Point, fewer_points};
use statistics::report::time::{duration, utc};
use statistics::report::{ErrorRow, PAGE_ROWS, Report, Row};
use statistics::stats::histogram::Histogram;
use traffic::workload::ClassRatio;

use super::shown::{EXCEPTIONS, rows, shares};
use crate::WORKLOAD;
use crate::host;

/// The percentiles that Locust's chart draws.
const TO_CHART: [f64; 2] = [0.5, 0.95];

/// The percentiles in the report of Locust.
const OF_REPORT: [f64; 8] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];

#[derive(Serialize)]
struct TemplateArgs<'a> {
    is_report: bool,
    requests_statistics: Vec<Value>,
    failures_statistics: Vec<Failure<'a>>,
    exceptions_statistics: Vec<Exception<'a>>,
    response_time_statistics: Vec<Map<String, Value>>,
    start_time: String,
    end_time: String,
    duration: String,
    host: &'a str,
    history: Vec<Value>,
    show_download_link: bool,
    locustfile: &'static str,
    tasks: Tasks,
    percentiles_to_chart: [f64; 2],
    profile: Option<&'static str>,
}

#[derive(Serialize)]
struct Failure<'a> {
    method: &'a str,
    name: &'a str,
    error: &'a str,
    occurrences: u64,
    first_seen: f64,
    last_seen: f64,
}

#[derive(Serialize)]
struct Exception<'a> {
    count: u64,
    msg: &'a str,
    nodes: &'static str,
    traceback: &'a str,
}

/// The shares of classes and tasks, as `/tasks` has them.
#[derive(Default, Serialize)]
struct Tasks {
    per_class: BTreeMap<String, Share>,
    total: BTreeMap<String, Share>,
}

#[derive(Serialize)]
struct Share {
    ratio: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<BTreeMap<String, Share>>,
}

/// The script that sets it.
pub(super) fn script(snapshot: &Snapshot, report: &Report, has_download: bool) -> String {
    let start = report.start_time;
    let end = report.end_time.unwrap_or(start);
    let args = TemplateArgs {
        is_report: true,
        requests_statistics: rows(report).map(request).collect(),
        failures_statistics: report.errors.iter().take(PAGE_ROWS).map(failure).collect(),
        exceptions_statistics: exceptions(snapshot),
        response_time_statistics: rows(report).map(|row| times(snapshot, row)).collect(),
        start_time: utc(start.full_second().0),
        end_time: utc(end.full_second().0),
        duration: duration(end.since(start).as_secs()),
        host: host(snapshot).unwrap_or("None"),
        history: fewer_points(snapshot, None, CHARTED)
            .iter()
            .map(point)
            .collect(),
        show_download_link: has_download,
        locustfile: WORKLOAD,
        tasks: tasks(snapshot),
        percentiles_to_chart: TO_CHART,
        profile: None,
    };
    let json = serde_json::to_string(&args).expect("keys are texts, and memory takes all of it");
    // a name must not end the script
    let json = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    format!("window.templateArgs = {json}\n")
}

/// The fields of Locust's row: its twin for dashboards is ours.
fn request(row: &Row) -> Value {
    let mut row = serde_json::to_value(row).unwrap_or_default();
    if let Some(fields) = row.as_object_mut() {
        fields.remove("requests_per_second");
    }
    row
}

fn failure(error: &ErrorRow) -> Failure<'_> {
    Failure {
        method: &error.method,
        name: &error.name,
        error: &error.error,
        occurrences: error.occurrences,
        first_seen: error.first_seen,
        last_seen: error.last_seen,
    }
}

fn exceptions(snapshot: &Snapshot) -> Vec<Exception<'_>> {
    let exceptions = snapshot.exceptions().take(EXCEPTIONS);
    exceptions
        .map(|(msg, traceback, count)| Exception {
            count,
            msg,
            nodes: "local",
            traceback,
        })
        .collect()
}

/// The percentiles of a row, or of all.
fn times(snapshot: &Snapshot, row: &Row) -> Map<String, Value> {
    let percentiles = match snapshot.stats.row(&row.name, &row.method) {
        Some(entry) => entry.histogram.percentiles(OF_REPORT),
        None => {
            let mut all = Histogram::default();
            let rows = snapshot.stats.rows();
            for entry in rows.iter().map(|(_, entry)| entry).chain(rows.others()) {
                all.merge(&entry.histogram);
            }
            all.percentiles(OF_REPORT)
        }
    };
    let names = OF_REPORT.map(|fraction| format!("{fraction:?}"));
    let texts = [("name", &row.name), ("method", &row.method)];
    let texts = texts.map(|(key, text)| (key.to_owned(), Value::from(&**text)));
    let figures = names.into_iter().zip(percentiles.map(Value::from));
    texts.into_iter().chain(figures).collect()
}

/// The fields of Locust's history: the percentiles of its chart, and no more.
fn point(point: &Point) -> Value {
    let mut point = serde_json::to_value(point).unwrap_or_default();
    if let Some(fields) = point.as_object_mut() {
        let charted = TO_CHART.map(|fraction| format!("response_time_percentile_{fraction:?}"));
        fields.retain(|key, _| {
            !key.starts_with("response_time_percentile_") || charted.contains(key)
        });
    }
    point
}

fn tasks(snapshot: &Snapshot) -> Tasks {
    let Some(run) = snapshot.run.as_deref() else {
        return Tasks::default();
    };
    let by_name = |is_total| {
        let classes = shares(run, snapshot.at, is_total).into_iter();
        classes
            .map(|class| (class.name.clone(), share(class)))
            .collect()
    };
    Tasks {
        per_class: by_name(false),
        total: by_name(true),
    }
}

fn share(class: ClassRatio) -> Share {
    let tasks = class.tasks.into_iter();
    let tasks = tasks.map(|task| {
        let ratio = task.ratio;
        (task.name, Share { ratio, tasks: None })
    });
    Share {
        ratio: class.ratio,
        tasks: Some(tasks.collect()),
    }
}
