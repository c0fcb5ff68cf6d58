//! The end of a process whose run goes on in the next one: here nothing more begins, and the store is not told.

use std::sync::atomic::Ordering;

use traffic::ports::{Heartbeat, Queue, Store};

use super::{Control, Refusal};

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// Leaves the run that is on to the next process on the same store; true if there is one. From now on nothing of
    /// it begins here and swarms are refused, while a stop and a reset are written as ever.
    ///
    /// For a process that executes alone and is about to end: the run's copies here say that it has ended.
    pub async fn leave(&self) -> Result<bool, Refusal> {
        let _turn = self.turn.lock().await;
        self.is_leaving.store(true, Ordering::Relaxed);
        let runs = &self.deployment.runs;
        let change = self.deployment.begin_change();
        let newest = match runs.latest().await {
            Ok(newest) => newest,
            // a store that is away must not keep traffic from ending
            Err(error) => Some(runs.known_newest().await.ok_or(error)?),
        };
        let Some(on) = newest.filter(|run| !run.plan.run().is_over(change.from())) else {
            return Ok(false);
        };
        runs.leave(on.plan.run().clone(), change.from()).await?;
        Ok(true)
    }
}
