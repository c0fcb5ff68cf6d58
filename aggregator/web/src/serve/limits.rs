//! Limits: the number of connections, and the time that each may keep the server waiting.

use std::time::Duration;

use super::activity::{Activity, Step};

/// Limits of a server; the defaults suit browsers, scripts, exporters and load balancers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; when there are that many, a new one takes the place of the one that has
    /// kept the server waiting longest.
    pub connections: usize,
    /// The longest TLS handshake.
    pub handshake: Duration,
    /// The longest time without a request: longer than load balancers keep a connection, a minute.
    pub idle: Duration,
    /// The longest time for a request's line and headers from their first byte on.
    pub head: Duration,
    /// The longest time for its body.
    pub body: Duration,
    /// The longest time for a client to receive an answer that is ready.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_000,
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            answer: Duration::from_secs(120),
        }
    }
}

impl Limits {
    /// True if a connection has kept the server waiting for too long.
    pub(super) fn are_exceeded_by(&self, activity: &Activity) -> bool {
        let (step, since) = activity.waiting();
        let most = match step {
            Step::Handshake => self.handshake,
            Step::Idle => self.idle,
            Step::Head => self.head,
            Step::Body => self.body,
            Step::Answer => self.answer,
            Step::Work => return false,
        };
        since.elapsed() > most
    }

    /// The interval of looking for such connections: short enough for the shortest limit.
    pub(super) fn look_every(&self) -> Duration {
        let shortest = self.handshake.min(self.head).min(self.body);
        let shortest = shortest.min(self.idle).min(self.answer);
        (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }
}
