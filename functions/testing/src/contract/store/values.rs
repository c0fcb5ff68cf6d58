//! Values that the tests of a store share.

use std::sync::Arc;

use traffic::clock::Timestamp;
use traffic::ports::StoreError;
use traffic::run::RunId;

/// The name of a run; a higher number is a newer one.
pub(super) fn run_id(number: u64) -> RunId {
    RunId::new(created_at(number), 0xdead_beef)
}

pub(super) fn created_at(number: u64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000 + 1_000 * number)
}

pub(super) fn class(name: &str) -> Arc<str> {
    name.into()
}

#[track_caller]
pub(super) fn ok<T>(result: Result<T, StoreError>) -> T {
    result.unwrap_or_else(|error| panic!("the store failed: {error:?}"))
}
