//! A target that takes its time, and notes who asked when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::Request;
use traffic::clock::{Clock, Slot, Timestamp};
use traffic::transport::{Reply, RequestContext, Transport};

use super::START;

/// One request as the target saw it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) user: u32,
    /// What was asked for: the draw in the request's path.
    pub(super) path: u32,
    pub(super) began: Timestamp,
    /// When it was answered, or whoever asked was gone.
    pub(super) ended: Timestamp,
    /// Whether it was answered.
    pub(super) answered: bool,
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<Seen>,
    asked: BTreeMap<u32, usize>,
    asking: BTreeMap<u32, usize>,
    overlaps: Vec<(u32, Timestamp)>,
}

/// How long the `number`-th request of a user takes.
type Takes = dyn Fn(u32, usize) -> Duration + Send + Sync;

/// The target; its copies are one.
#[derive(Clone)]
pub(super) struct Target {
    clock: Clock,
    takes: Arc<Takes>,
    state: Arc<Mutex<State>>,
}

impl Target {
    /// Answers after a time that depends on the user and on how often it has asked.
    pub(super) fn new(takes: impl Fn(u32, usize) -> Duration + Send + Sync + 'static) -> Self {
        Self {
            clock: Clock::following_tokio(Slot(START.0 - 10).full_second()),
            takes: Arc::new(takes),
            state: Arc::default(),
        }
    }

    /// Always takes the same time.
    pub(super) fn taking(time: Duration) -> Self {
        Self::new(move |_, _| time)
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// All requests, in the order in which they ended.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.state.lock().seen.clone()
    }

    /// Who asked while it was still being answered.
    pub(super) fn overlaps(&self) -> Vec<(u32, Timestamp)> {
        self.state.lock().overlaps.clone()
    }
}

impl Transport for Target {
    async fn send(&self, request: Request, _: &RequestContext) -> Result<Reply, String> {
        let user: u32 = request.headers()["x-user"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        let path = request.url().path()[1..].parse().unwrap();
        let began = self.clock.now();
        let number = {
            let mut state = self.state.lock();
            let asking = state.asking.entry(user).or_default();
            *asking += 1;
            if *asking > 1 {
                state.overlaps.push((user, began));
            }
            let asked = state.asked.entry(user).or_default();
            *asked += 1;
            *asked - 1
        };
        let mut asking = Asking {
            target: self,
            user,
            path,
            began,
            answered: false,
        };
        tokio::time::sleep((self.takes)(user, number)).await;
        asking.answered = true;
        Ok(Reply {
            content_length: 7,
            ..Reply::default()
        })
    }
}

/// Notes the end of a request, also that of one whose process was killed.
struct Asking<'a> {
    target: &'a Target,
    user: u32,
    path: u32,
    began: Timestamp,
    answered: bool,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut state = self.target.state.lock();
        if let Some(asking) = state.asking.get_mut(&self.user) {
            *asking -= 1;
        }
        state.seen.push(Seen {
            user: self.user,
            path: self.path,
            began: self.began,
            ended: self.target.clock.now(),
            answered: self.answered,
        });
    }
}
