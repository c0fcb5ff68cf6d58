//! Requests that are to be compared: the same thing done in two ways.

use std::sync::Arc;

/// Two requests that are compared with one another, from the `[pairs]` of a workload file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name that people call it by.
    pub name: Arc<str>,
    /// The HTTP method of both.
    pub method: Arc<str>,
    /// The request's name on side a.
    pub a: Arc<str>,
    /// The request's name on side b.
    pub b: Arc<str>,
}
