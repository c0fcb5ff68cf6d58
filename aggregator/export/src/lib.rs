//! What is taken away and kept: tables as CSV and JSON in Locust's form, and a report as one page.
//!
//! All of it is said of a [`Snapshot`], of the newest run or of any other. Sending it over the web is
//! the API's part, writing files the command line's.

use jiff::tz::TimeZone;

use statistics::reader::Snapshot;
use statistics::report::time::for_a_file;

pub mod ab;
mod chart;
pub mod csv;
pub mod html;
pub mod json;
pub mod metrics;
mod python;

/// What stands where Locust has the name of its file of classes: a run knows its workload, not what the
/// file was called.
const WORKLOAD: &str = "workload.toml";

/// The name that Locust would give a download, up to what it is: the time of the start, the workload
/// and the host.
pub fn file_stem(snapshot: &Snapshot) -> String {
    let start = snapshot.stats.since().full_second().0;
    let host = host(snapshot).map_or_else(String::new, |host| format!("_{host}"));
    let stem = format!(
        "Locust_{}_{WORKLOAD}{host}",
        for_a_file(start, TimeZone::system())
    );
    // what a header could not hold, or would end the name in it
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | ';' | ',' | '\\');
    stem.replace(|c| !is_plain(c), "_")
}

/// The host that all of the run's traffic was asked to go to, if any was.
pub fn host(snapshot: &Snapshot) -> Option<&str> {
    let run = snapshot.run.as_ref()?.plan.run();
    run.segments.last()?.host.as_deref()
}
