//! Takes rows from the queue and writes them, some at once, until the end; what cannot be written is tried again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use traffic::back_off::back_off;
use traffic::log_throttle::LogThrottle;

use super::file::RotatedFile;
use super::queue::Queue;
use super::row::Row;
use super::table::Table;

/// The time between two looks at the queue: a row is in its file about so long after it.
const EVERY: Duration = Duration::from_millis(500);

/// The most rows in one write.
const BATCH: usize = 5_000;

/// The waits between tries, the first and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// The time between two lines about rows that cannot be written.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// What rows are written into.
pub(super) enum Sink {
    File(RotatedFile),
    Table(Box<Table>),
}

/// Empties a queue into a sink.
pub(super) struct Writer {
    name: String,
    sink: Sink,
    queue: Arc<Queue>,
    closing: watch::Receiver<bool>,
    failures: LogThrottle,
    is_failing: bool,
}

impl Writer {
    pub(super) fn new(
        name: String,
        sink: Sink,
        queue: Arc<Queue>,
        closing: watch::Receiver<bool>,
    ) -> Self {
        Self {
            name,
            sink,
            queue,
            closing,
            failures: LogThrottle::every(SAID_EVERY),
            is_failing: false,
        }
    }

    /// Writes until the end is told and the queue is empty, or the last try has failed.
    pub(super) async fn run(mut self) {
        loop {
            let is_last = self.rested(EVERY).await;
            for batch in self.queue.take().chunks(BATCH) {
                if !self.write(batch).await {
                    return;
                }
            }
            if is_last {
                return;
            }
        }
    }

    /// Waits, at the longest until the end is told; true if it was.
    async fn rested(&mut self, time: Duration) -> bool {
        let told = self.closing.wait_for(|is_closing| *is_closing);
        tokio::time::timeout(time, told).await.is_ok()
    }

    /// False if the batch was not written in the last try.
    async fn write(&mut self, batch: &[Row]) -> bool {
        for wait in back_off(WAITS.0, WAITS.1) {
            let is_last = *self.closing.borrow();
            let Err((error, may_pass)) = self.sink.write(batch).await else {
                let count = batch.len() as u64;
                self.queue.written.fetch_add(count, Ordering::Relaxed);
                if std::mem::take(&mut self.is_failing) {
                    self.failures = LogThrottle::every(SAID_EVERY);
                    tracing::info!("results are written to {} again", self.name);
                }
                return true;
            };
            if !may_pass {
                let dropped = batch.len();
                tracing::error!(
                    error,
                    dropped,
                    "{} refuses results: they are dropped",
                    self.name
                );
                return true;
            }
            self.is_failing = true;
            if is_last {
                tracing::warn!(error, "results cannot be written to {}", self.name);
                return false;
            }
            if self.failures.happened().is_some() {
                tracing::warn!(
                    error,
                    "results cannot be written to {}: they wait, and it is tried again",
                    self.name
                );
            }
            self.rested(wait).await;
        }
        // the waits never end
        false
    }
}

impl Sink {
    /// The error, and whether trying again may help.
    async fn write(&mut self, batch: &[Row]) -> Result<(), (String, bool)> {
        match self {
            Self::File(file) => file.write(batch).map_err(|error| (error.to_string(), true)),
            Self::Table(table) => {
                let written = table.write(batch).await;
                written.map_err(|error| (error.to_string(), error.may_pass))
            }
        }
    }
}
