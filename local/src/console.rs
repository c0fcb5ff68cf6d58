//! The output of a headless run on standard error: Locust's tables while it goes on and at its end, and the ledger. On a
//! terminal they fit its width, and are drawn anew in place.

use std::io::{self, Write as _};

use export::json;
use statistics::ledger::Ledger;
use statistics::reader::Snapshot;
use statistics::report::table;
use statistics::thresholds::Judged;

use crate::screen::Screen;

mod fitted;
mod terminal;

/// Shows the statistics as they are now: Locust's table, or a block on a terminal.
pub fn print_current(screen: &Screen, snapshot: &Snapshot) -> io::Result<()> {
    if let Some(size) = screen.size() {
        screen.show(&terminal::block(snapshot, size));
        return Ok(());
    }
    screen.print(&table::requests(
        &snapshot.report(),
        true,
        table::NAME_WIDTH,
    ))
}

/// Prints the summary at the end: totals, percentiles, errors, and the ledger.
pub fn print_summary(screen: &Screen, snapshot: &Snapshot) -> io::Result<()> {
    let report = snapshot.report();
    if let Some(size) = screen.size() {
        for lines in terminal::summary(&report, size) {
            screen.print(&lines)?;
        }
    } else {
        screen.print(&table::requests(&report, false, table::NAME_WIDTH))?;
        screen.print(&table::percentiles(&report, table::NAME_WIDTH))?;
        if !report.errors.is_empty() {
            screen.print(&table::errors(&report, table::NAME_WIDTH))?;
        }
    }
    screen.print(&ledger_lines(&snapshot.ledger))
}

/// Prints the verdict of each threshold.
pub fn print_thresholds(screen: &Screen, judged: &[Judged]) -> io::Result<()> {
    let lines: Vec<String> = judged.iter().map(Judged::line).collect();
    screen.print(&lines)
}

/// Prints the statistics as JSON, with a line feed after it.
pub fn print_json(snapshot: &Snapshot) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", json::statistics(snapshot))?;
    out.flush()
}

/// The counts of the ledger, in one line; up to three more: iterations cut off, iterations executed twice, and that
/// response times include our own waiting.
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
    if let Some(starved) = &ledger.starved {
        lines.push(starved.message.to_string());
    }
    lines
}
