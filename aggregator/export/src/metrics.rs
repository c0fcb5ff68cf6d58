//! Prometheus metrics of a run: `GET /metrics`.
//!
//! Metrics that begin with `locust_` have the names, labels and types of the exporters that people run beside Locust, so
//! that their dashboards and alerts work without one; their response times are milliseconds. Metrics that Locust does
//! not have begin with `cicada_`. `text` writes the format.

use statistics::ledger::{Account, Ledger};
use statistics::reader::Snapshot;
use statistics::report::{ErrorRow, Report, Row, page_rows};
use statistics::state::State;

mod custom_metrics;
mod streams;
mod text;

use text::{Exposition, Kind};

/// The content type of what [`render`] writes.
pub const CONTENT_TYPE: &str = text::CONTENT_TYPE;

/// The most bytes of labels of the rows, of the errors and of the classes, so that an answer stays below a few
/// megabytes for every name; those that do not fit are left out and counted.
const LABEL_BYTES: usize = 96 * 1024;

/// The name of all classes together, as of all requests.
const ALL: &str = "Aggregated";

/// A figure of a row: the end of its name, its help text, and its value.
type Figure = (&'static str, &'static str, fn(&Row) -> f64);

const FIGURES: [Figure; 11] = [
    (
        "num_requests",
        "Requests since the start or the last reset.",
        |row| row.num_requests as f64,
    ),
    ("num_failures", "Failures among them.", |row| {
        row.num_failures as f64
    }),
    (
        "avg_response_time",
        "Mean response time in milliseconds.",
        |row| row.avg_response_time,
    ),
    (
        "min_response_time",
        "Fastest response in milliseconds.",
        |row| row.min_response_time,
    ),
    (
        "max_response_time",
        "Slowest response in milliseconds.",
        |row| row.max_response_time,
    ),
    (
        "median_response_time",
        "Median response time in milliseconds.",
        |row| row.median_response_time.as_f64(),
    ),
    (
        "response_time_percentile_95",
        "95th percentile of response times in milliseconds.",
        |row| row.response_time_percentile_95 as f64,
    ),
    (
        "response_time_percentile_99",
        "99th percentile of response times in milliseconds.",
        |row| row.response_time_percentile_99 as f64,
    ),
    (
        "current_rps",
        "Requests a second in about the last ten seconds.",
        |row| row.current_rps,
    ),
    (
        "current_fail_per_sec",
        "Failures a second in about the last ten seconds.",
        |row| row.current_fail_per_sec,
    ),
    (
        "avg_content_length",
        "Mean length of a response's body in bytes.",
        |row| row.avg_content_length,
    ),
];

/// A count of the ledger's: the middle of its name, its help text, and its value.
type Count = (&'static str, &'static str, fn(&Account) -> u64);

const COUNTS: [Count; 8] = [
    (
        "planned",
        "Iterations that were due so far in this run.",
        |account| account.planned,
    ),
    ("recorded", "Iterations that ran.", |account| {
        account.recorded
    }),
    (
        "cut_off",
        "Iterations among those that the stop timeout has ended.",
        |account| account.cut_off,
    ),
    (
        "failed",
        "Iterations among those whose user's session could not be begun.",
        |account| account.failed,
    ),
    (
        "skipped",
        "Iterations that were left out because their user was still busy.",
        |account| account.skipped,
    ),
    (
        "missing",
        "Iterations that left no trace: nothing ran, or nothing could be written.",
        |account| account.missing,
    ),
    (
        "duplicates",
        "How often an iteration ran more often than planned.",
        |account| account.duplicates,
    ),
    (
        "unplanned",
        "Iterations that ran without being planned: 0 unless something is broken.",
        |account| account.unplanned,
    ),
];

/// All metrics of a snapshot in Prometheus's text format.
pub fn render(snapshot: &Snapshot) -> String {
    let report = snapshot.report();
    let mut out = Exposition::default();
    runner(&mut out, snapshot, &report);
    let rows = requests(&mut out, report.rows, report.total);
    let errors = errors(&mut out, &report.errors);
    let classes = ledger(&mut out, &snapshot.ledger);
    custom_metrics::write(&mut out, &statistics::custom_metrics::figures(snapshot));
    out.family(
        "cicada_metrics_left_out",
        Kind::Gauge,
        "Rows, errors and classes that are left out here since there are too many.",
    );
    for (of, left_out) in [("requests", rows), ("errors", errors), ("classes", classes)] {
        out.sample("cicada_metrics_left_out", &[("of", of)], left_out as f64);
    }
    out.into_text()
}

/// The state of the traffic.
fn runner(out: &mut Exposition, snapshot: &Snapshot, report: &Report) {
    let state = snapshot.state();
    let users = snapshot.user_count() as f64;
    let running = match state {
        State::Running => 2.0,
        State::Spawning => 1.0,
        _ => 0.0,
    };
    let gauges = [
        ("locust_up", "1: statistics can be read.", 1.0),
        ("locust_users", "Users that are active.", users),
        ("locust_user_count", "The same as locust_users.", users),
        (
            "locust_running",
            "What users do: 0 none are there, 1 their number changes, 2 all are there.",
            running,
        ),
        (
            "locust_workers_count",
            "Workers: there are none to count.",
            0.0,
        ),
        (
            "locust_requests_fail_ratio",
            "Failures by requests since the start or the last reset.",
            report.total.fail_ratio,
        ),
        (
            "locust_fail_ratio",
            "The same as locust_requests_fail_ratio.",
            report.total.fail_ratio,
        ),
    ];
    for (name, help, value) in gauges {
        out.gauge(name, help, &[], value);
    }
    let labels = [("state", state.as_str())];
    out.gauge("locust_state", "1: the state is this one.", &labels, 1.0);
    let current = report.current_response_time_percentiles;
    for (percent, value) in [("50", current.median), ("95", current.p95)] {
        let name = format!("locust_requests_current_response_time_percentile_{percent}");
        let help = format!(
            "Percentile {percent} of response times of about the last ten seconds in milliseconds."
        );
        out.family(&name, Kind::Gauge, &help);
        if let Some(value) = value {
            out.sample(&name, &[], value as f64);
        }
    }
    about(out, snapshot);
}

/// The version of the program, and the run.
fn about(out: &mut Exposition, snapshot: &Snapshot) {
    let labels = [("version", env!("CARGO_PKG_VERSION"))];
    out.gauge(
        "cicada_build_info",
        "1: the program's version.",
        &labels,
        1.0,
    );
    out.family(
        "cicada_run_info",
        Kind::Gauge,
        "1: the newest run and its workload's version.",
    );
    if let Some(run) = &snapshot.run {
        let run = run.plan.run();
        let labels = [("run", run.id.0.as_str()), ("workload", &run.workload)];
        out.sample("cicada_run_info", &labels, 1.0);
    }
}

/// Writes the rows of the statistics; the number of those left out.
fn requests(out: &mut Exposition, rows: Vec<Row>, total: Row) -> usize {
    let known = rows.len() + 1;
    let rows = page_rows(rows, total);
    let sizes = rows.iter().map(|row| row.method.len() + row.name.len());
    let left_out = known - rows.len();
    // the last row, which is of all requests, is always there
    let fitting = fitting(sizes).min(rows.len() - 1);
    let shown = || rows[..fitting].iter().chain(rows.last());
    for (figure, help, value) in FIGURES {
        let name = format!("locust_requests_{figure}");
        out.family(&name, Kind::Gauge, help);
        for row in shown() {
            let labels = [("method", &*row.method), ("name", &*row.name)];
            out.sample(&name, &labels, value(row));
        }
    }
    streams::streams(out, shown());
    left_out + rows.len() - 1 - fitting
}

/// Writes the errors; the number of those left out.
fn errors(out: &mut Exposition, errors: &[ErrorRow]) -> usize {
    out.family(
        "locust_errors",
        Kind::Gauge,
        "How often an error was seen since the start or the last reset.",
    );
    let sizes = errors
        .iter()
        .map(|row| row.method.len() + row.name.len() + row.error.len());
    let fitting = fitting(sizes).min(statistics::report::PAGE_ROWS);
    for row in errors.iter().take(fitting) {
        let labels = [
            ("method", &*row.method),
            ("name", &*row.name),
            ("error", &*row.error),
        ];
        out.sample("locust_errors", &labels, row.occurrences as f64);
    }
    errors.len().saturating_sub(fitting)
}

/// Writes the ledger; the number of classes left out.
fn ledger(out: &mut Exposition, ledger: &Ledger) -> usize {
    let fitting = fitting(ledger.classes.keys().map(|class| class.len()));
    let classes = || ledger.classes.iter().take(fitting);
    for (count, help, value) in COUNTS {
        let name = format!("cicada_ledger_{count}_total");
        out.family(&name, Kind::Counter, help);
        for (class, account) in classes() {
            out.sample(&name, &[("class", class)], value(account) as f64);
        }
    }
    out.family(
        "cicada_ledger_pending",
        Kind::Gauge,
        "Iterations of which a record may still come.",
    );
    for (class, account) in classes() {
        let labels = [("class", &**class)];
        out.sample("cicada_ledger_pending", &labels, account.pending as f64);
    }
    out.family(
        "cicada_ledger_unreadable_records_total",
        Kind::Counter,
        "Records that cannot be read: what they hold is missing.",
    );
    let unreadable = ledger.unreadable_records as f64;
    out.sample("cicada_ledger_unreadable_records_total", &[], unreadable);
    out.family(
        "cicada_lateness_seconds",
        Kind::Summary,
        "How long after their instant iterations were sent: never part of a response time.",
    );
    let all = (ALL, &ledger.total);
    for (class, account) in classes()
        .map(|(class, account)| (&**class, account))
        .chain([all])
    {
        lateness(out, class, account);
    }
    out.gauge(
        "cicada_starved",
        "1: response times include Cicada's own waiting: lateness at p95 is above 50 ms.",
        &[],
        f64::from(u8::from(ledger.starved.is_some())),
    );
    ledger.classes.len() - fitting.min(ledger.classes.len())
}

fn lateness(out: &mut Exposition, class: &str, account: &Account) {
    let late = account.lateness_ms;
    for (quantile, milliseconds) in [
        ("0.5", late.p50),
        ("0.95", late.p95),
        ("0.99", late.p99),
        ("1", late.max),
    ] {
        let labels = [("class", class), ("quantile", quantile)];
        out.sample("cicada_lateness_seconds", &labels, milliseconds / 1e3);
    }
}

/// The number of labels of these sizes that fit in an answer.
fn fitting(sizes: impl Iterator<Item = usize>) -> usize {
    let mut total = 0;
    sizes
        .take_while(|size| {
            total += size;
            total <= LABEL_BYTES
        })
        .count()
}
