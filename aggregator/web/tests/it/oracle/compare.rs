//! Our report beside Locust's answer: every field of every row, and the tables line by line.

use serde_json::Value;
use statistics::report::{PAGE_ROWS, Report, Row, table};
use statistics::state::State;
use statistics::visible;
use web::api::Requests;

const COUNTS: [&str; 5] = [
    "num_requests",
    "num_failures",
    "response_time_percentile_0.95",
    "response_time_percentile_0.99",
    "occurrences",
];

/// Panics where the two differ; `place` says which log and question it was.
pub(crate) fn compare(place: &str, report: &Report, locust: &Value, name_width: usize) {
    let page = to_value(&Requests::of(report.clone(), State::Running, 0, None, None));
    let rows: Vec<Value> = report.rows.iter().map(to_value).collect();
    let their_rows = list(&locust["rows"]);
    each(place, "rows", &rows, their_rows);
    fields(place, &to_value(&report.total), &locust["total"]);

    let shown: Vec<Value> = their_rows
        .iter()
        .take(PAGE_ROWS)
        .chain([&locust["total"]])
        .cloned()
        .collect();
    each(place, "stats", list(&page["stats"]), &shown);
    for row in list(&page["stats"]) {
        assert_eq!(row["requests_per_second"], row["current_rps"], "{place}");
    }
    for figure in [
        "current_rps",
        "current_fail_per_sec",
        "total_rps",
        "total_fail_per_sec",
    ] {
        number(place, figure, &page[figure], &locust["total"][figure]);
    }
    number(
        place,
        "fail_ratio",
        &page["fail_ratio"],
        &locust["fail_ratio"],
    );
    let current = &locust["current_response_time_percentiles"];
    assert_eq!(
        &page["current_response_time_percentiles"], current,
        "{place}"
    );
    for (legacy, key) in [("50", "0.5"), ("95", "0.95")] {
        let ours = &page[format!("current_response_time_percentile_{legacy}")];
        let theirs = &current[format!("response_time_percentile_{key}")];
        assert_eq!(ours, theirs, "{place}: current percentile {legacy}");
    }
    errors(place, report, &page, list(&locust["errors"]));
    tables(place, report, &locust["tables"], name_width);
}

fn to_value(row: &impl serde::Serialize) -> Value {
    serde_json::to_value(row).expect("a row is JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("it is a list")
}

fn each(place: &str, what: &str, ours: &[Value], theirs: &[Value]) {
    assert_eq!(ours.len(), theirs.len(), "{place}: number of {what}");
    for (ours, theirs) in ours.iter().zip(theirs) {
        fields(place, ours, theirs);
    }
}

/// Every field that Locust has.
fn fields(place: &str, ours: &Value, theirs: &Value) {
    let place = format!("{place}: {} {}", theirs["method"], theirs["name"]);
    for (field, theirs) in theirs.as_object().expect("it is an object") {
        let ours = &ours[field];
        if theirs.is_number() {
            number(&place, field, ours, theirs);
        } else {
            assert_eq!(ours, theirs, "{place}: {field}");
        }
        if COUNTS.contains(&field.as_str()) {
            assert!(
                ours.is_u64(),
                "{place}: {field} is {ours}, not a whole number"
            );
        }
        if field == "median_response_time" {
            assert_eq!(ours.is_u64(), theirs.is_u64(), "{place}: {field} is {ours}");
        }
    }
}

fn number(place: &str, field: &str, ours: &Value, theirs: &Value) {
    if ours.is_u64() && theirs.is_u64() {
        assert_eq!(ours, theirs, "{place}: {field}");
        return;
    }
    let difference = match (ours.as_f64(), theirs.as_f64()) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() / theirs.abs().max(1.0),
        _ => f64::INFINITY,
    };
    assert!(
        difference <= 1e-9,
        "{place}: {field} is {ours}, in Locust {theirs}"
    );
}

/// In order of first occurrence; where two came first at the same instant, in any order.
fn errors(place: &str, report: &Report, page: &Value, theirs: &[Value]) {
    let ours: Vec<Value> = report.errors.iter().map(to_value).collect();
    let first_seen = |errors: &[Value]| -> Vec<Value> {
        errors
            .iter()
            .map(|error| error["first_seen"].clone())
            .collect()
    };
    assert_eq!(
        first_seen(&ours),
        first_seen(theirs),
        "{place}: order of errors"
    );
    each(place, "errors", &sorted(&ours), &sorted(theirs));
    let shown = list(&page["errors"]);
    assert_eq!(shown, &ours[..ours.len().min(PAGE_ROWS)], "{place}");
    for error in shown {
        assert_eq!(error["occurences"], error["occurrences"], "{place}");
    }
}

fn sorted(errors: &[Value]) -> Vec<Value> {
    let mut errors = errors.to_vec();
    let text = |error: &Value, field: &str| error[field].to_string();
    errors.sort_by_key(|error| ["name", "method", "error"].map(|field| text(error, field)));
    errors
}

fn tables(place: &str, report: &Report, theirs: &Value, name_width: usize) {
    let lines_of = |table: &str| -> Vec<String> {
        let lines = list(&theirs[table]).iter();
        lines
            .map(|line| line.as_str().expect("a line").to_owned())
            .collect()
    };
    for (name, current) in [("current", true), ("total", false)] {
        let mut ours = table::requests(report, current, name_width);
        let mut theirs = lines_of(name);
        names_written_out(&report.rows, 2, &mut theirs, |method, name| {
            let space = if method.is_empty() { "" } else { " " };
            let width = name_width.abs_diff(4);
            format!("{:<8} {name:<width$} ", format!("{method}{space}"))
        });
        without_uncertain_means(report, &mut ours);
        without_uncertain_means(report, &mut theirs);
        lines(place, name, &ours, &theirs);
    }
    let percentiles = table::percentiles(report, name_width);
    let mut theirs = lines_of("percentiles");
    let counted = report.rows.iter().filter(|row| row.num_requests > 0);
    names_written_out(counted, 3, &mut theirs, |method, name| {
        format!("{method:<8} {name:<name_width$} ")
    });
    lines(place, "percentiles", &percentiles, &theirs);

    // Locust's table shows the address that its own key and its JSON leave out
    let address = "object at 0x....";
    if report
        .errors
        .iter()
        .any(|error| error.error.contains(address))
    {
        return;
    }
    let mut ours = table::errors(report, name_width);
    let mut theirs = lines_of("errors");
    theirs.iter_mut().for_each(error_written_out);
    let mut times = report.errors.windows(2);
    if times.any(|two| two[0].first_seen == two[1].first_seen) {
        ours.sort();
        theirs.sort();
    }
    lines(place, "errors", &ours, &theirs);
}

/// Locust writes names to the terminal as they are, we write out what a terminal would obey: of Locust's
/// lines, the cells of such names become what ours must be. All other lines stay as they are.
fn names_written_out<'r>(
    rows: impl IntoIterator<Item = &'r Row>,
    head: usize,
    table: &mut [String],
    cells: impl Fn(&str, &str) -> String,
) {
    for (row, line) in rows.into_iter().zip(table.iter_mut().skip(head)) {
        let (method, name) = (visible::line(&row.method), visible::line(&row.name));
        if method == *row.method && name == *row.name {
            continue;
        }
        if let Some(rest) = line.strip_prefix(&cells(&row.method, &row.name)) {
            *line = cells(&method, &name) + rest;
        }
    }
}

/// The same of a line of the table of errors: the number in 18 columns, the text in at least 100.
fn error_written_out(line: &mut String) {
    const TEXT: usize = 100;
    if visible::line(line) == *line {
        return;
    }
    let (number, padded) = line.split_at(19);
    let text = match padded.chars().count() {
        TEXT => padded.trim_end_matches(' '),
        _ => padded,
    };
    *line = format!("{number}{:<TEXT$}", visible::line(text));
}

/// Locust adds floats one after the other and then cuts the fraction off, so a mean that is a whole
/// number may lose a millisecond, depending on the order of the requests. Ours is exact.
fn without_uncertain_means(report: &Report, table: &mut [String]) {
    const HEAD: usize = 2;
    let rows = report.rows.iter().enumerate();
    for (number, row) in rows.chain([(report.rows.len() + 1, &report.total)]) {
        let mean = row.avg_response_time;
        let Some(line) = table.get_mut(number + HEAD) else {
            continue;
        };
        if mean > 0.0 && (mean - mean.round()).abs() < 1e-9 * mean {
            let (left, rates) = line.rsplit_once(" | ").expect("rates come last");
            let (left, times) = left.rsplit_once(" |").expect("times come before");
            let times = times
                .trim_start()
                .split_once(' ')
                .expect("the mean comes first")
                .1;
            *line = format!("{left} | ? {times} | {rates}");
        }
    }
}

fn lines(place: &str, table: &str, ours: &[String], theirs: &[String]) {
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours, theirs, "{place}: table of {table}");
    }
    assert_eq!(
        ours.len(),
        theirs.len(),
        "{place}: lines in the table of {table}"
    );
}
