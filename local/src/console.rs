//! What a headless run prints: Locust's tables while it goes on and at its end, and the ledger.

use std::io::{self, Write as _};

use export::json;
use statistics::ledger::Ledger;
use statistics::reader::Snapshot;
use statistics::report::table;

/// Where tables are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tables {
    /// On standard output.
    Stdout,
    /// On standard error.
    Stderr,
    /// Nowhere.
    Nowhere,
}

/// Prints the statistics as they are now: Locust's table.
///
/// # Errors
/// When standard output cannot be written, such as a pipe whose reader has gone.
pub fn print_current(tables: Tables, snapshot: &Snapshot) -> io::Result<()> {
    let report = snapshot.report();
    tables.print(&table::requests(&report, true, table::NAME_WIDTH))
}

/// Prints the summary at the end: totals, percentiles, errors, and what became of the plan.
///
/// # Errors
/// As [`print_current`].
pub fn print_summary(tables: Tables, snapshot: &Snapshot) -> io::Result<()> {
    let report = snapshot.report();
    tables.print(&table::requests(&report, false, table::NAME_WIDTH))?;
    tables.print(&table::percentiles(&report, table::NAME_WIDTH))?;
    if !report.errors.is_empty() {
        tables.print(&table::errors(&report, table::NAME_WIDTH))?;
    }
    tables.print(&ledger_lines(&snapshot.ledger))
}

/// Prints the statistics as JSON, with a line feed after it.
///
/// # Errors
/// As [`print_current`].
pub fn print_json(snapshot: &Snapshot) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", json::statistics(snapshot))?;
    out.flush()
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

impl Tables {
    fn print(self, lines: &[String]) -> io::Result<()> {
        match self {
            Self::Stdout => print(&mut io::stdout().lock(), lines),
            Self::Stderr => print(&mut io::stderr().lock(), lines),
            Self::Nowhere => Ok(()),
        }
    }
}

fn print(out: &mut impl io::Write, lines: &[String]) -> io::Result<()> {
    for line in lines {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    out.flush()
}
