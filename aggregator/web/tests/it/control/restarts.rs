//! A run that goes on through the ends of its processes: weeks of it in paused time, on a store in memory.
//!
//! Processes are told to end or are killed, and are away for hours. A target counts what it sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use control::{ControlSettings, Refusal};
use reqwest::Request;
use serde_json::Value;
use statistics::state::State;
use testing::{FaultyStore, MemoryStore, assert_adds_up};
use tokio::task::JoinSet;
use traffic::clock::{Clock, Timestamp};
use traffic::ports::{Heartbeat as _, RunStore as _};
use traffic::tick::Ticker;
use traffic::transport::{Reply, RequestContext, Transport};
use traffic::workload::Workload;

use crate::cicada::{Cicada, epoch, users};

const USERS: u64 = 30;

/// Ten users of each of three kinds of waits, of two minutes each.
const WORKLOAD: &str = "[hosts]\nshop = \"http://127.0.0.1:9\"\n\
    [class.A]\nwait = \"constant_pacing(120)\"\ntask.look.request = \"GET /\"\n\
    [class.B]\nwait = \"constant_pacing(120)\"\ntask.look.request = \"GET /\"\n\
    [class.C]\nwait = \"constant_pacing(120)\"\ntask.look.request = \"GET /\"\n";

/// The time between two iterations of a user.
const PACING: u64 = 120;

/// Counts requests, and takes a while for each.
#[derive(Clone)]
struct Target {
    takes: Duration,
    seen: Arc<AtomicU64>,
}

impl Transport for Target {
    async fn send(&self, _: Request, _: &RequestContext) -> Result<Reply, String> {
        self.seen.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.takes).await;
        Ok(Reply::default())
    }
}

/// What outlives processes.
struct Machine {
    clock: Clock,
    store: Arc<FaultyStore>,
    target: Target,
}

/// A process that does all, as the program on one machine.
struct Process {
    cicada: Cicada<FaultyStore>,
    ticker: Arc<Ticker<FaultyStore, Target>>,
    ticks: JoinSet<()>,
    began: Timestamp,
}

impl Machine {
    fn new() -> Self {
        Self {
            clock: Clock::following_tokio(epoch()),
            store: Arc::new(FaultyStore::over(MemoryStore::default())),
            target: Target {
                takes: Duration::from_millis(400),
                seen: Arc::default(),
            },
        }
    }

    /// Starts a process; a run that is on goes on.
    async fn start(&self) -> Process {
        let began = self.clock.now();
        self.store.be_quiet_before(began);
        let workload = Workload::parse(WORKLOAD, "test", &|_| None).unwrap();
        let settings = ControlSettings::new(Arc::new(workload));
        let cicada = Cicada::on(Arc::clone(&self.store), settings, self.clock.clone());
        let runs = Arc::clone(&cicada.deployment.runs);
        let ticker = Ticker::new(
            Arc::clone(&self.store),
            runs,
            self.target.clone(),
            self.clock.clone(),
        );
        cicada.heartbeat.turn_on().await.unwrap();
        cicada.deployment.plan_again().await.unwrap();
        cicada.deployment.plan_ahead().await.unwrap();
        Process {
            cicada,
            ticker: Arc::new(ticker),
            ticks: JoinSet::new(),
            began,
        }
    }

    fn seen(&self) -> u64 {
        self.target.seen.load(Ordering::Relaxed)
    }
}

impl Process {
    /// Goes on for a while.
    async fn go_on(&mut self, seconds: u64) {
        for _ in 0..seconds {
            let now = self.cicada.clock.now();
            for wake_up in self.cicada.queue.take_before(now.full_second().plus(2)) {
                let ticker = Arc::clone(&self.ticker);
                self.ticks.spawn(async move {
                    ticker.run(&wake_up, None).await.unwrap();
                });
            }
            if now.full_second().0.is_multiple_of(60) {
                self.cicada.deployment.plan_ahead().await.unwrap();
                self.cicada.aggregation.fold_sealed().await.unwrap();
            }
            self.cicada
                .clock
                .sleep_until(now + Duration::from_secs(1))
                .await;
            while self.ticks.try_join_next().is_some() {}
        }
    }

    /// Ends as it is told to: the run is left, and what is under way is recorded.
    async fn end(mut self) -> Value {
        self.cicada.control.leave().await.unwrap();
        while self.ticks.join_next().await.is_some() {}
        self.ledger().await
    }

    async fn ledger(&self) -> Value {
        self.cicada.pass(1.0).await;
        let ledger = self.cicada.get("/ledger").await.json();
        assert_adds_up(&ledger);
        ledger
    }

    async fn requests(&self) -> u64 {
        let statistics = self.cicada.get("/stats/requests").await.json();
        let rows = statistics["stats"].as_array().unwrap();
        rows.last().unwrap()["num_requests"].as_u64().unwrap()
    }
}

fn number(ledger: &Value, field: &str) -> u64 {
    ledger[field].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn weeks_with_thirty_restarts_are_one_run_with_all_its_figures() {
    let machine = Machine::new();
    let first = machine.start().await;
    let form = format!("user_count={USERS}&spawn_rate=1000");
    first.cicada.started(&form).await;
    let begun = first.cicada.run().await;
    let mut process = first;
    let mut lost = 0;
    for restart in 0..30_u64 {
        process.go_on(400 + 37 * restart).await;
        if restart % 3 == 2 {
            // killed: what was sent in the last moments is in no record
            let recorded = process.cicada.store.inner.all_records();
            let recorded: u32 = recorded.iter().map(|record| record.requests).sum();
            drop(process);
            let left = machine.seen() - u64::from(recorded) - lost;
            assert!(left <= USERS, "two seconds at most: {left}");
            lost += left;
        } else {
            let ledger = process.end().await;
            assert_eq!(number(&ledger, "recorded"), machine.seen() - lost);
        }
        // from a moment to two days
        let away = Duration::from_secs([1, 30, 3_600, 40_000, 172_800][restart as usize % 5]);
        tokio::time::sleep(away).await;
        process = machine.start().await;
        let run = process.cicada.run().await;
        assert_eq!((&run.id, run.stopped_at), (&begun.id, None));
        assert_eq!(process.requests().await, machine.seen() - lost);
    }
    process.go_on(600).await;
    let before_the_stop = machine.clock.now();
    assert_eq!(process.cicada.post("/stop").await.json()["success"], true);
    while process.ticks.join_next().await.is_some() {}
    process.cicada.pass(120.0).await;
    let ledger = process.ledger().await;
    // two weeks and more, of which it was away for most
    let lasted = before_the_stop.since(begun.starts());
    assert!(lasted > Duration::from_secs(14 * 86_400), "{lasted:?}");
    // each user's iterations, from its start on; all of them start within a thirtieth of a second
    let each = lasted.as_secs() / PACING + 1;
    let planned = number(&ledger, "planned");
    assert!(
        (USERS * (each - 1)..=USERS * (each + 1)).contains(&planned),
        "{planned} of {each} each"
    );
    assert_eq!(number(&ledger, "recorded"), machine.seen() - lost);
    assert_eq!(
        number(&ledger, "recorded") + number(&ledger, "missing"),
        planned
    );
    for nothing in ["skipped", "pending", "duplicates", "cut_off"] {
        assert_eq!(number(&ledger, nothing), 0, "{ledger:#}");
    }
    assert_eq!(process.requests().await, machine.seen() - lost);
    assert!(process.began > begun.created_at);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_left_as_it_is_and_a_person_can_still_stop_it() {
    let machine = Machine::new();
    let mut process = machine.start().await;
    process
        .cicada
        .started("user_count=30&spawn_rate=1000")
        .await;
    process.go_on(5).await;
    assert!(process.cicada.control.leave().await.unwrap());
    let seen = machine.seen();
    process.go_on(200).await;
    assert_eq!(machine.seen(), seen, "nothing more is sent here");
    let run = process.cicada.control.run().await.unwrap();
    let state = process.cicada.control.state(run.as_deref());
    assert_eq!(state, State::Stopped, "here");
    assert_eq!(
        process.cicada.run().await.stopped_at,
        None,
        "and not in the store"
    );
    let swarm = process.cicada.control.swarm(users(5, 1.0)).await;
    assert!(matches!(swarm, Err(Refusal::Leaving)), "{swarm:?}");

    // however long the end takes, what is folded meanwhile does not say that the run is over
    process.cicada.aggregation.fold_sealed().await.unwrap();
    process.ledger().await;
    drop(process);
    let mut process = machine.start().await;
    process.go_on(300).await;
    assert!(machine.seen() > seen);
    let ledger = process.ledger().await;
    assert_eq!(number(&ledger, "recorded"), machine.seen());
    assert!(number(&ledger, "missing") > 0, "{ledger:#}");

    assert!(process.cicada.control.leave().await.unwrap());
    assert_eq!(process.cicada.post("/stop").await.json()["success"], true);
    assert!(process.cicada.run().await.stopped_at.is_some());
    drop(process);
    let seen = machine.seen();
    let mut process = machine.start().await;
    process.go_on(300).await;
    assert_eq!(machine.seen(), seen, "a stop stays a stop");
    assert!(!process.cicada.control.leave().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_run_is_left_also_while_its_store_is_away() {
    let machine = Machine::new();
    let mut process = machine.start().await;
    process
        .cicada
        .started("user_count=30&spawn_rate=1000")
        .await;
    process.go_on(5).await;
    machine.store.fail(testing::Calls::All);
    assert!(process.cicada.control.leave().await.unwrap());
    let seen = machine.seen();
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(machine.seen(), seen);
    machine.store.recover();
    let latest = machine.store.latest_run().await.unwrap().unwrap();
    assert_eq!(latest.stopped_at, None);
}
