//! How fast records are written and read: `cargo test --release -p local --test adapters -- speed
//! --ignored --nocapture` prints it.

use std::time::Duration;

use tokio::time::Instant;
use traffic::ports::Store;
use traffic::record::Bucket;

use super::{BUCKET, open, record, run};

/// One size of record, from several writers at a time.
struct Load {
    records: u32,
    bytes: usize,
    writers: u64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "a measurement"]
async fn speed_of_writing_and_reading() {
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

async fn measure(load: &Load) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("cicada.db"));
    let (started, cpu) = (Instant::now(), cpu_time());
    let each = load.records / load.writers as u32;
    let writers = (0..load.writers).map(|writer| {
        let (store, bytes) = (store.clone(), load.bytes);
        tokio::spawn(async move {
            for sequence in 0..each {
                let mut record = record(writer, sequence, bytes);
                record.key.bucket = Bucket(BUCKET.0 + u64::from(sequence % 4));
                store.put_record(record).await.unwrap();
            }
        })
    });
    for writer in futures_util::future::join_all(writers).await {
        writer.unwrap();
    }
    let (writing, cpu) = (started.elapsed(), cpu_time() - cpu);
    let started = Instant::now();
    let mut read = 0;
    for bucket in 0..4 {
        let page = store.records(&run(), Bucket(BUCKET.0 + bucket), None).await;
        read += page.unwrap().records.len();
    }
    let reading = started.elapsed();
    assert_eq!(read, load.records as usize);
    println!(
        "{} writers, {} bytes: {:.0} records/s written ({:.0} us CPU each), {:.0} records/s read",
        load.writers,
        load.bytes,
        f64::from(load.records) / writing.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / f64::from(load.records),
        f64::from(load.records) / reading.as_secs_f64(),
    );
}

/// User and system time of this process, in Linux's ticks of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
    let ticks = fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
