//! `--results`: a row for every request, in a file or a database, while it happens.
//!
//! [`Results`] is an [`Observer`]: the thread that sends puts a row into a queue and goes on. A thread of its own empties
//! the queue, and tries again while rows cannot be written. The queue is bounded; what finds it full is dropped, counted
//! and said. A row is a request that counts in the statistics, and nothing else is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};
use traffic::log_throttle::LogThrottle;
use traffic::telemetry::{Iteration, IterationEnd, Observer, RequestEnd, RequestResult, TraceId};

mod file;
mod queue;
pub(crate) mod records;
pub mod row;
mod table;
mod target;
mod writer;

pub use file::{Rotation, size};
pub use target::{Target, shown};

use file::RotatedFile;
use queue::{MOST, Queue};
use row::Row;
use table::Table;
use writer::{Sink, Writer};

/// Where the results of requests go, and when a file of them is put aside.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultsSettings {
    pub target: Target,
    pub rotation: Rotation,
}

/// The results of requests on their way.
#[derive(Debug)]
pub struct Results {
    name: String,
    queue: Arc<Queue>,
    closing: watch::Sender<bool>,
    done: Mutex<Option<oneshot::Receiver<()>>>,
    drops: LogThrottle,
}

impl Results {
    /// Opens the file, or gets ready to connect to the database, and writes from now on.
    pub fn start(settings: &ResultsSettings) -> anyhow::Result<Arc<Self>> {
        let sink = match settings.target.clone() {
            Target::File(file) => {
                let path = file.path.clone();
                let file = RotatedFile::create(file, settings.rotation);
                Sink::File(file.map_err(|error| file::remedy(&path, error))?)
            }
            Target::Postgres(config) => Sink::Table(Box::new(Table::new(*config)?)),
        };
        let name = settings.target.to_string();
        tracing::info!("the result of every request goes to {name}");
        let (closing, closed) = watch::channel(false);
        let (ended, done) = oneshot::channel();
        let queue = Arc::<Queue>::default();
        let writer = Writer::new(name.clone(), sink, Arc::clone(&queue), closed);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the runtime of --results cannot be started")?;
        // what blocks here must not block traffic
        let thread = std::thread::Builder::new().name("results".into());
        thread
            .spawn(move || {
                runtime.block_on(writer.run());
                // nobody waits any more if it took too long
                let _ = ended.send(());
            })
            .context("the thread of --results cannot be started")?;
        Ok(Arc::new(Self {
            name,
            queue,
            closing,
            done: Mutex::new(Some(done)),
            drops: LogThrottle::default(),
        }))
    }

    /// Writes what waits, and says what became of all rows; returns at the latest when `within` is over.
    pub async fn finish(&self, within: Duration) {
        self.closing.send_replace(true);
        let done = self.done.lock().take();
        if let Some(done) = done {
            let _ = tokio::time::timeout(within, done).await;
        }
        let written = self.queue.written.load(Ordering::Relaxed);
        let told = self.queue.told.load(Ordering::Relaxed);
        match told.saturating_sub(written) {
            0 => tracing::info!("{written} results are in {}", self.name),
            lost => tracing::error!(
                lost,
                "{written} results of {told} are in {}: the others were dropped",
                self.name
            ),
        }
    }
}

impl Observer for Results {
    fn samples(&self, _trace: TraceId) -> bool {
        true
    }

    fn request(&self, _iteration: &Iteration<'_>, _request: &RequestEnd<'_>) {}

    fn iteration(&self, _iteration: &Iteration<'_>, _end: &IterationEnd<'_>) {}

    fn skipped(&self, _class: &str) {}

    fn result(&self, result: &RequestResult<'_>) {
        if self.queue.put(Row::of(result)) {
            return;
        }
        if let Some(dropped) = self.drops.happened() {
            tracing::warn!(
                dropped,
                "results are dropped: {} does not take them in time, and {MOST} wait",
                self.name
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(target: &str) -> Arc<Results> {
        let settings = ResultsSettings {
            target: target.parse().unwrap(),
            rotation: Rotation {
                max_size: u64::MAX,
                max_files: None,
            },
        };
        Results::start(&settings).unwrap()
    }

    #[tokio::test]
    async fn what_waits_is_written_at_the_end_and_what_finds_no_room_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.jsonl");
        let results = started(path.to_str().unwrap());
        let rows = vec![Row::example(1); MOST];
        *results.queue.rows.lock() = rows;
        results.queue.told.fetch_add(MOST as u64, Ordering::Relaxed);
        // the writer may have taken them by now
        let mut put = 0;
        for _ in 0..2 * MOST {
            put += usize::from(results.queue.put(Row::example(2)));
        }
        results.finish(Duration::from_secs(60)).await;
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert_eq!(lines, MOST + put);
        assert!(put < 2 * MOST);
        let (told, written) = (&results.queue.told, &results.queue.written);
        assert_eq!(told.load(Ordering::Relaxed), 3 * MOST as u64);
        assert_eq!(written.load(Ordering::Relaxed), lines as u64);
    }

    #[tokio::test]
    async fn the_end_waits_no_longer_than_it_may_for_a_database_that_is_away() {
        // nobody listens on this port
        let results = started("postgres://me:secret@127.0.0.1:1/shop");
        assert!(results.queue.put(Row::example(1)));
        let began = tokio::time::Instant::now();
        results.finish(Duration::from_millis(300)).await;
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(results.queue.written.load(Ordering::Relaxed), 0);
    }
}
