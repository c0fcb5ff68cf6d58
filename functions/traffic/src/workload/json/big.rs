//! Integers of more than 128 bits, which templates can show, keep and compare with one another.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{DynObject, Object, ObjectRepr};

/// An integer by its digits, so that an id is sent back as it came.
#[derive(Debug)]
pub(super) struct BigInt(Box<str>);

impl BigInt {
    /// An integer as JSON writes it.
    pub(super) fn new(number: &str) -> Self {
        Self(number.into())
    }

    pub(super) fn digits(&self) -> &str {
        &self.0
    }

    fn is_negative(&self) -> bool {
        self.0.starts_with('-')
    }
}

impl Object for BigInt {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        // no number here has leading zeros, so the longer one is further from zero
        let by_size = self.0.len().cmp(&other.0.len());
        let by_size = by_size.then_with(|| self.0.cmp(&other.0));
        Some(match (self.is_negative(), other.is_negative()) {
            (false, false) => by_size,
            (true, true) => by_size.reverse(),
            (negative, _) if negative => Ordering::Less,
            _ => Ordering::Greater,
        })
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
