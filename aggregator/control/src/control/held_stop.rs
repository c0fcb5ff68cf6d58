//! A stop that cannot be written: it holds in this process from then on, and is written when the store allows it.
//!
//! This is possible where one process executes everything. Functions know of a stop by the table alone.

use std::fmt::Display;

use traffic::clock::Timestamp;
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run::{Run, RunId};
use traffic::runs::RunError;

use super::{Control, Refusal, Stop};

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// Writes held stops; if that fails, they are held on.
    pub async fn write_held_stops(&self) -> Result<(), Refusal> {
        let _turn = self.turn.lock().await;
        self.write_held().await
    }

    /// The reason why a held stop is not written yet, if there is one.
    pub fn unwritten_stop(&self) -> Option<String> {
        self.unwritten_stop.lock().clone()
    }

    /// Writes held stops; the caller holds `turn`.
    pub(super) async fn write_held(&self) -> Result<(), Refusal> {
        let runs = &self.deployment.runs;
        while let Some((id, _)) = runs.held_stop() {
            let written = self.write_stop_of(&id).await;
            if let Err(refusal) = &written {
                self.note_unwritten(Some(refusal));
            }
            written?;
            tracing::info!(run = %id, "the stop is written");
            runs.let_go_of_stop(&id);
            self.note_unwritten(None);
        }
        Ok(())
    }

    async fn write_stop_of(&self, id: &RunId) -> Result<(), Refusal> {
        let runs = &self.deployment.runs;
        let stop = |run: &mut Run| {
            let stopped = runs.with_held_stop(run.clone());
            stopped != std::mem::replace(run, stopped.clone())
        };
        if let Some((run, true)) = self.deployment.rewrite(Some(id), stop).await? {
            runs.put(run).await?;
        }
        Ok(())
    }

    /// Holds a stop that could not be written, where one process executes everything. The outcome, and the run.
    pub(super) async fn hold_stop(
        &self,
        refusal: Refusal,
        from: Timestamp,
    ) -> Result<(Stop, Option<Run>), Refusal> {
        let error = match refusal {
            Refusal::Store(error) | Refusal::Run(RunError::Store(error)) => error,
            other => return Err(other),
        };
        if !self.deployment.store.marker_lead().is_zero() {
            return Err(Refusal::NotStopped(error));
        }
        let runs = &self.deployment.runs;
        let Some(known) = runs.known_newest().await else {
            return Err(Refusal::Store(error));
        };
        let known = known.plan.run().clone();
        let is_held = runs.held_stop().is_some();
        if !is_held && (known.is_over(self.now()) || known.stopped_at.is_some()) {
            return Ok((Stop::Written, Some(known)));
        }
        let held = if is_held {
            known
        } else {
            runs.hold_stop(known, from).await?.plan.run().clone()
        };
        tracing::error!(
            error = &error as &dyn std::error::Error,
            run = %held.id,
            "the stop cannot be written yet: nothing more is sent, and it is written as soon as it can be"
        );
        self.note_unwritten(Some(&error));
        Ok((Stop::Held(error), Some(held)))
    }

    fn note_unwritten(&self, reason: Option<&dyn Display>) {
        let text = reason.map(|reason| {
            format!("nothing more is sent, but the stop of the run could not be written yet and will be: {reason}")
        });
        *self.unwritten_stop.lock() = text;
    }
}
