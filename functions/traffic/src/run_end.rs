//! The end of a run, for those who are in the middle of an iteration then.
//!
//! A user ends the request that it is in and begins no other; with a stop timeout it has that long to end
//! its iteration.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::ports::RunStore;
use crate::run::RunId;
use crate::runs::{LoadedRun, Runs};

/// Where others change the run, a user that pauses looks this often whether it has ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The end of one run, as this process knows it.
pub(crate) struct RunEnd<S> {
    pub(crate) runs: Arc<Runs<S>>,
    pub(crate) run: RunId,
    pub(crate) copies: watch::Receiver<Arc<LoadedRun>>,
    pub(crate) clock: Clock,
    /// The time for which an iteration may go on after the end; `None` if it must not.
    pub(crate) stop_timeout: Option<Duration>,
}

impl<S: RunStore> RunEnd<S> {
    /// True if an iteration that was begun in time may begin another request now.
    pub(crate) async fn may_begin(&self) -> bool {
        // where one process does all, its copy is the newest
        if !self.runs.is_alone()
            && let Err(error) = self.runs.get(&self.run).await
        {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "an iteration goes on by an older copy of its run");
        }
        let lasts = self.stop_timeout.unwrap_or_default();
        let ends = self.copies.borrow().plan.run().breaks_off();
        ends.is_none_or(|end| self.clock.now() < end + lasts)
    }

    /// Returns when an iteration may not begin another request any more.
    pub(crate) async fn may_not_begin(&self) {
        let mut copies = self.copies.clone();
        while self.may_begin().await {
            let ends = copies.borrow_and_update().plan.run().breaks_off();
            let ends = async {
                match ends {
                    Some(end) => {
                        let lasts = self.stop_timeout.unwrap_or_default();
                        self.clock.sleep_until(end + lasts).await;
                    }
                    None => std::future::pending().await,
                }
            };
            // where others change the run, it has to be asked for
            let looks = async {
                match self.runs.is_alone() {
                    true => std::future::pending().await,
                    false => tokio::time::sleep(LOOK_EVERY).await,
                }
            };
            tokio::select! {
                () = ends => {}
                () = looks => {}
                changed = copies.changed() => if changed.is_err() {
                    return std::future::pending().await;
                },
            }
        }
    }

    /// Returns when what still goes on must be cut off: never without a stop timeout.
    pub(crate) async fn timed_out(&self) {
        let Some(stop_timeout) = self.stop_timeout else {
            return std::future::pending().await;
        };
        let mut copies = self.copies.clone();
        loop {
            let ends = copies.borrow_and_update().plan.run().breaks_off();
            let cut_off = async {
                match ends {
                    Some(end) => self.clock.sleep_until(end + stop_timeout).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = cut_off => return,
                changed = copies.changed() => if changed.is_err() {
                    return std::future::pending().await;
                },
            }
        }
    }
}
