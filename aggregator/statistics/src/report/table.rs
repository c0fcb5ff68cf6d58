//! Locust's console tables, character by character.

use std::fmt::Write;

use super::{ErrorRow, PERCENTILE_NAMES, Report, Row};
use crate::visible::line as shown;

/// Characters of the column for names where the terminal does not say otherwise.
pub const NAME_WIDTH: usize = 80;

const METHOD_WIDTH: usize = 8;

/// The column for names on a terminal of so many columns; [`NAME_WIDTH`] where there is none.
pub fn name_width(terminal_columns: Option<usize>) -> usize {
    terminal_columns.map_or(NAME_WIDTH, |columns| {
        columns.saturating_sub(80).min(NAME_WIDTH)
    })
}

/// The table of requests: current rates, or those since the start.
pub fn requests(report: &Report, current: bool, name_width: usize) -> Vec<String> {
    // four characters are saved in other columns; Python takes a width below zero for its opposite
    let width = name_width.abs_diff(METHOD_WIDTH - 4);
    let dashes = name_width.saturating_sub(METHOD_WIDTH - 4);
    let separator = {
        let dashes =
            [METHOD_WIDTH, dashes, 7, 13, 7, 7, 7, 7, 8, 11].map(|count| "-".repeat(count));
        dashes.join("|")
    };
    let mut lines = vec![
        format!(
            "{:<METHOD_WIDTH$} {:<width$} {:>7} {:>12} |{:>7} {:>7} {:>7}{:>7} | {:>7} {:>11}",
            "Type", "Name", "# reqs", "# fails", "Avg", "Min", "Max", "Med", "req/s", "failures/s",
        ),
        separator.clone(),
    ];
    lines.extend(report.rows.iter().map(|row| request(row, current, width)));
    lines.push(separator);
    lines.push(request(&report.total, current, width));
    lines
}

fn request(row: &Row, current: bool, width: usize) -> String {
    let (rps, fail_per_sec) = if current {
        (row.current_rps, row.current_fail_per_sec)
    } else {
        (row.total_rps, row.total_fail_per_sec)
    };
    let method = if row.method.is_empty() {
        String::new()
    } else {
        format!("{} ", shown(&row.method))
    };
    let failures = format!("{}({:.2}%)", row.num_failures, row.fail_ratio * 100.0);
    format!(
        "{method:<METHOD_WIDTH$} {:<width$} {:>7} {failures:>12} |{:>7} {:>7} {:>7}{:>7} | {rps:>7.2} {fail_per_sec:>11.2}",
        shown(&row.name),
        row.num_requests,
        row.avg_response_time.trunc(),
        row.exact_min.unwrap_or(0.0).trunc(),
        row.exact_max.trunc(),
        row.median_response_time.as_f64().trunc(),
    )
}

/// The table of response-time percentiles.
pub fn percentiles(report: &Report, name_width: usize) -> Vec<String> {
    let columns =
        |cells: [String; PERCENTILE_NAMES.len()]| cells.map(|cell| format!("{cell:>6}")).join(" ");
    let separator = {
        let mut dashes = vec![
            "-".repeat(METHOD_WIDTH),
            "-".repeat(name_width),
            "-".repeat(8),
        ];
        dashes.extend(PERCENTILE_NAMES.map(|_| "-".repeat(6)));
        dashes.join("|")
    };
    let line = |row: &Row| {
        format!(
            "{:<METHOD_WIDTH$} {:<name_width$} {:>8} {}",
            shown(&row.method),
            shown(&row.name),
            row.percentiles[0],
            columns(shifted(row)),
        )
    };
    let mut lines = vec![
        "Response time percentiles (approximated)".to_owned(),
        format!(
            "{:<METHOD_WIDTH$} {:<name_width$} {:>8} {}",
            "Type",
            "Name",
            PERCENTILE_NAMES[0],
            columns(shifted_names()),
        ),
        separator.clone(),
    ];
    let counted = |row: &&Row| row.num_requests > 0;
    lines.extend(report.rows.iter().filter(counted).map(line));
    lines.push(separator);
    lines.extend(Some(&report.total).filter(counted).map(line));
    lines
}

/// The cells after the first: the wide first column takes the median, the last one the count.
fn shifted(row: &Row) -> [String; PERCENTILE_NAMES.len()] {
    let mut cells = row.percentiles.map(|percentile| percentile.to_string());
    cells.rotate_left(1);
    cells[PERCENTILE_NAMES.len() - 1] = row.num_requests.to_string();
    cells
}

fn shifted_names() -> [String; PERCENTILE_NAMES.len()] {
    let mut cells = PERCENTILE_NAMES.map(str::to_owned);
    cells.rotate_left(1);
    cells[PERCENTILE_NAMES.len() - 1] = "# reqs".to_owned();
    cells
}

/// The table of errors.
pub fn errors(report: &Report, name_width: usize) -> Vec<String> {
    let separator = format!("{}|{}", "-".repeat(18), "-".repeat(80 + name_width - 19));
    let mut lines = vec![
        "Error report".to_owned(),
        format!("{:18} {:100}", "# occurrences", "Error"),
        separator.clone(),
    ];
    lines.extend(report.errors.iter().map(error));
    lines.push(separator);
    lines.push(String::new());
    lines
}

fn error(row: &ErrorRow) -> String {
    let text = match row.error.strip_prefix("CatchResponseError(") {
        // without the closing parenthesis
        Some(inner) => {
            inner
                .split_at(inner.char_indices().next_back().map_or(0, |(at, _)| at))
                .0
        }
        None => &row.error,
    };
    let mut line = format!("{:<18} ", row.occurrences);
    let _ = write!(
        line,
        "{:<100}",
        shown(&format!("{} {}: {text}", row.method, row.name))
    );
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_what_a_terminal_has_left() {
        let widths = [None, Some(200), Some(100), Some(40)].map(name_width);
        assert_eq!(widths, [80, 80, 20, 0]);
    }
}
