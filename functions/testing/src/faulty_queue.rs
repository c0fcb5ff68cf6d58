//! A queue that counts what it is sent, takes a moment for it, and breaks down when told to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use parking_lot::Mutex;
use traffic::clock::{Slot, Slots};
use traffic::ports::{PlannedWakeUp, Queue, QueueError, WakeUp};

/// What a call to SQS takes.
const TAKES: Duration = Duration::from_millis(6);

/// A queue as SQS is to its callers, whose wake-ups wait until a test takes them.
#[derive(Debug, Default)]
pub struct FaultyQueue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: Vec<WakeUp>,
    sent: BTreeMap<WakeUp, usize>,
    calls: Vec<usize>,
    /// It breaks down once it has taken so many more.
    breaks_after: Option<usize>,
}

impl FaultyQueue {
    /// Makes it break down in the middle of a call, once it has taken so many more wake-ups.
    pub fn break_after(&self, wake_ups: Option<usize>) {
        self.0.lock().breaks_after = wake_ups;
    }

    /// Every wake-up that it was ever sent.
    pub fn sent(&self) -> BTreeSet<WakeUp> {
        self.0.lock().sent.keys().cloned().collect()
    }

    /// Those that were sent again, each time counted.
    pub fn wasted(&self) -> usize {
        self.0.lock().sent.values().map(|times| times - 1).sum()
    }

    /// How many wake-ups came with each call.
    pub fn calls(&self) -> Vec<usize> {
        self.0.lock().calls.clone()
    }

    /// Takes what is waiting for slots before `slot`, as often as it was sent.
    pub fn take_before(&self, slot: Slot) -> Vec<WakeUp> {
        let mut state = self.0.lock();
        let (taken, waiting) = std::mem::take(&mut state.waiting)
            .into_iter()
            .partition(|wake_up| wake_up.slot < slot);
        state.waiting = waiting;
        taken
    }
}

impl Queue for FaultyQueue {
    async fn send(&self, _: Slots, wake_ups: Vec<PlannedWakeUp>) -> Result<(), QueueError> {
        tokio::time::sleep(TAKES / 2).await;
        let undelivered = {
            let mut state = self.0.lock();
            let taken = state
                .breaks_after
                .map_or(wake_ups.len(), |left| left.min(wake_ups.len()));
            state.breaks_after = state.breaks_after.map(|left| left - taken);
            state.calls.push(wake_ups.len());
            for PlannedWakeUp { wake_up, .. } in &wake_ups[..taken] {
                *state.sent.entry(wake_up.clone()).or_default() += 1;
                state.waiting.push(wake_up.clone());
            }
            wake_ups.len() - taken
        };
        tokio::time::sleep(TAKES / 2).await;
        match undelivered {
            0 => Ok(()),
            undelivered => Err(QueueError {
                undelivered,
                source: "the queue is closed".into(),
            }),
        }
    }
}
