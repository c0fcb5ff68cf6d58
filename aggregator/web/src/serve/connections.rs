//! The connections there are: who may come in, who has to go, and when all have left.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::activity::Activity;
use super::limits::Limits;

/// The connections of a server.
pub(super) struct Connections {
    limits: Limits,
    tasks: JoinSet<()>,
    seated: HashMap<Id, OpenConnection>,
    look: Interval,
}

struct OpenConnection {
    activity: Activity,
    task: AbortHandle,
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        let mut look = interval(limits.look_every());
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            limits,
            tasks: JoinSet::new(),
            seated: HashMap::new(),
            look,
        }
    }

    /// True if one more may come: there is a place, or a connection that would have to leave it.
    pub(super) fn has_room(&self) -> bool {
        !self.is_full() || self.slowest().is_some()
    }

    /// Takes a connection in; if there are too many then, the slowest has to go. Tells whether that was
    /// one that is put off.
    pub(super) fn seat(
        &mut self,
        connection: impl Future<Output = ()> + Send + 'static,
        activity: Activity,
    ) -> bool {
        let was_put_off = self.is_full() && self.show_out_the_slowest();
        let task = self.tasks.spawn(connection);
        self.seated
            .insert(task.id(), OpenConnection { activity, task });
        was_put_off
    }

    /// Closes the connection that has waited longest for its client, if any does: of those first that have not
    /// shown the password. Tells whether it was
    /// put off.
    pub(super) fn show_out_the_slowest(&mut self) -> bool {
        let guest = self.slowest().and_then(|id| self.seated.remove(&id));
        guest.is_some_and(|guest| {
            guest.task.abort();
            guest.activity.is_put_off()
        })
    }

    /// Waits until a connection has ended, or was closed because its client took too long. Nothing is
    /// lost when this is dropped.
    pub(super) async fn changed(&mut self) {
        if self.tasks.is_empty() {
            return std::future::pending().await;
        }
        tokio::select! {
            Some(ended) = self.tasks.join_next_with_id() => {
                let id = match ended {
                    Ok((id, ())) => id,
                    Err(error) => {
                        if error.is_panic() {
                            tracing::error!(%error, "a connection broke off");
                        }
                        error.id()
                    }
                };
                self.seated.remove(&id);
            }
            _ = self.look.tick() => self.show_out_the_slow(),
        }
    }

    /// Lets all go: at once who has no request under way, the others when they are answered or the
    /// time is over.
    pub(super) async fn leave(mut self, within: Duration) {
        for guest in self.seated.values() {
            if guest.activity.is_free() {
                guest.task.abort();
            }
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // what is left then is closed when the set is dropped
        let _ = tokio::time::timeout(within, all).await;
    }

    fn show_out_the_slow(&mut self) {
        let limits = self.limits;
        self.seated.retain(|_, guest| {
            let is_slow = limits.are_exceeded_by(&guest.activity);
            if is_slow {
                guest.task.abort();
            }
            !is_slow
        });
    }

    fn is_full(&self) -> bool {
        self.seated.len() >= self.limits.connections
    }

    /// The connection that has waited longest; one that has shown the password or a session only if all have.
    fn slowest(&self) -> Option<Id> {
        let waiting = self.seated.iter().filter_map(|(id, guest)| {
            let since = guest.activity.waits_since()?;
            Some(((guest.activity.is_known(), since), *id))
        });
        waiting.min_by_key(|(rank, _)| *rank).map(|(_, id)| id)
    }
}
