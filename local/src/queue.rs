//! The queue on tokio: wake-ups wait in memory until a little before their slots begin.
//!
//! Each wake-up has an instant of its own between [`EARLIEST`] and [`LATEST`] before its slot, drawn
//! from class and block, so that the ticks of one second do not come in one burst. The same wake-up
//! sent twice is delivered once. Nothing is dropped for being late: the tick decides.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use traffic::clock::{Clock, Slot, Slots, Timestamp, micros};
use traffic::ports::{Queue, QueueError, WakeUp};
use traffic::record::Block;
use traffic::run::RunId;

/// No wake-up comes earlier than this before its slot begins: a tick plans no further ahead.
pub const EARLIEST: Duration = Duration::from_millis(500);

/// None comes later than this before its slot begins, so that the tick is ready when it does.
pub const LATEST: Duration = Duration::from_millis(150);

/// The wall clock may jump: it is looked at again at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long a delivered wake-up is remembered, so that it is not delivered again.
const REMEMBERED: Duration = Duration::from_secs(30);

/// Wake-ups taken before those that are due get their turn.
const SENT_AT_ONCE: usize = 1_000;

/// The sending half; clones share one queue.
#[derive(Clone, Debug)]
pub struct TokioQueue {
    shared: Arc<Shared>,
    /// Tells the receiving half, when it is dropped, that nobody sends any more.
    _sender: Arc<Sender>,
}

/// The receiving half.
#[derive(Debug)]
pub struct Delivery {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct Sender(Arc<Shared>);

#[derive(Debug, Default)]
struct State {
    waiting: BTreeSet<Entry>,
    delivered: BTreeSet<Entry>,
    runs: Names,
    classes: Names,
    is_closed: bool,
}

/// A wake-up in 24 bytes; sorts by the instant of its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    due: Timestamp,
    /// Microseconds of it after [`EARLIEST`] before the full second of its slot's number.
    after: u32,
    run: u32,
    class: u32,
    block: Block,
}

/// Names as numbers.
#[derive(Debug, Default)]
struct Names {
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
            state: Mutex::default(),
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
        let mut state = self.shared.lock();
        if let Some(run) = state.runs.numbers.get(run.0.as_str()).copied() {
            state.waiting.retain(|entry| entry.run != run);
        }
    }

    /// How many wake-ups are waiting.
    pub fn len(&self) -> usize {
        self.shared.lock().waiting.len()
    }

    /// True if no wake-up is waiting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Queue for TokioQueue {
    async fn send(&self, slots: Slots, wake_ups: Vec<WakeUp>) -> Result<(), QueueError> {
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
                    // both ends of the wait lead to another look, so how it ended does not matter
                    let _ = tokio::time::timeout(left.min(LOOK_AGAIN), changed).await;
                }
            }
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn insert(&self, slots: Slots, wake_ups: &[WakeUp]) {
        let mut state = self.lock();
        let first = state.waiting.first().copied();
        for wake_up in wake_ups {
            state.insert(slots, wake_up);
        }
        if state.waiting.first().copied() != first {
            self.changed.notify_one();
        }
    }

    fn next(&self) -> Next {
        let now = self.clock.now();
        let mut state = self.lock();
        let Some(entry) = state.waiting.first().copied() else {
            return if state.is_closed {
                Next::End
            } else {
                Next::WaitForMore
            };
        };
        let left = entry.due.since(now);
        if left.is_zero() {
            Next::Deliver(state.deliver(entry, now))
        } else {
            Next::Wait(left)
        }
    }
}

impl State {
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
        let remembered_from = now - REMEMBERED;
        while self
            .delivered
            .first()
            .is_some_and(|oldest| oldest.due < remembered_from)
        {
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

impl Names {
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

/// Where between the earliest and the latest instant the ticks of a block come: the blocks of a
/// class follow each other by the golden ratio, so that however many there are they lie evenly.
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
