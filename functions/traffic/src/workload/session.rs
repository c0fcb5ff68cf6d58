//! Drawn and captured values, and those of them that stay with a user: its session.
//!
//! A session is a cache of the process that executes its user, never a part of the plan: it may be lost at any time, and
//! whoever executes the user without one begins one first.

use std::sync::Arc;

use minijinja::Value;

use super::values::MemoryShare;

/// The values of one user's session.
#[derive(Clone, Debug, Default)]
pub struct SessionValues(pub(super) Vec<NamedValue>);

/// A drawn or captured value.
#[derive(Clone, Debug)]
pub(super) struct NamedValue {
    pub(super) name: Arc<str>,
    pub(super) value: Value,
    /// The memory that a large captured value was taken from: it is given back with the value.
    _share: Option<Arc<MemoryShare>>,
}

impl NamedValue {
    /// A value that was drawn.
    pub(super) fn drawn(name: &Arc<str>, value: Value) -> Self {
        Self::captured(name, value, None)
    }

    /// A value of a response; `share` is the memory that a large one was taken from.
    pub(super) fn captured(name: &Arc<str>, value: Value, share: Option<Arc<MemoryShare>>) -> Self {
        Self {
            name: Arc::clone(name),
            value,
            _share: share,
        }
    }
}
