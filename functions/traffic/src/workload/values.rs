//! The memory that the values made of responses' bodies may take: one budget for all that are judged or kept
//! by a process.
//!
//! A body of small numbers, lists or objects takes up to eighty times its length as values. What they take is
//! estimated while they are made, and given back when neither the response nor an iteration that has captured
//! something large of it is left.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The budget, unless a quarter of the memory is less.
const USUAL: u64 = 256 * 1024 * 1024;

/// The memory of a body is noted in pieces of so many bytes, so that most bodies touch nothing that is shared.
const PIECE: u64 = 64 * 1024;

/// The memory that the values of all bodies may take together.
struct Budget {
    bytes: u64,
    left: AtomicU64,
}

/// The part of one body's values, given back when it is dropped.
#[derive(Debug, Default)]
pub(super) struct MemoryShare {
    /// The bytes that were taken of the budget.
    taken: AtomicU64,
    /// The bytes that the values take.
    used: AtomicU64,
}

/// There is no memory for more values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the body's values take too much memory: those of all responses together have {} MiB",
    .bytes >> 20
)]
pub(super) struct TooLarge {
    bytes: u64,
}

fn budget() -> &'static Budget {
    static BUDGET: OnceLock<Budget> = OnceLock::new();
    BUDGET.get_or_init(|| {
        let bytes = crate::machine::memory().map_or(USUAL, |memory| USUAL.min(memory / 4));
        Budget {
            bytes,
            left: AtomicU64::new(bytes),
        }
    })
}

impl MemoryShare {
    /// Takes bytes for values that are about to be made.
    pub(super) fn take(&self, bytes: u64) -> Result<(), TooLarge> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let taken = self.taken.load(Ordering::Relaxed);
        // nothing is noted of what is small
        if used <= taken + PIECE {
            return Ok(());
        }
        let more = used - taken;
        let budget = budget();
        let less = |left: u64| left.checked_sub(more);
        let took = (budget.left).fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        if took.is_err() {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(TooLarge {
                bytes: budget.bytes,
            });
        }
        self.taken.fetch_add(more, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        let taken = *self.taken.get_mut();
        if taken > 0 {
            budget().left.fetch_add(taken, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_given_back_and_no_more_is_given_than_there_is() {
        let all = budget().bytes;
        let share = MemoryShare::default();
        share.take(PIECE).unwrap();
        assert_eq!(share.taken.load(Ordering::Relaxed), 0, "it is small");
        let error = share.take(all).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the body's values take too much memory: those of all responses together have {} MiB",
                all >> 20
            )
        );
        for _ in 0..1_000 {
            let share = MemoryShare::default();
            share.take(all / 8).unwrap();
            share.take(1).unwrap();
        }
    }
}
