//! A minute of fan-out on ports in memory, by a process that has just started, as in the cloud.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use testing::{MemoryHeartbeat, MemoryStore};
use traffic::clock::{Clock, Slot, Slots};
use traffic::ports::{PlannedWakeUp, ProgressStore as _, Queue, QueueError, RunStore as _};
use traffic::record::BlockSize;
use traffic::requests_at_once::ticks_of_message;
use traffic::run::{Run, RunId, Segment};
use traffic::workload::{BUILT_IN, Workload};

/// The minute that is planned begins here.
const MINUTE: Slot = Slot(1_700_000_040);

/// SQS takes this many messages in one request.
const BATCH: usize = 10;

/// What is turned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    /// Users of the built-in workload's classes, by their weights.
    pub(crate) users: u32,
    /// Users started a second; the ramp is over.
    pub(crate) spawn_rate: u32,
    /// Users in a tick.
    pub(crate) block_size: BlockSize,
    /// Ticks in a message.
    pub(crate) ticks_per_message: usize,
}

/// What a planned minute takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Ticks that have anything due.
    pub(crate) wake_ups: usize,
    /// Messages, each with ticks of one slot.
    pub(crate) messages: usize,
    /// `SendMessageBatch` requests.
    pub(crate) requests: usize,
    /// Messages of the slot that has most.
    pub(crate) messages_in_a_second: usize,
    /// Iterations that a tick has on average.
    pub(crate) iterations_per_tick: f64,
    /// What the planning thread computed for.
    pub(crate) cpu: Duration,
}

/// A queue that counts as SQS would, and forgets.
#[derive(Default)]
struct CountingQueue {
    ticks_per_message: usize,
    sent: Mutex<Sent>,
}

#[derive(Default)]
struct Sent {
    wake_ups: usize,
    requests: usize,
    messages: BTreeMap<Slot, usize>,
}

impl Queue for CountingQueue {
    async fn send(&self, _: Slots, wake_ups: Vec<PlannedWakeUp>) -> Result<(), QueueError> {
        let mut users: BTreeMap<Slot, Vec<usize>> = BTreeMap::new();
        for planned in &wake_ups {
            let of_slot = users.entry(planned.wake_up.slot).or_default();
            of_slot.push(planned.users as usize);
        }
        let mut sent = self.sent.lock();
        sent.wake_ups += wake_ups.len();
        let mut messages = 0;
        for (slot, users) in users {
            let of_slot = messages_of(&users, self.ticks_per_message);
            *sent.messages.entry(slot).or_default() += of_slot;
            messages += of_slot;
        }
        sent.requests += messages.div_ceil(BATCH);
        Ok(())
    }
}

/// Plans a minute, a minute ahead, in a process that knows nothing of the run yet.
pub(crate) async fn plan_a_minute(parameters: Parameters) -> anyhow::Result<Figures> {
    let workload = Workload::built_in(&|_| None)?;
    let store = Arc::new(MemoryStore::default());
    store.put_workload(workload.version(), BUILT_IN).await?;
    let run = run(&workload, parameters);
    store.put_run(&run).await?;
    // as the heartbeat before this one left it
    store.advance_planned(&run.id, None, MINUTE).await?;
    let clock = Clock::following_tokio(MINUTE.minus(60).full_second());
    let queue = Arc::new(CountingQueue {
        ticks_per_message: parameters.ticks_per_message,
        ..CountingQueue::default()
    });
    let heartbeat = Arc::<MemoryHeartbeat>::default();
    let deployment = testing::deployment(&store, &queue, &heartbeat, &clock);
    let began = cpu();
    deployment.plan_ahead().await?;
    let cpu = cpu().saturating_sub(began);
    let plan = &deployment.runs.get(&run.id).await?.plan;
    let minute = (0..60).map(|second| MINUTE.plus(second));
    let ticks = minute.flat_map(|slot| plan.ticks(slot).into_iter().map(move |tick| (slot, tick)));
    let iterations: u64 = ticks
        .map(|(slot, (class, block))| u64::from(plan.due_count(class, block, slot)))
        .sum();
    let sent = queue.sent.lock();
    Ok(Figures {
        wake_ups: sent.wake_ups,
        messages: sent.messages.values().sum(),
        requests: sent.requests,
        messages_in_a_second: sent.messages.values().copied().max().unwrap_or(0),
        iterations_per_tick: iterations as f64 / sent.wake_ups.max(1) as f64,
        cpu,
    })
}

fn run(workload: &Workload, parameters: Parameters) -> Run {
    let ramp = u64::from(parameters.users / parameters.spawn_rate);
    let starts = MINUTE.minus(ramp + 600);
    let shares = workload.classes().iter().map(|class| class.share());
    Run {
        block_size: parameters.block_size,
        ..Run::new(
            RunId::new(starts.full_second(), 1),
            1,
            workload.version(),
            starts.full_second(),
            vec![Segment::new(
                starts.full_second(),
                parameters.users,
                f64::from(parameters.spawn_rate),
                shares.collect(),
            )],
        )
    }
}

/// The messages that the ticks of a slot go into, by the users of each.
fn messages_of(mut users: &[usize], ticks_per_message: usize) -> usize {
    let mut messages = 0;
    while !users.is_empty() {
        let ticks = ticks_of_message(users.iter().copied(), ticks_per_message);
        users = &users[ticks..];
        messages += 1;
    }
    messages
}

/// What this thread has computed for.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}
