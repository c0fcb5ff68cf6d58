//! What tests of all crates share; no program depends on it.
//!
//! [`contract`] is what every adapter of a port must do. The twins of the ports in memory are
//! [`traffic::memory`]'s; [`FaultyStore`] and [`FaultyQueue`] are such twins that take their time, count their
//! calls, and fail when a test tells them to. [`tools`] are the programs that results are
//! checked with, and [`Recorder`] is a target that remembers its requests.

#![expect(clippy::unwrap_used, reason = "it is tests that call this")]

use std::sync::Arc;

use traffic::clock::Clock;
use traffic::deployment::Deployment;
use traffic::ports::RunStore;
use traffic::runs::Runs;

pub mod contract;
mod faulty_queue;
mod faulty_store;
mod ledger;
mod recorder;
pub mod tools;

pub use faulty_queue::FaultyQueue;
pub use faulty_store::{Calls, FaultyStore};
pub use ledger::assert_adds_up;
pub use recorder::{Recorder, Seen};
pub use traffic::memory::{MemoryHeartbeat, MemoryQueue, MemoryStore};

/// A process of the deployment on these ports, with no environment variable set.
pub fn deployment<S: RunStore, Q, H>(
    store: &Arc<S>,
    queue: &Arc<Q>,
    heartbeat: &Arc<H>,
    clock: &Clock,
) -> Deployment<S, Q, H> {
    let (store, queue, heartbeat) = (Arc::clone(store), Arc::clone(queue), Arc::clone(heartbeat));
    Deployment::new(store, queue, heartbeat, clock.clone(), Arc::new(|_| None))
}

/// A process's copies of the runs in `store`, with no environment variable set.
pub fn runs<S: RunStore>(store: &Arc<S>, clock: &Clock) -> Arc<Runs<S>> {
    let runs = Runs::new(Arc::clone(store), clock.clone(), Arc::new(|_| None));
    Arc::new(runs)
}
