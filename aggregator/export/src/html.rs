//! The report: one page with tables and charts that needs nothing else. Its one script only holds figures, for tools
//! that read Locust's reports.
//!
//! The template engine escapes the texts of users and targets. A table ends after [`PAGE_ROWS`] rows with the number of
//! those that are left out, so that the page stays small for every run.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minijinja::Environment;
use minijinja::value::{Serde, Value};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use traffic::clock::Timestamp;
use traffic::runs::LoadedRun;

use super::chart::{Line, figure};
use super::host;
use ab::Chapter;
use statistics::ledger::{Account, Columns};
use statistics::reader::Snapshot;
use statistics::report::events::{Event, Gap, events, gaps};
use statistics::report::past::{Moment, charted};
use statistics::report::time::{duration, utc};
use statistics::report::{ErrorRow, PAGE_ROWS, PERCENTILE_NAMES, Report, Row};
use statistics::run_part::RunPart;
use statistics::thresholds::{Judged, judged};

mod ab;
mod graph;
mod pictures;
mod shown;
mod streams;
mod template_args;

use graph::{Graph, percent};
use shown::{EXCEPTIONS, rows, shares};
use streams::StreamRow;

const NAME: &str = "report.html";

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages
        .add_template(NAME, include_str!("html/report.html"))
        .expect("the template is valid, which a test shows");
    pages
});

/// The colours of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Light or dark, as the reader's system prefers.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// The theme of a name: `dark`, `light`, or else `Auto`.
    pub fn named(name: &str) -> Self {
        match name {
            "dark" => Self::Dark,
            "light" => Self::Light,
            _ => Self::Auto,
        }
    }

    /// The name, if it has one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The values of the template.
#[derive(Serialize)]
struct Page<'a> {
    theme: &'static str,
    download: Option<&'a str>,
    version: &'static str,
    run: Option<&'a str>,
    name: Option<&'a str>,
    note: Option<&'a str>,
    /// The number of the part of the run that this is, if it is one.
    part: Option<u32>,
    parts: Vec<Part>,
    state: &'static str,
    host: Option<&'a str>,
    start: String,
    end: String,
    duration: String,
    tiles: Vec<(&'static str, String, bool)>,
    graphs: Vec<Graph>,
    ab: Option<Chapter>,
    events: Vec<Happened>,
    script: Value,
    /// What the policy of the page calls the script.
    script_hash: String,
    percentile_names: [&'static str; PERCENTILE_NAMES.len()],
    /// The last one is that of all.
    rows: Vec<Requests<'a>>,
    more_rows: usize,
    stream_names: [&'static str; streams::NAMES.len()],
    /// Empty where there are none; the last one is that of all.
    streams: Vec<StreamRow<'a>>,
    failures: Vec<Failure<'a>>,
    more_failures: usize,
    exceptions: Vec<Exception<'a>>,
    more_exceptions: usize,
    thresholds: Vec<Judged>,
    /// The last one is that of all.
    ledger: Vec<Booked<'a>>,
    starved: Option<&'a str>,
    ratios: Option<Vec<Ratio>>,
}

/// One row of the first two tables.
#[derive(Serialize)]
struct Requests<'a> {
    method: &'a str,
    name: &'a str,
    requests: u64,
    failures: u64,
    fail_ratio: String,
    average: String,
    min: String,
    max: String,
    content: String,
    rps: String,
    fail_per_sec: String,
    percentiles: Vec<u64>,
}

#[derive(Serialize)]
struct Failure<'a> {
    method: &'a str,
    name: &'a str,
    error: &'a str,
    occurrences: u64,
    first_seen: String,
    last_seen: String,
}

#[derive(Serialize)]
struct Exception<'a> {
    count: u64,
    message: &'a str,
    traceback: &'a str,
}

/// One row of the ledger.
#[derive(Serialize)]
struct Booked<'a> {
    class: &'a str,
    #[serde(flatten)]
    account: &'a Account,
    lateness_p95: String,
}

/// The share of a class in the users, or of a task in the iterations: of its class, and of all.
#[derive(Serialize)]
struct Ratio {
    name: String,
    of_class: String,
    of_all: String,
    tasks: Vec<Ratio>,
}

/// A part of the run that a reset has ended.
#[derive(Serialize)]
struct Part {
    from: String,
    until: String,
    requests: u64,
    failures: u64,
    fail_ratio: String,
    average: String,
    median: u64,
    p95: u64,
    rps: String,
}

/// Something that happened to the run.
#[derive(Serialize)]
struct Happened {
    time: String,
    name: String,
}

/// A snapshot's report as a page.
pub fn report(snapshot: &Snapshot, theme: Theme) -> String {
    page(snapshot, theme, None)
}

/// A snapshot's report with a link to its download.
pub fn report_with_download(snapshot: &Snapshot, theme: Theme, download: &str) -> String {
    page(snapshot, theme, Some(download))
}

fn page(snapshot: &Snapshot, theme: Theme, download: Option<&str>) -> String {
    let report = snapshot.report();
    let run = snapshot.run.as_deref();
    let start = report.start_time;
    let end = report.end_time.unwrap_or(start);
    let script = template_args::script(snapshot, &report, download.is_some());
    let page = Page {
        script_hash: BASE64.encode(Sha256::digest(&script)),
        script: Value::from_safe_string(script),
        ab: Chapter::of(snapshot),
        events: happened(snapshot),
        theme: theme.as_str(),
        download,
        version: env!("CARGO_PKG_VERSION"),
        run: snapshot.ledger.run.as_ref().map(|run| run.0.as_str()),
        name: run.and_then(|run| run.plan.run().label("name")),
        note: run.and_then(|run| run.plan.run().label("note")),
        part: snapshot.part.as_ref().map(|part| part.number),
        parts: parts(snapshot),
        state: snapshot.state().as_str(),
        host: host(snapshot),
        start: utc(start.full_second().0),
        end: utc(end.full_second().0),
        duration: duration(end.since(start).as_secs()),
        tiles: tiles(&report, snapshot),
        graphs: graphs(snapshot),
        percentile_names: PERCENTILE_NAMES,
        rows: rows(&report).map(requests).collect(),
        stream_names: streams::NAMES,
        streams: rows(&report).filter_map(StreamRow::of).collect(),
        more_rows: report.rows.len().saturating_sub(PAGE_ROWS),
        failures: report.errors.iter().take(PAGE_ROWS).map(failure).collect(),
        more_failures: report.errors.len().saturating_sub(PAGE_ROWS),
        more_exceptions: snapshot.exceptions().count().saturating_sub(EXCEPTIONS),
        exceptions: exceptions(snapshot),
        thresholds: judged(snapshot),
        ledger: ledger(snapshot),
        starved: snapshot
            .ledger
            .starved
            .as_ref()
            .map(|starved| &*starved.message),
        ratios: run.map(|run| ratios(run, snapshot.at)),
    };
    let template = PAGES.get_template(NAME);
    let text = template.and_then(|template| template.render(Serde(&page)));
    text.expect("the template fits what it is given, which a test shows")
}

fn requests(row: &Row) -> Requests<'_> {
    Requests {
        method: &row.method,
        name: &row.name,
        requests: row.num_requests,
        failures: row.num_failures,
        fail_ratio: percent(row.fail_ratio),
        average: figure(row.avg_response_time),
        min: figure(row.exact_min.unwrap_or(0.0)),
        max: figure(row.exact_max),
        content: figure(row.avg_content_length),
        rps: figure(row.total_rps),
        fail_per_sec: figure(row.total_fail_per_sec),
        percentiles: row.percentiles.to_vec(),
    }
}

fn failure(error: &ErrorRow) -> Failure<'_> {
    Failure {
        method: &error.method,
        name: &error.name,
        error: &error.error,
        occurrences: error.occurrences,
        first_seen: utc(error.first_seen as u64),
        last_seen: utc(error.last_seen as u64),
    }
}

fn exceptions(snapshot: &Snapshot) -> Vec<Exception<'_>> {
    let exceptions = snapshot.exceptions().take(EXCEPTIONS);
    exceptions
        .map(|(message, traceback, count)| Exception {
            count,
            message,
            traceback,
        })
        .collect()
}

/// The rows of the ledger; none before the first run.
fn ledger(snapshot: &Snapshot) -> Vec<Booked<'_>> {
    let ledger = &snapshot.ledger;
    let classes = ledger
        .classes
        .iter()
        .map(|(class, account)| (&**class, account));
    let total = ledger.run.iter().map(|_| ("All classes", &ledger.total));
    classes.chain(total).map(booked).collect()
}

fn booked<'a>((class, account): (&'a str, &'a Account)) -> Booked<'a> {
    Booked {
        class,
        account,
        lateness_p95: figure(account.lateness_ms.p95),
    }
}

/// The figures at the top: a word, a figure, and true if it is a bad sign.
fn tiles(report: &Report, snapshot: &Snapshot) -> Vec<(&'static str, String, bool)> {
    let total = &report.total;
    let missing = snapshot.ledger.total.missing;
    let failed = format!("{} ({})", total.num_failures, percent(total.fail_ratio));
    let average = format!("{} ms", figure(total.avg_response_time));
    vec![
        ("Requests", total.num_requests.to_string(), false),
        ("Failures", failed, total.num_failures > 0),
        ("Requests/s", figure(total.total_rps), false),
        ("Average", average, false),
        ("Median", format!("{} ms", total.percentiles[0]), false),
        ("95 %", format!("{} ms", total.percentiles[5]), false),
        ("Missing iterations", missing.to_string(), missing > 0),
    ]
}

/// The parts before; a part has none.
fn parts(snapshot: &Snapshot) -> Vec<Part> {
    let parts = snapshot.parts.iter().filter(|_| snapshot.part.is_none());
    let part = |part: &RunPart| Part {
        from: utc(part.from.full_second().0),
        until: utc(part.until.full_second().0),
        requests: part.num_requests,
        failures: part.num_failures,
        fail_ratio: percent(part.num_failures as f64 / part.num_requests.max(1) as f64),
        average: figure(part.avg_response_time),
        median: part.median_response_time,
        p95: part.response_time_percentile_95,
        rps: figure(part.total_rps),
    };
    parts.map(part).collect()
}

/// What happened to the run, and when nothing of it is known.
fn happened(snapshot: &Snapshot) -> Vec<Happened> {
    let gaps = gaps(snapshot).into_iter().map(|gap| {
        let name = format!("nothing is known until {}", utc(gap.to));
        (gap.from, name)
    });
    let events = events(snapshot).into_iter();
    let mut all: Vec<_> = events
        .map(|event| (event.at as u64, event.name))
        .chain(gaps)
        .collect();
    all.sort_by_key(|(at, _)| *at);
    let left_out = all.len().saturating_sub(PAGE_ROWS);
    let happened = all.into_iter().skip(left_out);
    happened
        .map(|(at, name)| Happened {
            time: utc(at),
            name,
        })
        .collect()
}

fn ratios(run: &LoadedRun, at: Timestamp) -> Vec<Ratio> {
    let [of_class, of_all] = [false, true].map(|is_total| shares(run, at, is_total));
    let ratio = |name: String, of_class: f64, of_all: f64, tasks: Vec<Ratio>| Ratio {
        name,
        of_class: percent(of_class),
        of_all: percent(of_all),
        tasks,
    };
    of_class
        .into_iter()
        .zip(of_all)
        .map(|(class, all)| {
            let tasks = class.tasks.into_iter().zip(all.tasks);
            let tasks =
                tasks.map(|(task, all)| ratio(task.name, task.ratio, all.ratio, Vec::new()));
            ratio(class.name, 1.0, all.ratio, tasks.collect())
        })
        .collect()
}

fn graphs(snapshot: &Snapshot) -> Vec<Graph> {
    let moments: Vec<Moment> = charted(snapshot);
    if moments.is_empty() {
        return Vec::new();
    }
    let line = |label: &str, class, value: &dyn Fn(&Moment) -> Option<f64>| Line {
        label: label.to_owned(),
        class,
        values: moments.iter().map(value).collect(),
    };
    let times: Vec<u64> = moments.iter().map(|moment| moment.time).collect();
    let (events, gaps) = (events(snapshot), gaps(snapshot));
    let known = |time: u64| !gaps.iter().any(|gap| gap.holds(time));
    // an interval without requests has no response time
    let rates = vec![
        line("Requests/s", "rps", &|moment| {
            known(moment.time).then_some(moment.total.current_rps)
        }),
        line("Failures/s", "fails", &|moment| {
            known(moment.time).then_some(moment.total.current_fail_per_sec)
        }),
    ];
    let response_times = vec![
        line("95 %", "p95", &|moment| current(moment, 5)),
        line("Median", "p50", &|moment| current(moment, 0)),
    ];
    // nobody sends while the program is away
    let users = vec![line("Users", "users", &|moment| {
        Some(if known(moment.time) {
            moment.user_count
        } else {
            0
        } as f64)
    })];
    let graph = |title, unit, lines| Graph::new(title, unit, times.clone(), lines, &events, &gaps);
    let mut graphs = vec![
        graph("Requests per second", "", rates),
        graph("Response times (ms)", " ms", response_times),
        graph("Users", "", users),
    ];
    graphs.extend(ledger_graph(snapshot, &events, &gaps));
    graphs
}

fn current(moment: &Moment, number: usize) -> Option<f64> {
    let total = &moment.total;
    (total.current_rps > 0.0).then(|| total.current_percentiles[number] as f64)
}

/// The iterations a second: planned, recorded, skipped and missing.
fn ledger_graph(snapshot: &Snapshot, events: &[Event], gaps: &[Gap]) -> Option<Graph> {
    let history = snapshot.ledger_past.history();
    if history.ends.is_empty() {
        return None;
    }
    let line = |label: &str, class, counts: fn(&Columns) -> &Vec<u64>| {
        let counts = counts(&history.total).iter().zip(&history.seconds);
        let rate = |(&count, &seconds): (&u64, &u64)| count as f64 / seconds.max(1) as f64;
        Line {
            label: label.to_owned(),
            class,
            values: counts.map(rate).map(Some).collect(),
        }
    };
    let lines = vec![
        line("Planned", "planned", |columns| &columns.planned),
        line("Recorded", "recorded", |columns| &columns.recorded),
        line("Skipped", "skipped", |columns| &columns.skipped),
        line("Missing", "fails", |columns| &columns.missing),
    ];
    let title = "Iterations per second";
    Some(Graph::new(title, "", history.ends, lines, events, gaps))
}
