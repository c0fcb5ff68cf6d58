//! The cloud on a table: many processes, one store, a queue that delivers as it likes.
//!
//! Time is tokio's, paused. Every process has its own ticker and its own copies of runs; they share
//! nothing but a store whose calls take a moment, are counted, and fail when they are told to. A target
//! notes who was asked when, and whether a user ever overlapped itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use testing::{Calls, FaultyQueue, FaultyStore, MemoryHeartbeat};
use tokio::task::JoinSet;
use traffic::clock::{Clock, Slot, Timestamp};
use traffic::deployment::Deployment;
use traffic::plan::Plan;
use traffic::ports::{MarkerStore as _, RunStore as _, WakeUp};
use traffic::record::wire::{Contents, Decoded};
use traffic::record::{Block, BlockSize, Fate};
use traffic::run::{Run, RunId, Segment, Share};
use traffic::runs::{LoadedRun, Runs};
use traffic::tick::{TickError, TickReport, Ticker};
use traffic::workload::Workload;

mod blocks;
mod claims;
mod fan_out;
mod faults;
mod hand_over;
mod markers;
mod scale;
mod target;
mod turns;

use target::{Seen, Target};

/// The first slot of every run; a full minute, as heartbeats go.
const START: Slot = Slot(1_700_000_040);

/// SQS delivers again what a function did not finish after so long.
const DELIVERED_AGAIN_AFTER: Duration = Duration::from_secs(6);

/// One process of the tick function.
struct Process {
    ticker: Arc<Ticker<FaultyStore, Target>>,
    runs: Arc<Runs<FaultyStore>>,
}

/// What became of a planned iteration: class, block, slot, user and ordinal.
type Entry = (String, Block, Slot, u8, u32);

struct Cloud {
    clock: Clock,
    store: Arc<FaultyStore>,
    queue: Arc<FaultyQueue>,
    heartbeat: Arc<MemoryHeartbeat>,
    target: Target,
    processes: Vec<Process>,
    ticks: JoinSet<Result<TickReport, TickError>>,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn run_id() -> RunId {
    RunId("r".into())
}

fn wake_up(block: u32, slot: Slot) -> WakeUp {
    WakeUp {
        run: run_id(),
        class: "A".into(),
        block: Block(block),
        slot,
    }
}

fn segment(from: Slot, user_count: u32) -> Segment {
    Segment::new(
        from.full_second(),
        user_count,
        10_000.0,
        vec![Share::new("A", 1, 0)],
    )
}

impl Cloud {
    /// `users` users of class A, who wait as `wait` says and whose requests end within `timeout`
    /// seconds, two seconds before the run starts.
    async fn new(wait: &str, timeout: u64, users: u32, target: Target) -> Self {
        Self::with(wait, timeout, users, BlockSize::default(), target).await
    }

    async fn with(
        wait: &str,
        timeout: u64,
        users: u32,
        block_size: BlockSize,
        target: Target,
    ) -> Self {
        let source = format!(
            "[hosts.shop]\nurl = \"http://127.0.0.1:9\"\n\
             [headers]\nX-User = \"{{{{ user }}}}\"\n\
             [defaults]\ntimeout = {timeout}\n\
             [class.A]\nhost = \"shop\"\nwait = \"{wait}\"\n\
             [[class.A.task]]\nname = \"look\"\nrequest = \"GET /{{{{ randint(1, 1000000) }}}}\"\n"
        );
        let workload = Workload::parse(&source, "test", &|_| None).unwrap();
        let clock = target.clock().clone();
        clock.sleep_until(START.full_second() - secs(2)).await;
        let store = Arc::new(FaultyStore::default());
        store.slow(Calls::All, ms(8));
        let written = store.put_workload(workload.version(), &source).await;
        written.unwrap();
        let run = Run {
            block_size,
            ..Run::new(
                run_id(),
                1,
                workload.version(),
                clock.now(),
                vec![segment(START, users)],
            )
        };
        store.put_run(&run).await.unwrap();
        store.forget_counts();
        let mut cloud = Self {
            clock,
            store,
            queue: Arc::default(),
            heartbeat: Arc::default(),
            target,
            processes: Vec::new(),
            ticks: JoinSet::new(),
        };
        cloud.add_processes(3);
        cloud
    }

    fn runs(&self) -> Arc<Runs<FaultyStore>> {
        testing::runs(&self.store, &self.clock)
    }

    fn add_processes(&mut self, count: usize) {
        for _ in 0..count {
            let runs = self.runs();
            let ticker = Ticker::new(
                Arc::clone(&self.store),
                Arc::clone(&runs),
                self.target.clone(),
                self.clock.clone(),
            );
            self.processes.push(Process {
                ticker: Arc::new(ticker),
                runs,
            });
        }
    }

    /// A process of the fan-out function.
    fn fan_out(&self) -> Deployment<FaultyStore, FaultyQueue, MemoryHeartbeat> {
        testing::deployment(&self.store, &self.queue, &self.heartbeat, &self.clock)
    }

    /// Delivers a wake-up after a while to a process, and to the next ones for as long as it fails.
    fn deliver(&mut self, wake_up: WakeUp, process: usize, after: Duration) {
        let tickers: Vec<_> = (0..self.processes.len())
            .map(|next| &self.processes[(process + next) % self.processes.len()])
            .map(|process| Arc::clone(&process.ticker))
            .collect();
        self.ticks.spawn(async move {
            tokio::time::sleep(after).await;
            let mut turns = tickers.iter().cycle();
            loop {
                let ticker = turns.next().expect("there are processes");
                match ticker.run(&wake_up, None).await {
                    Ok(report) => return Ok(report),
                    Err(_) => tokio::time::sleep(DELIVERED_AGAIN_AFTER).await,
                }
            }
        });
    }

    /// Lives through some slots: every tick that has anything due goes to `process(slot, block)`.
    async fn live(
        &mut self,
        seconds: std::ops::Range<u64>,
        process: impl Fn(Slot, Block) -> usize,
    ) {
        for slot in seconds.map(|second| START.plus(second)) {
            self.clock.sleep_until(slot.full_second() - ms(800)).await;
            let plan = self.plan().await;
            for (_, block) in plan.plan.ticks(slot) {
                let process = process(slot, block) % self.processes.len();
                self.deliver(wake_up(block.0, slot), process, Duration::ZERO);
            }
        }
    }

    /// Waits for all ticks, and adds up what they report.
    async fn settle(&mut self) -> TickReport {
        let mut total = TickReport::default();
        while let Some(report) = self.ticks.join_next().await {
            let Ok(report) = report else { continue };
            let report = report.unwrap();
            total.executed += report.executed;
            total.skipped += report.skipped;
            total.left += report.left;
        }
        total
    }

    /// The run as it is, whatever the store's trouble.
    async fn plan(&self) -> Arc<LoadedRun> {
        let runs = testing::runs(&self.store.inner, &self.clock);
        runs.get(&run_id()).await.unwrap()
    }

    /// Writes the run as `change` makes it; the run before and after it.
    async fn change(&self, change: impl FnOnce(&mut Run)) -> (Arc<LoadedRun>, Arc<LoadedRun>) {
        let before = self.plan().await;
        let mut run = before.plan.run().clone();
        run.revision += 1;
        change(&mut run);
        self.store.inner.put_run(&run).await.unwrap();
        (before, self.plan().await)
    }

    /// All that was recorded, in one.
    fn recorded(&self) -> Contents {
        let mut all = Contents::default();
        for record in self.store.inner.all_records() {
            let decoded = Decoded::read(&record.payload, record.key.slot).unwrap();
            let contents = decoded.to_contents();
            all.outcomes.extend(contents.outcomes);
            all.iterations.extend(contents.iterations);
        }
        all
    }

    /// What the records say of each planned iteration; more than one fate is a duplicate.
    fn ledger(&self) -> BTreeMap<Entry, Vec<Fate>> {
        let mut ledger: BTreeMap<Entry, Vec<Fate>> = BTreeMap::new();
        for record in self.store.inner.all_records() {
            let key = &record.key;
            let decoded = Decoded::read(&record.payload, key.slot).unwrap();
            for entry in decoded.to_contents().iterations {
                let name = (
                    key.class.to_string(),
                    key.block,
                    key.slot,
                    entry.user,
                    entry.ordinal,
                );
                ledger.entry(name).or_default().push(entry.fate);
            }
        }
        ledger
    }

    /// Planned, recorded, skipped, missing and run twice, over some slots.
    async fn account(&self, seconds: std::ops::Range<u64>) -> Account {
        let plan = self.plan().await;
        Account::of(&plan.plan, seconds, &self.ledger())
    }

    fn seen(&self) -> Vec<Seen> {
        self.target.seen()
    }
}

/// A ledger added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Account {
    planned: usize,
    recorded: usize,
    skipped: usize,
    missing: usize,
    duplicates: usize,
    unplanned: usize,
}

impl Account {
    fn of(plan: &Plan, seconds: std::ops::Range<u64>, ledger: &BTreeMap<Entry, Vec<Fate>>) -> Self {
        let mut account = Self::default();
        let mut known = 0;
        for slot in seconds.clone().map(|second| START.plus(second)) {
            for (class, block, due) in plan.slot(slot) {
                let first = plan.run().block_size.first_user(block);
                for item in due {
                    let name = plan.classes()[class].name.to_string();
                    let user = (item.user - first) as u8;
                    let fates = ledger.get(&(name, block, slot, user, item.ordinal));
                    account.planned += 1;
                    known += usize::from(fates.is_some());
                    match fates.map(Vec::as_slice) {
                        None => account.missing += 1,
                        Some([Fate::Skipped, ..]) => account.skipped += 1,
                        Some(_) => account.recorded += 1,
                    }
                    account.duplicates += fates.map_or(0, |fates| fates.len() - 1);
                }
            }
        }
        let slots = START.plus(seconds.start)..START.plus(seconds.end);
        let entries = ledger
            .keys()
            .filter(|(_, _, slot, ..)| slots.contains(slot));
        account.unplanned = entries.count() - known;
        account
    }

    /// Everything that was planned was recorded once.
    fn assert_complete(self) {
        let complete = Self {
            planned: self.planned,
            recorded: self.planned,
            ..Self::default()
        };
        assert_eq!(self, complete);
    }
}

fn instants(seen: &[Seen], user: u32) -> Vec<(Timestamp, Timestamp)> {
    let of_user = seen.iter().filter(|seen| seen.user == user);
    of_user.map(|seen| (seen.began, seen.ended)).collect()
}
