//! Where errors lead to, as bytes.

use serde::{Deserialize, Serialize};
use traffic::clock::Timestamp;
use traffic::telemetry::TraceId;

use super::error::CheckpointError;
use crate::stats::Stats;
use crate::stats::entry::Occurrences;

/// The trace of the latest failure that has any: microseconds after [`Stats::since`], and its id.
type Trace = (u64, [u8; 16]);

/// The traces, in the order of the errors in [`Saved`](super::Saved).
#[derive(Serialize, Deserialize)]
pub(super) struct SavedTraces {
    errors: Vec<Option<Trace>>,
    other_errors: Option<Trace>,
}

impl SavedTraces {
    /// Those of all errors.
    pub(super) fn of(stats: &Stats) -> Self {
        let save = |times: &Occurrences| {
            let (at, trace) = times.trace?;
            Some((at.micros() - stats.since.micros(), trace.to_bytes()))
        };
        Self {
            errors: stats.errors.iter().map(|(_, times)| save(times)).collect(),
            other_errors: stats.errors.others().and_then(save),
        }
    }

    /// Adds them to `errors`, which have been read already.
    pub(super) fn add_to(
        self,
        stats: &mut Stats,
        errors: &[[&str; 3]],
    ) -> Result<(), CheckpointError> {
        if self.errors.len() != errors.len() {
            return Err(CheckpointError::malformed(
                "its errors are not as many twice",
            ));
        }
        let since = stats.since.micros();
        let load = |(after, id)| {
            let at = Timestamp::from_micros(since.checked_add(after)?);
            Some(Occurrences {
                trace: Some((at, TraceId::from_bytes(id)?)),
                ..Occurrences::default()
            })
        };
        let load = |trace| {
            let impossible = || CheckpointError::malformed("a trace in it cannot be one");
            load(trace).ok_or_else(impossible)
        };
        for (&texts, trace) in errors.iter().zip(self.errors) {
            if let Some(trace) = trace {
                stats.errors.add(texts, &load(trace)?);
            }
        }
        if let Some(trace) = self.other_errors {
            stats.errors.add_others(&load(trace)?);
        }
        Ok(())
    }
}
