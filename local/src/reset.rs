//! Locust's `--reset-stats`: the statistics count anew once all users are there.

use control::Control;
use statistics::state::State;
use traffic::ports::{Heartbeat, Queue, Store};

/// The state of the newest run at the last look.
#[derive(Debug, Default)]
pub(crate) struct Reset {
    was_spawning: bool,
}

impl Reset {
    /// Resets the statistics if the newest run has got all of its users since the last look. A reset that the
    /// store refuses is tried again at the next look.
    pub(crate) async fn once_all_users_are_there<S: Store, Q: Queue, H: Heartbeat>(
        &mut self,
        control: &Control<S, Q, H>,
    ) {
        let state = match control.run().await {
            Ok(run) => control.state(run.as_deref()),
            Err(error) => {
                tracing::warn!(%error, "statistics are not reset yet");
                return;
            }
        };
        if self.was_spawning && state == State::Running {
            if let Err(error) = control.reset().await {
                tracing::warn!(%error, "statistics are not reset yet");
                return;
            }
            tracing::info!("all users are there: statistics are reset");
        }
        self.was_spawning = state == State::Spawning;
    }
}
