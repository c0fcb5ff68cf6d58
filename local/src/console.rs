//! What a headless run prints: Locust's tables while it goes on and at its end, and the ledger.

use std::io::{self, Write as _};

use aggregator::ledger::Ledger;
use aggregator::reader::Snapshot;
use aggregator::report::table;

/// Prints the statistics as they are now: Locust's table.
///
/// # Errors
/// When standard output cannot be written, such as a pipe whose reader has gone.
pub fn print_current(snapshot: &Snapshot) -> io::Result<()> {
    print(&table::requests(
        &snapshot.stats.report(snapshot.at),
        true,
        table::NAME_WIDTH,
    ))
}

/// Prints the summary at the end: totals, percentiles, errors, and what became of the plan.
///
/// # Errors
/// As [`print_current`].
pub fn print_summary(snapshot: &Snapshot) -> io::Result<()> {
    let report = snapshot.stats.report(snapshot.at);
    print(&table::requests(&report, false, table::NAME_WIDTH))?;
    print(&table::percentiles(&report, table::NAME_WIDTH))?;
    if !report.errors.is_empty() {
        print(&table::errors(&report, table::NAME_WIDTH))?;
    }
    print(&ledger_lines(&snapshot.ledger))
}

/// What was planned and what became of it, in two lines.
fn ledger_lines(ledger: &Ledger) -> Vec<String> {
    let total = &ledger.total;
    let mut lines = vec![format!(
        "Ledger: {} planned = {} recorded + {} skipped + {} missing",
        total.planned, total.recorded, total.skipped, total.missing,
    )];
    if total.pending > 0 {
        lines[0].push_str(&format!(" + {} pending", total.pending));
    }
    if total.cut_off > 0 {
        lines.push(format!(
            "{} of the recorded were cut off by the stop timeout",
            total.cut_off
        ));
    }
    if total.duplicates > 0 {
        lines.push(format!("{} were executed twice", total.duplicates));
    }
    lines
}

fn print(lines: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    out.flush()
}
