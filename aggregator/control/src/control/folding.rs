//! A run that is changed again and again: it does not keep the segments that the ledger has counted for good.

use traffic::plan::Plan;
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run::Run;

use statistics::reader::settled_until;

use super::{Control, Refusal};

/// A run with fewer segments keeps them all, settled or not.
const FEW: usize = 32;

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// The run of a plan; of one with many segments, without those of which all slots are settled in the stored
    /// checkpoint. Readers go on from that checkpoint.
    pub(super) async fn without_settled(&self, plan: &Plan) -> Result<Run, Refusal> {
        let run = plan.run();
        // what is limited is counted from the run's start
        if run.segments.len() < FEW || run.iterations.is_some() {
            return Ok(run.clone());
        }
        let checkpoint = self.deployment.store.checkpoint(&run.id).await?;
        match checkpoint.as_ref().map(settled_until) {
            Some(Ok(settled)) => {
                let folded = plan.folded(run.slots().start(settled));
                let (segments, kept) = (run.segments.len(), folded.segments.len());
                tracing::debug!(segments, kept, "the settled segments of the run are folded");
                Ok(folded)
            }
            Some(Err(error)) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the run keeps all of its segments");
                Ok(run.clone())
            }
            None => Ok(run.clone()),
        }
    }
}
