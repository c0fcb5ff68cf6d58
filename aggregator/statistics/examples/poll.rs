//! Times the reader on the built-in workload with many users, and prints one line of JSON.
//!
//! `poll [USERS [SECONDS]]`: every planned iteration is recorded, the agent's after up to a minute,
//! so that five minutes are not settled. Somebody polls every two seconds; then a reader starts anew.
//! Time is paused, and the store is in memory: what is timed is reading, folding and counting.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use statistics::reader::Aggregation;
use statistics::stats::Limits;
use testing::MemoryStore;
use traffic::clock::{Clock, Slot, Timestamp};
use traffic::plan::Due;
use traffic::ports::{CheckpointStore as _, RecordStore as _, RunStore as _};
use traffic::random::Draws;
use traffic::record::wire::Contents;
use traffic::record::{
    Block, BlockSize, Bucket, Fate, IterationEntry, Outcome, RecordKey, RequestName,
};
use traffic::run::{Run, RunId, Segment, Share};
use traffic::runs::LoadedRun;
use traffic::workload::Workload;

const START: Slot = Slot(1_735_689_600);

type Failure = Box<dyn Error>;

/// What is written when: records by the instant of their writing.
type Written = BTreeMap<(Timestamp, RecordKey), Contents>;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u64>());
    let users = arguments.next().transpose()?.unwrap_or(50_000);
    let seconds = arguments.next().transpose()?.unwrap_or(420);
    let clock = Clock::following_tokio(START.full_second());
    let store = Arc::new(MemoryStore::default());
    let run = start(&store, &clock, users as u32).await?;
    let reader = reader(&store, &clock);
    let mut written = Written::new();
    let mut polls = Vec::new();
    for second in 0..seconds {
        execute(&run, START.plus(second), &mut written);
        clock
            .sleep_until(START.plus(second + 1).full_second())
            .await;
        let later = written.split_off(&(clock.now(), least_key(&run)));
        for ((_, key), mut contents) in std::mem::replace(&mut written, later) {
            store.put_record(contents.record(key)).await?;
        }
        if second % 60 == 59 {
            reader.fold_sealed().await?;
        }
        if second % 2 == 1 {
            polls.push(timed(&reader).await?);
        }
    }
    clock
        .sleep_until(clock.now() + Duration::from_millis(400))
        .await;
    let idle = timed(&reader).await?;
    let restart = timed(&self::reader(&store, &clock)).await?;
    report(&store, &reader, polls, [idle, restart]).await
}

async fn report(
    store: &MemoryStore,
    reader: &Aggregation<MemoryStore>,
    mut polls: Vec<Duration>,
    [idle, restart]: [Duration; 2],
) -> Result<(), Failure> {
    let snapshot = reader.snapshot().await?;
    let ledger = snapshot.ledger.total;
    let records = store.all_records().len() as u64;
    let checkpoint = match &snapshot.run {
        Some(run) => store.checkpoint(&run.plan.run().id).await?,
        None => None,
    };
    // the first are of a run that has not filled its window
    let settled = &mut polls[60..];
    let total: Duration = settled.iter().sum();
    settled.sort_unstable();
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    println!(
        "{{\"planned\": {}, \"recorded\": {}, \"pending\": {}, \"records_a_second\": {}, \
         \"poll_median_ms\": {:.2}, \"poll_slowest_ms\": {:.2}, \"poll_us_a_record\": {:.2}, \
         \"idle_poll_ms\": {:.2}, \"restart_ms\": {:.1}, \"checkpoint_bytes\": {}}}",
        ledger.planned,
        ledger.recorded,
        ledger.pending,
        records / (polls.len() as u64 * 2),
        ms(polls[60 + (polls.len() - 60) / 2]),
        ms(polls[polls.len() - 1]),
        ms(total) * 1e3 / (records as f64 * (polls.len() - 60) as f64 / polls.len() as f64),
        ms(idle),
        ms(restart),
        checkpoint.map_or(0, |checkpoint| checkpoint.body.len()),
    );
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "tokio's time is paused and cannot tell"
)]
async fn timed(reader: &Aggregation<MemoryStore>) -> Result<Duration, Failure> {
    let began = Instant::now();
    reader.snapshot().await?;
    Ok(began.elapsed())
}

fn reader(store: &Arc<MemoryStore>, clock: &Clock) -> Aggregation<MemoryStore> {
    let runs = testing::runs(store, clock);
    Aggregation::new(Arc::clone(store), runs, clock.clone(), Limits::default())
}

async fn start(
    store: &Arc<MemoryStore>,
    clock: &Clock,
    users: u32,
) -> Result<Arc<LoadedRun>, Failure> {
    let workload = Workload::built_in(&|_| None)?;
    store
        .put_workload(workload.version(), workload.source())
        .await?;
    let share =
        |class: &Arc<traffic::workload::UserClass>| Share::new(class.name(), class.weight(), 0);
    let run = Run::new(
        RunId::new(clock.now(), 1),
        1,
        workload.version(),
        clock.now(),
        vec![Segment {
            from: START.full_second(),
            user_count: users,
            // evenly over the longest wait, as a real ramp would have spread them
            spawn_rate: f64::from(users) / 45.0,
            shares: workload.classes().iter().map(share).collect(),
            host: None,
            hosts: Vec::new(),
            until: None,
            shape: None,
        }],
    );
    store.put_run(&run).await?;
    Ok(testing::runs(store, clock).get(&run.id).await?)
}

/// Everything that is planned for a slot, written every two seconds while it goes on.
fn execute(run: &LoadedRun, slot: Slot, written: &mut Written) {
    for (class, block) in run.plan.ticks(slot) {
        for due in run.plan.due(class, block, slot) {
            let completed_at = due.at + takes(class, run, &due);
            let flushes = completed_at.since(slot.full_second()).as_secs() / 2 + 1;
            let at = slot.full_second() + Duration::from_secs(flushes * 2);
            let key = key(
                run,
                class,
                block,
                slot,
                Bucket::of(completed_at),
                flushes as u32,
            );
            let contents = written.entry((at, key)).or_default();
            let user = (due.user - BlockSize::default().first_user(block)) as u8;
            contents.iterations.push(IterationEntry {
                user,
                ordinal: due.ordinal,
                fate: Fate::Done,
            });
            contents.outcomes.push(outcome(class, &due, completed_at));
        }
    }
}

fn takes(class: usize, run: &LoadedRun, due: &Due) -> Duration {
    let mut draws = Draws::keyed(class as u64, due.user, due.iteration);
    let is_agent = run.plan.classes()[class].name.as_ref() != "TargetAppUser";
    let most = if is_agent && draws.below(5) == 0 {
        60_000
    } else {
        300
    };
    Duration::from_millis(5 + draws.below(most))
}

fn key(
    run: &LoadedRun,
    class: usize,
    block: Block,
    slot: Slot,
    bucket: Bucket,
    sequence: u32,
) -> RecordKey {
    RecordKey {
        run: run.plan.run().id.clone(),
        bucket,
        class: Arc::clone(&run.plan.classes()[class].name),
        block,
        slot,
        writer: 1,
        sequence,
    }
}

/// Sorts before all keys.
fn least_key(run: &LoadedRun) -> RecordKey {
    RecordKey {
        run: RunId(String::new()),
        ..key(run, 0, Block(0), Slot(0), Bucket(0), 0)
    }
}

fn outcome(class: usize, due: &Due, completed_at: Timestamp) -> Outcome {
    Outcome {
        request: Arc::new(RequestName {
            method: "GET".into(),
            name: format!("/{class}/{}", due.iteration % 3).into(),
        }),
        completed_at,
        response_time: completed_at.since(due.at),
        content_length: 100,
        error: None,
        trace: None,
        lateness: Some(Duration::from_micros(u64::from(due.user) % 1_000)),
        cold: false,
    }
}
