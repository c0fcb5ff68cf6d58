//! The forms in which statistics leave Cicada: CSV and JSON as Locust's, a report as one page, A/B, and Prometheus.
//!
//! Each is made from a [`Snapshot`] of the newest run or of any other. Sending them over the web is the API's part,
//! writing files the command line's.

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
#[cfg(test)]
mod streamed_report;

/// The name in the place of Locust's file of classes: a run has its workload, but not the name of the file.
const WORKLOAD: &str = "workload.toml";

/// The beginning of Locust's name for a download: the time of the start, the workload and the host.
pub fn file_stem(snapshot: &Snapshot) -> String {
    let start = snapshot.stats.since().full_second().0;
    let host = host(snapshot).map_or_else(String::new, |host| format!("_{host}"));
    let stem = format!(
        "Locust_{}_{WORKLOAD}{host}",
        for_a_file(start, TimeZone::system())
    );
    // other characters cannot be in a header, or end the name in it
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | ';' | ',' | '\\');
    stem.replace(|c| !is_plain(c), "_")
}

/// The host of all of the run's traffic, if it was given one.
pub fn host(snapshot: &Snapshot) -> Option<&str> {
    let run = snapshot.run.as_ref()?.plan.run();
    run.segments.last()?.host.as_deref()
}

/// A number with at most `digits` digits after the point, without zeros at the end.
fn trimmed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
