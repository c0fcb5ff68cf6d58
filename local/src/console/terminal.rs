//! What a terminal shows of a run: a block while it goes on, and tables at its end, both as wide as the terminal.

use std::time::Duration;

use console::{style, truncate_str};
use statistics::reader::Snapshot;
use statistics::report::{ErrorRow, PERCENTILE_NAMES, Report, Row};
use statistics::state::State;
use statistics::visible::line as shown;

use super::fitted::{Cells, Column, table, wrapped};
use crate::screen::Size;

/// Locust's columns of requests.
const REQUESTS: [Column; 9] = [
    Column::new("# reqs", 0),
    Column::new("# fails", 0),
    Column::new("Avg", 2),
    Column::new("Min", 4),
    Column::new("Max", 3),
    Column::new("Med", 0),
    Column::new("95%", 1),
    Column::new("req/s", 0),
    Column::new("failures/s", 5),
];

/// The ranks of the columns of percentiles: the median, 95 %, 99 % and the maximum stay.
const PERCENTILE_RANKS: [u8; PERCENTILE_NAMES.len()] = [0, 6, 5, 4, 1, 0, 3, 0, 2, 7, 0];

/// The index of 95 % among the percentiles.
const P95: usize = 5;

/// The lines around the rows of a block: heading, rule, total, how many rows are left out, progress, and the cursor's.
const FRAME: usize = 6;

/// The columns before the text of an error.
const INDENT: usize = 10;

/// The block while the run goes on: the busiest rows that fit, all together, and one line of progress.
pub(super) fn block(snapshot: &Snapshot, size: Size) -> Vec<String> {
    let report = snapshot.report();
    let fitting = size.rows.saturating_sub(FRAME).max(1);
    let mut rows: Vec<&Row> = report.rows.iter().collect();
    let left_out = rows.len().saturating_sub(fitting);
    if left_out > 0 {
        rows.sort_by_key(|row| std::cmp::Reverse(row.num_requests));
        rows.truncate(fitting);
    }
    let rows: Vec<Cells> = rows.into_iter().map(|row| requests(row, true)).collect();
    let mut lines = table(
        &REQUESTS,
        &rows,
        &requests(&report.total, true),
        size.columns,
    );
    if left_out > 0 {
        lines.push(format!("and {left_out} more rows"));
    }
    lines.push(progress(snapshot, &report, size.columns));
    lines
}

/// The tables at the end: requests, percentiles, and errors if there are any.
pub(super) fn summary(report: &Report, size: Size) -> Vec<Vec<String>> {
    let rows: Vec<Cells> = report.rows.iter().map(|row| requests(row, false)).collect();
    let total = requests(&report.total, false);
    let mut tables = vec![table(&REQUESTS, &rows, &total, size.columns)];
    let counted: Vec<Cells> = report
        .rows
        .iter()
        .filter(|row| row.num_requests > 0)
        .map(percentiles)
        .collect();
    if !counted.is_empty() {
        let columns: Vec<Column> = PERCENTILE_NAMES
            .iter()
            .zip(PERCENTILE_RANKS)
            .map(|(title, rank)| Column::new(title, rank))
            .collect();
        let total = percentiles(&report.total);
        let mut lines = vec!["Response time percentiles (approximated)".to_owned()];
        lines.extend(table(&columns, &counted, &total, size.columns));
        tables.push(lines);
    }
    if !report.errors.is_empty() {
        let mut lines = vec![style("Error report").for_stderr().bold().to_string()];
        lines.extend(
            report
                .errors
                .iter()
                .flat_map(|row| error(row, size.columns)),
        );
        tables.push(lines);
    }
    tables
}

/// One line: state, time, users, rate, failures, and response times of the last ten seconds.
fn progress(snapshot: &Snapshot, report: &Report, width: usize) -> String {
    let state = snapshot.state();
    let mut parts = vec![state.as_str().to_owned()];
    if let Some(run) = &snapshot.run {
        let run = run.plan.run();
        let lasted = clock(run.lasted(snapshot.at));
        parts.push(match run.ends() {
            Some(end) => format!("{lasted} of {}", clock(end.since(run.starts()))),
            None => lasted,
        });
        let wanted = run.segments.last().map_or(0, |segment| segment.user_count);
        let users = snapshot.user_count();
        parts.push(match state {
            State::Spawning => format!("{users} of {wanted} users"),
            _ => format!("{users} users"),
        });
    }
    parts.push(format!("{:.1} req/s", report.total.current_rps));
    parts.push(format!("{:.2}% failed", report.total.fail_ratio * 100.0));
    let current = report.current_response_time_percentiles.p95;
    parts.push(current.map_or("p95 -".to_owned(), |p95| format!("p95 {p95} ms")));
    let line = parts.join("  ");
    let line = truncate_str(&line, width, "…");
    style(line).for_stderr().cyan().to_string()
}

/// Hours, minutes and seconds; whole seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours}:{minutes:02}:{seconds:02}")
}

/// Method and name in one column; many a name begins with its method.
fn name(method: &str, name: &str) -> String {
    let rest = name.strip_prefix(method);
    if method.is_empty() || rest.is_some_and(|rest| rest.starts_with(' ')) {
        return shown(name).into_owned();
    }
    shown(&format!("{method} {name}")).into_owned()
}

fn requests(row: &Row, current: bool) -> Cells {
    let (rps, failures) = if current {
        (row.current_rps, row.current_fail_per_sec)
    } else {
        (row.total_rps, row.total_fail_per_sec)
    };
    let whole = |milliseconds: f64| format!("{}", milliseconds.trunc());
    Cells {
        name: name(&row.method, &row.name),
        figures: vec![
            row.num_requests.to_string(),
            format!("{}({:.2}%)", row.num_failures, row.fail_ratio * 100.0),
            whole(row.avg_response_time),
            whole(row.exact_min.unwrap_or(0.0)),
            whole(row.exact_max),
            whole(row.median_response_time.as_f64()),
            row.percentiles[P95].to_string(),
            format!("{rps:.2}"),
            format!("{failures:.2}"),
        ],
        has_failed: row.num_failures > 0,
    }
}

fn percentiles(row: &Row) -> Cells {
    Cells {
        name: name(&row.method, &row.name),
        figures: row.percentiles.iter().map(u64::to_string).collect(),
        has_failed: false,
    }
}

/// How often an error occurred, and its whole text.
fn error(row: &ErrorRow, width: usize) -> Vec<String> {
    let text = format!("{}: {}", name(&row.method, &row.name), row.error);
    let line = format!("{:<INDENT$}{}", row.occurrences, shown(&text));
    let lines = wrapped(&line, INDENT, width);
    let red = |line: &String| style(line).for_stderr().red().to_string();
    lines.iter().map(red).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_its_method_once() {
        assert_eq!(name("GET", "/a"), "GET /a");
        assert_eq!(name("GET", "GET /a"), "GET /a");
        assert_eq!(name("GET", "GETTY"), "GET GETTY");
        assert_eq!(name("", "Aggregated"), "Aggregated");
    }

    #[test]
    fn time_is_said_in_hours_minutes_and_seconds() {
        let said = [0, 59, 61, 3_600, 360_000].map(|seconds| clock(Duration::from_secs(seconds)));
        assert_eq!(
            said,
            ["0:00:00", "0:00:59", "0:01:01", "1:00:00", "100:00:00"]
        );
    }
}
