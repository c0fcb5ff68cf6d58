//! What the adapters cost in time and memory. The limits are tests; the figures are printed by
//! `cargo test --release -p local --test adapters -- speed --ignored --nocapture`.

use std::time::Duration;

use local::queue::TokioQueue;
use local::store::SqliteStore;
use tokio::time::Instant;
use traffic::clock::{Clock, Slot, Slots};
use traffic::ports::{Queue, RecordStore as _, WakeUp};
use traffic::record::{Block, Bucket};
use traffic::run::RunId;

use crate::child::child;
use crate::sqlite::{BUCKET, open, record, run};

/// Records of one size, from several writers at a time.
struct Load {
    records: u32,
    bytes: usize,
    writers: u64,
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_run_and_a_full_queue_take_little_memory() {
    let measured = child("speed::memory_of_a_long_run").output().unwrap();
    assert!(measured.status.success(), "{measured:?}");
}

/// Some 30 million outcomes of 12 bytes, and two minutes of 1,000 ticks a second.
#[tokio::test]
#[ignore = "run in a process of its own by other tests"]
async fn memory_of_a_long_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("cicada.db"));
    let before = resident_kib();
    write(
        &store,
        &Load {
            records: 9_000,
            bytes: 40_000,
            writers: 10,
        },
    )
    .await;
    let by_store = resident_kib() - before;
    let (queue, _delivery) = TokioQueue::new(Clock::system());
    let before = resident_kib();
    send_two_minutes(&queue).await;
    let by_queue = resident_kib() - before;
    println!("store: {by_store} KiB, queue: {by_queue} KiB");
    assert!(by_store < 25 * 1024, "the store takes {by_store} KiB");
    assert!(by_queue < 10 * 1024, "the queue takes {by_queue} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "a measurement"]
async fn speed_of_the_store() {
    let loads = [
        (20_000, 1_000, 1),
        (20_000, 1_000, 100),
        (2_000, 40_000, 100),
        (400, 400_000, 10),
    ];
    for (records, bytes, writers) in loads {
        measure(&Load {
            records,
            bytes,
            writers,
        })
        .await;
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn speed_of_the_queue() {
    let (queue, mut delivery) = TokioQueue::new(Clock::system());
    let started = Instant::now();
    send_two_minutes(&queue).await;
    let sending = started.elapsed();
    let started = Instant::now();
    // all of these are late, so nothing is waited for
    for _ in 0..120_000 {
        delivery.next().await.unwrap();
    }
    let delivering = started.elapsed();
    println!("120,000 wake-ups: {sending:?} to send, {delivering:?} to deliver");
}

async fn measure(load: &Load) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cicada.db");
    let started = Instant::now();
    let store = open(&file);
    let creating = started.elapsed();
    drop(store);
    let started = Instant::now();
    let store = open(&file);
    let opening = started.elapsed();
    let (started, cpu) = (Instant::now(), cpu_time());
    write(&store, load).await;
    let (writing, cpu) = (started.elapsed(), cpu_time() - cpu);
    let started = Instant::now();
    let mut read = 0;
    for bucket in 0..4 {
        let page = store
            .records(&run(), 1, Bucket(BUCKET.0 + bucket), None)
            .await;
        read += page.unwrap().records.len();
    }
    let reading = started.elapsed();
    assert_eq!(read, load.records as usize);
    let Load {
        records,
        bytes,
        writers,
    } = load;
    let records = f64::from(*records);
    println!(
        "{writers} writers, {bytes} bytes: {:.0} records/s written ({:.0} us CPU each), \
         {:.0} records/s read; {creating:?} to create, {opening:?} to open",
        records / writing.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / records,
        records / reading.as_secs_f64(),
    );
}

async fn write(store: &SqliteStore, load: &Load) {
    let payload = record(1, 0, load.bytes).payload;
    let each = load.records / load.writers as u32;
    let writers = (0..load.writers).map(|writer| {
        let (store, payload) = (store.clone(), payload.clone());
        tokio::spawn(async move {
            for sequence in 0..each {
                let mut record = record(writer, sequence, 0);
                record.payload = payload.clone();
                record.key.bucket = Bucket(BUCKET.0 + u64::from(sequence % 4));
                store.put_record(record).await.unwrap();
            }
        })
    });
    for writer in futures_util::future::join_all(writers).await {
        writer.unwrap();
    }
}

async fn send_two_minutes(queue: &TokioQueue) {
    for second in 0..120 {
        let wake_up = |block| WakeUp {
            run: RunId("run".into()),
            class: "ModelAUser".into(),
            block: Block(block),
            slot: Slot(1_700_000_000 + second),
        };
        let wake_ups = (0..1_000).map(wake_up).map(Into::into).collect();
        queue.send(Slots::FULL_SECONDS, wake_ups).await.unwrap();
    }
    assert_eq!(queue.len(), 120_000);
}

/// User and system time of this process, in Linux's ticks of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
    let ticks = fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// The memory that this process has now.
fn resident_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}
