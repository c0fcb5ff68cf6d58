//! A run that is changed again and again: it does not keep what the ledger has counted for good.

use traffic::plan::Plan;
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run::Run;

use super::{Control, Refusal};
use statistics::reader::settled_until;

/// A run with so many segments keeps them all, settled or not.
const FEW: usize = 32;

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// The run of a plan without the segments of which all slots are settled in the stored checkpoint, should it
    /// have many: whoever counts later goes on from there.
    pub(super) async fn without_settled(&self, plan: &Plan) -> Result<Run, Refusal> {
        let run = plan.run();
        if run.segments.len() < FEW {
            return Ok(run.clone());
        }
        let checkpoint = self.deployment.store.checkpoint(&run.id).await?;
        match checkpoint.as_ref().map(settled_until) {
            Some(Ok(settled)) => {
                let folded = plan.folded(run.slots().start(settled));
                let (segments, kept) = (run.segments.len(), folded.segments.len());
                tracing::debug!(segments, kept, "what is settled of the run is folded");
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
