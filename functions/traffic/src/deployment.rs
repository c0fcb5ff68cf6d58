//! A deployment as its functions see it: the three ports, the runs in their store, and the time.
//!
//! The control and the fan-out work on all of it: [`change`] writes its runs, and [`crate::fanout`] plans them. A tick
//! has none of it: it needs the parts of the store that it uses, and no queue.

use std::sync::Arc;

use crate::clock::Clock;
use crate::environment::Environment;
use crate::ports::RunStore;
use crate::runs::Runs;

pub mod change;

/// The ports of a deployment, put together.
pub struct Deployment<S, Q, H> {
    /// Runs, records, and how far the runs are planned.
    pub store: Arc<S>,
    /// Where the wake-ups go.
    pub queue: Arc<Q>,
    /// The heartbeat, which is switched on with a run, and off when it is over.
    pub heartbeat: Arc<H>,
    /// This process's copies of the runs in the store.
    pub runs: Arc<Runs<S>>,
    /// The time.
    pub clock: Clock,
}

impl<S: RunStore, Q, H> Deployment<S, Q, H> {
    /// A process of the deployment on these ports; `environment` is asked for the variables that override a
    /// workload's hosts.
    pub fn new(
        store: Arc<S>,
        queue: Arc<Q>,
        heartbeat: Arc<H>,
        clock: Clock,
        environment: Environment,
    ) -> Self {
        Self {
            runs: Arc::new(Runs::new(Arc::clone(&store), clock.clone(), environment)),
            store,
            queue,
            heartbeat,
            clock,
        }
    }
}
