//! Locust's console tables, character by character.

use super::{ErrorRow, PERCENTILE_NAMES, Report, Row};
use crate::visible::line as shown;

/// The characters of the column for names without a terminal.
pub const NAME_WIDTH: usize = 80;

const METHOD_WIDTH: usize = 8;

/// The characters of the column for names on a terminal with this number of columns.
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
    let dashes = [METHOD_WIDTH, dashes, 7, 13, 7, 7, 7, 7, 8, 11];
    let separator = dashes.map(|count| "-".repeat(count)).join("|");
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
    let dashes = [METHOD_WIDTH, name_width, 8].into_iter();
    let dashes = dashes.chain(PERCENTILE_NAMES.map(|_| 6));
    let separator: Vec<_> = dashes.map(|count| "-".repeat(count)).collect();
    let separator = separator.join("|");
    let line = |row: &Row| {
        format!(
            "{:<METHOD_WIDTH$} {:<name_width$} {:>8} {}",
            shown(&row.method),
            shown(&row.name),
            row.percentiles[0],
            columns(shifted(row.percentiles, &row.num_requests)),
        )
    };
    let mut lines = vec![
        "Response time percentiles (approximated)".to_owned(),
        format!(
            "{:<METHOD_WIDTH$} {:<name_width$} {:>8} {}",
            "Type",
            "Name",
            PERCENTILE_NAMES[0],
            columns(shifted(PERCENTILE_NAMES, &"# reqs")),
        ),
        separator.clone(),
    ];
    let counted = |row: &&Row| row.num_requests > 0;
    lines.extend(report.rows.iter().filter(counted).map(line));
    lines.push(separator);
    lines.extend(Some(&report.total).filter(counted).map(line));
    lines
}

/// The cells after the first: the wide first column has the median, the last one the count.
fn shifted<const N: usize>(percentiles: [impl ToString; N], count: &dyn ToString) -> [String; N] {
    let mut cells = percentiles.map(|percentile| percentile.to_string());
    cells.rotate_left(1);
    cells[N - 1] = count.to_string();
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
    let mut text = &*row.error;
    if let Some(inner) = text.strip_prefix("CatchResponseError(") {
        // without the closing parenthesis
        let mut inner = inner.chars();
        inner.next_back();
        text = inner.as_str();
    }
    let text = format!("{} {}: {text}", row.method, row.name);
    format!("{:<18} {:<100}", row.occurrences, shown(&text))
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
