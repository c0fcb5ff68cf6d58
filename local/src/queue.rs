//! The queue on tokio: wake-ups wait in memory until a little before their slots begin.
//!
//! Each wake-up is due between [`EARLIEST`] and [`LATEST`] before its slot, at an instant drawn from class and
//! block, so that the ticks of one second do not come in one burst. A wake-up that is sent twice is delivered
//! once. A late wake-up is delivered all the same: the tick decides what to do with it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use traffic::clock::{Clock, Slot, Slots, Timestamp, micros};
use traffic::ports::{PlannedWakeUp, Queue, QueueError, WakeUp};
use traffic::record::Block;
use traffic::run::RunId;

/// The longest time from a wake-up to the begin of its slot: a tick plans no further ahead.
pub const EARLIEST: Duration = Duration::from_millis(500);

/// The shortest time from a wake-up to the begin of its slot, so that the tick is ready in time.
pub const LATEST: Duration = Duration::from_millis(150);

/// The longest wait without a look at the wall clock, which may jump.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The time that a delivered wake-up is remembered, so that it is not delivered again.
const REMEMBERED: Duration = Duration::from_secs(30);

/// The number of wake-ups that are taken before the due ones are delivered.
const SENT_AT_ONCE: usize = 1_000;

/// The sending half; clones share one queue.
#[derive(Clone, Debug)]
pub struct TokioQueue {
    shared: Arc<Shared>,
    /// Closes the queue when the last sending half is dropped.
    _sender: Arc<Sender>,
}

#[derive(Debug)]
pub struct Delivery {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    wake_ups: Mutex<WakeUps>,
    changed: Notify,
}

#[derive(Debug)]
struct Sender(Arc<Shared>);

#[derive(Debug, Default)]
struct WakeUps {
    waiting: BTreeSet<Entry>,
    delivered: BTreeSet<Entry>,
    runs: Interned,
    classes: Interned,
    is_closed: bool,
}

/// A wake-up in 24 bytes; sorts by the instant of its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    due: Timestamp,
    /// The microseconds from [`EARLIEST`] before the full second of the slot's number to `due`.
    after: u32,
    run: u32,
    class: u32,
    block: Block,
}

#[derive(Debug, Default)]
struct Interned {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

enum Next {
    Deliver(WakeUp),
    Wait(Duration),
    WaitForMore,
    End,
}

impl TokioQueue {
    /// An empty queue whose wake-ups come by `clock`, and the half that receives them.
    pub fn new(clock: Clock) -> (Self, Delivery) {
        let shared = Arc::new(Shared {
            clock,
            wake_ups: Mutex::default(),
            changed: Notify::new(),
        });
        let queue = Self {
            shared: Arc::clone(&shared),
            _sender: Arc::new(Sender(Arc::clone(&shared))),
        };
        (queue, Delivery { shared })
    }

    /// Drops all wake-ups of a run.
    pub fn clear(&self, run: &RunId) {
        let mut wake_ups = self.shared.wake_ups.lock();
        if let Some(run) = wake_ups.runs.numbers.get(run.0.as_str()).copied() {
            wake_ups.waiting.retain(|entry| entry.run != run);
        }
    }

    pub fn len(&self) -> usize {
        self.shared.wake_ups.lock().waiting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Queue for TokioQueue {
    async fn send(&self, slots: Slots, wake_ups: Vec<PlannedWakeUp>) -> Result<(), QueueError> {
        for some in wake_ups.chunks(SENT_AT_ONCE) {
            self.shared.insert(slots, some);
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

impl Delivery {
    /// The next wake-up, when it is due; `None` once every sending half is gone and all was delivered.
    pub async fn next(&mut self) -> Option<WakeUp> {
        loop {
            let changed = self.shared.changed.notified();
            match self.shared.next() {
                Next::Deliver(wake_up) => return Some(wake_up),
                Next::End => return None,
                Next::WaitForMore => changed.await,
                Next::Wait(left) => {
                    // after a change and after the time alike the queue is looked at again
                    let _ = tokio::time::timeout(left.min(LOOK_AGAIN), changed).await;
                }
            }
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.wake_ups.lock().is_closed = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn insert(&self, slots: Slots, some: &[PlannedWakeUp]) {
        let mut wake_ups = self.wake_ups.lock();
        let first = wake_ups.waiting.first().copied();
        for planned in some {
            wake_ups.insert(slots, &planned.wake_up);
        }
        if wake_ups.waiting.first().copied() != first {
            self.changed.notify_one();
        }
    }

    fn next(&self) -> Next {
        let now = self.clock.now();
        let mut wake_ups = self.wake_ups.lock();
        let Some(entry) = wake_ups.waiting.first().copied() else {
            return if wake_ups.is_closed {
                Next::End
            } else {
                Next::WaitForMore
            };
        };
        let left = entry.due.since(now);
        if left.is_zero() {
            Next::Deliver(wake_ups.deliver(entry, now))
        } else {
            Next::Wait(left)
        }
    }
}

impl WakeUps {
    fn insert(&mut self, slots: Slots, wake_up: &WakeUp) {
        let full_second = wake_up.slot.full_second();
        let offset = slots.start(wake_up.slot).since(full_second);
        let after = offset + Duration::from_micros(spread(&wake_up.class, wake_up.block).into());
        let entry = Entry {
            due: full_second - EARLIEST + after,
            after: u32::try_from(micros(after)).expect("it is below two seconds"),
            run: self.runs.number(&wake_up.run.0),
            class: self.classes.number(&wake_up.class),
            block: wake_up.block,
        };
        if !self.delivered.contains(&entry) {
            self.waiting.insert(entry);
        }
    }

    fn deliver(&mut self, entry: Entry, now: Timestamp) -> WakeUp {
        self.waiting.remove(&entry);
        let is_old = |oldest: &Entry| oldest.due < now - REMEMBERED;
        while self.delivered.first().is_some_and(is_old) {
            self.delivered.pop_first();
        }
        self.delivered.insert(entry);
        WakeUp {
            run: RunId(self.runs.name(entry.run)),
            class: self.classes.name(entry.class),
            block: entry.block,
            slot: entry.slot(),
        }
    }
}

impl Entry {
    fn slot(&self) -> Slot {
        let full_second = self.due + EARLIEST - Duration::from_micros(self.after.into());
        full_second.full_second()
    }
}

impl Interned {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let name: Arc<str> = name.into();
        let number = u32::try_from(self.names.len()).expect("a process sees fewer than 2^32 names");
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    fn name(&self, number: u32) -> String {
        self.names[number as usize].to_string()
    }
}

/// The microseconds from [`EARLIEST`] to the wake-ups of a block. The blocks of a class follow each other by the
/// golden ratio, so that any number of them lies evenly.
fn spread(class: &str, block: Block) -> u32 {
    const GOLDEN: u32 = 0x9e37_79b9;
    let start = class.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let turn = start.wrapping_add(block.0.wrapping_mul(GOLDEN));
    let window = micros(EARLIEST - LATEST);
    let spread = (u64::from(turn) * window) >> 32;
    u32::try_from(spread).expect("it is below the window, which fits")
}
