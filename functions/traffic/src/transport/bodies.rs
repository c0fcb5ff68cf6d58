//! The memory that the bodies of responses may take while they are read and checked: one budget for all
//! requests of a process, however many are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// The budget, unless a quarter of the memory is less.
const USUAL: u64 = 256 * 1024 * 1024;

/// The memory that all bodies may take together; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Bodies(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    bytes: u64,
    left: AtomicU64,
}

/// Bytes of the budget, given back when they are dropped.
#[derive(Debug)]
pub(super) struct BodyShare {
    budget: Bodies,
    bytes: u64,
}

/// A body with its share: the last copy of the body gives it back.
struct Kept {
    body: Bytes,
    _share: BodyShare,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Bodies {
    /// A budget that fits in `memory` bytes, if it is known how many there are.
    pub(super) fn within(memory: Option<u64>) -> Self {
        Self::of(memory.map_or(USUAL, |memory| USUAL.min(memory / 4)))
    }

    pub(super) fn of(bytes: u64) -> Self {
        Self(Arc::new(Budget {
            bytes,
            left: AtomicU64::new(bytes),
        }))
    }

    /// The share of a body of which nothing was read.
    pub(super) fn share(&self) -> BodyShare {
        BodyShare {
            budget: self.clone(),
            bytes: 0,
        }
    }

    fn take(&self, bytes: u64) -> bool {
        let left = &self.0.left;
        let less = |left: u64| left.checked_sub(bytes);
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}

impl BodyShare {
    /// Takes bytes that were read and are kept.
    ///
    /// # Errors
    /// The text of the request when the budget is used up.
    pub(super) fn add(&mut self, bytes: u64) -> Result<(), String> {
        if !self.budget.take(bytes) {
            return Err(format!(
                "response body not kept: {} MiB of bodies are being checked",
                self.budget.0.bytes >> 20
            ));
        }
        self.bytes += bytes;
        Ok(())
    }

    /// The body that has this share until its last copy is gone.
    pub(super) fn hold(self, body: Bytes) -> Bytes {
        if body.is_empty() {
            return body;
        }
        Bytes::from_owner(Kept { body, _share: self })
    }
}

impl Drop for BodyShare {
    fn drop(&mut self) {
        let left = &self.budget.0.left;
        left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(bodies: &Bodies) -> u64 {
        bodies.0.left.load(Ordering::Relaxed)
    }

    #[test]
    fn a_body_takes_of_the_budget_until_its_last_copy_is_gone() {
        let bodies = Bodies::of(3 << 20);
        let mut share = bodies.share();
        for _ in 0..2 {
            share.add(1 << 20).unwrap();
        }
        assert_eq!(left(&bodies), 1 << 20);
        let whole = share.hold(Bytes::from(vec![7; 2 << 20]));
        assert_eq!(whole, vec![7; 2 << 20]);
        let part = whole.slice(..10);
        drop(whole);
        assert_eq!(left(&bodies), 1 << 20);
        drop(part);
        assert_eq!(left(&bodies), 3 << 20);
    }

    #[test]
    fn what_finds_it_used_up_is_told_so_and_gives_its_part_back() {
        let bodies = Bodies::of(3 << 20);
        let mut first = bodies.share();
        first.add(2 << 20).unwrap();
        let mut second = bodies.share();
        second.add(1 << 20).unwrap();
        let error = second.add(1).unwrap_err();
        assert_eq!(
            error,
            "response body not kept: 3 MiB of bodies are being checked"
        );
        drop(second);
        assert_eq!(left(&bodies), 1 << 20);
        first.add(1 << 20).unwrap();
        drop(first.hold(Bytes::from_static(b"read")));
        assert_eq!(left(&bodies), 3 << 20);
    }

    #[test]
    fn it_is_at_most_a_quarter_of_the_memory() {
        assert_eq!(left(&Bodies::within(None)), 256 << 20);
        assert_eq!(left(&Bodies::within(Some(64 << 30))), 256 << 20);
        assert_eq!(left(&Bodies::within(Some(128 << 20))), 32 << 20);
    }
}
