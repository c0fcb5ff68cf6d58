//! What conversion depends on beside the files, and what it comes to.

use crate::problem::Problems;

/// The beginning of every workload that was made of locustfiles.
pub(crate) const MARK: &str = "# Converted from ";

/// True for the text of a workload that was made of locustfiles.
pub fn is_converted(workload: &str) -> bool {
    workload.starts_with(MARK)
}

/// What else conversion depends on.
pub(crate) struct Options<'o> {
    pub(crate) environment: &'o dyn Fn(&str) -> Option<String>,
    pub(crate) host: Option<&'o str>,
}

/// What locustfiles hold.
#[derive(Debug)]
pub struct Reading {
    /// The classes of users that Locust would run, in the order of the files.
    pub user_classes: Vec<String>,
    /// The workload, or what it cannot say.
    pub conversion: Result<Conversion, Problems>,
}

/// A workload that was made of locustfiles.
#[derive(Debug)]
pub struct Conversion {
    /// The text, which the reader of workloads has taken.
    pub toml: String,
    /// Its classes.
    pub classes: Vec<String>,
    /// Its load shapes.
    pub shapes: Vec<String>,
}
