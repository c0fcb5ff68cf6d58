//! The ports in memory: crate `traffic` has them (feature `contract`), under the same contract as all.

pub(crate) use traffic::memory::{MemoryHeartbeat, MemoryQueue, MemoryStore};
