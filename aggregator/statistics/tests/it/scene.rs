//! A run in paused time, records written by hand, and readers who look at them.

use std::sync::Arc;
use std::time::Duration;

use statistics::ledger::Account;
use statistics::reader::{Aggregation, Snapshot};
use statistics::stats::Limits;
use testing::FaultyStore;
use traffic::clock::{Clock, Slot, Timestamp};
use traffic::ports::{RecordStore as _, RunStore as _};
use traffic::random::Draws;
use traffic::record::wire::Contents;
use traffic::record::{
    BlockSize, Bucket, Fate, IterationEntry, Outcome, Record, RecordKey, RequestName,
};
use traffic::run::{Run, RunId, Segment, Share};
use traffic::runs::LoadedRun;
use traffic::telemetry::TraceId;
use traffic::workload::Workload;

pub(crate) const START: Slot = Slot(1_700_000_040);

/// One user class: its name, wait, timeout in seconds and number of users.
pub(crate) type Class<'a> = (&'a str, &'a str, u32, u32);

/// A run and the store that holds it.
pub(crate) struct Scene {
    pub(crate) clock: Clock,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) run: Arc<LoadedRun>,
}

/// What an iteration's record says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) class: usize,
    pub(crate) slot: Slot,
    pub(crate) user: u32,
    pub(crate) ordinal: u32,
    pub(crate) fate: Fate,
    pub(crate) writer: u64,
    /// When it ended.
    pub(crate) at: Timestamp,
}

pub(crate) fn workload(classes: &[Class<'_>]) -> Workload {
    let mut source = "[hosts.shop]\nurl = \"http://127.0.0.1:9\"\n".to_owned();
    for (name, wait, timeout, _) in classes {
        source += &format!(
            "[class.{name}]\nhost = \"shop\"\nwait = \"{wait}\"\n[[class.{name}.task]]\n\
             name = \"look\"\nrequest = \"GET /{name}\"\ntimeout = \"{timeout}s\"\n"
        );
    }
    Workload::parse(&source, "test", &|_| None).unwrap_or_else(|error| panic!("{error}"))
}

/// A run of `classes`, all users at once, from `from` for `seconds`.
pub(crate) fn run(
    name: &str,
    workload: &Workload,
    classes: &[Class<'_>],
    from: Slot,
    seconds: u64,
) -> Run {
    let share = |&(class, _, _, users): &Class<'_>| Share::new(class, 1, users);
    Run::new(
        RunId(name.into()),
        7,
        workload.version(),
        from.full_second() - Duration::from_millis(1_500),
        vec![Segment {
            until: Some(from.plus(seconds).full_second()),
            ..Segment::new(
                from.full_second(),
                classes.iter().map(|class| class.3).sum(),
                1e6,
                classes.iter().map(share).collect(),
            )
        }],
    )
}

/// A reader of a store that has just been started.
pub(crate) fn reader(store: &Arc<FaultyStore>, clock: &Clock) -> Aggregation<FaultyStore> {
    let runs = testing::runs(store, clock);
    Aggregation::new(Arc::clone(store), runs, clock.clone(), Limits::default())
}

impl Scene {
    /// A run of these classes for so many seconds; its first slot has just begun.
    pub(crate) async fn new(classes: &[Class<'_>], seconds: u64) -> Self {
        Self::of(classes, |_| {}, seconds).await
    }

    /// The same of a run that is changed before it begins.
    pub(crate) async fn of(
        classes: &[Class<'_>],
        change: impl FnOnce(&mut Run),
        seconds: u64,
    ) -> Self {
        let clock = Clock::following_tokio(START.full_second());
        let store = Arc::<FaultyStore>::default();
        store.hide_buckets(true);
        let workload = workload(classes);
        let mut run = run("r1", &workload, classes, START, seconds);
        change(&mut run);
        store
            .put_workload(workload.version(), workload.source())
            .await
            .unwrap();
        store.put_run(&run).await.unwrap();
        let run = testing::runs(&store, &clock).get(&run.id).await.unwrap();
        Self { clock, store, run }
    }

    /// A reader that has just been started.
    pub(crate) fn reader(&self) -> Aggregation<FaultyStore> {
        reader(&self.store, &self.clock)
    }

    /// Waits until so many seconds after the run's first slot has begun.
    pub(crate) async fn at(&self, seconds: f64) {
        let instant = START.full_second() + Duration::from_secs_f64(seconds);
        assert!(instant >= self.clock.now(), "time goes forward");
        self.clock.sleep_until(instant).await;
    }

    /// Every planned iteration of a slot as done right away.
    pub(crate) fn all_done(&self, slot: Slot) -> Vec<Told> {
        let plan = &self.run.plan;
        let mut told = Vec::new();
        for (class, block) in plan.ticks(slot) {
            told.extend(plan.due(class, block, slot).into_iter().map(|due| Told {
                class,
                slot,
                user: due.user,
                ordinal: due.ordinal,
                fate: Fate::Done,
                writer: 1,
                at: due.at + Duration::from_millis(20),
            }));
        }
        told
    }

    /// Writes every planned iteration of the first `slots` slots as done.
    pub(crate) async fn write_all_done(&self, slots: u64) {
        for slot in (0..slots).map(|number| START.plus(number)) {
            self.write(&self.all_done(slot)).await;
        }
    }

    /// Writes records that say so.
    pub(crate) async fn write(&self, told: &[Told]) {
        for record in self.records(told) {
            self.store.put_record(record).await.unwrap();
        }
    }

    /// One record for each tick, writer and bucket.
    pub(crate) fn records(&self, told: &[Told]) -> Vec<Record> {
        let mut parts: std::collections::BTreeMap<RecordKey, Contents> = Default::default();
        for one in told {
            let contents = parts.entry(self.key(one)).or_default();
            contents.iterations.push(IterationEntry {
                user: (one.user % 100) as u8,
                ordinal: one.ordinal,
                fate: one.fate,
            });
            if one.fate == Fate::Done {
                contents.outcomes.push(outcome(one));
            }
        }
        let record = |(key, mut contents): (RecordKey, Contents)| contents.record(key);
        parts.into_iter().map(record).collect()
    }

    pub(crate) fn key(&self, one: &Told) -> RecordKey {
        let plan = &self.run.plan;
        let bucket = Bucket::of(one.at);
        RecordKey {
            run: plan.run().id.clone(),
            bucket,
            class: Arc::clone(&plan.classes()[one.class].name),
            block: BlockSize::default().block_of(one.user),
            slot: one.slot,
            writer: one.writer,
            sequence: bucket.0 as u32,
        }
    }
}

fn outcome(one: &Told) -> Outcome {
    let lateness = u64::from(one.user) * 37 % 5_000;
    Outcome {
        request: Arc::new(RequestName {
            method: "GET".into(),
            name: format!("/{}/{}", one.class, one.user % 7).into(),
        }),
        completed_at: one.at,
        response_time: Duration::from_micros(u64::from(one.user) * 991 % 300_000),
        content_length: u64::from(one.user) * 13,
        error: (one.user % 5 == 3).then(|| format!("status {}", one.user % 3).into()),
        trace: trace(one),
        lateness: Some(Duration::from_micros(lateness)),
        cold: false,
        stream: None,
        measured: Vec::new(),
    }
}

/// A trace for two out of three, each its own.
fn trace(one: &Told) -> Option<TraceId> {
    let mut draws = Draws::new(one.at.micros(), "trace", one.user, one.writer);
    let id = [draws.bits().to_be_bytes(), draws.bits().to_be_bytes()];
    TraceId::from_bytes(id.concat().try_into().ok()?).filter(|_| draws.chance(0.67))
}

/// The sum that must hold at every instant, for every class and in total.
pub(crate) fn assert_adds_up(snapshot: &Snapshot) {
    let ledger = &*snapshot.ledger;
    let mut sum = Account::default();
    for (name, account) in &ledger.classes {
        assert!(adds_up(account), "{name}: {account:?}");
        sum += *account;
    }
    sum.lateness_ms = ledger.total.lateness_ms;
    assert_eq!(ledger.total, sum);
}

fn adds_up(account: &Account) -> bool {
    let parts = account.recorded + account.skipped + account.missing + account.pending;
    account.planned == parts && account.cut_off <= account.recorded
}

/// Planned, recorded, skipped, missing, pending, duplicates, unplanned.
pub(crate) fn figures(account: &Account) -> [u64; 7] {
    [
        account.planned,
        account.recorded,
        account.skipped,
        account.missing,
        account.pending,
        account.duplicates,
        account.unplanned,
    ]
}
