//! The store on SQLite: one file, or a temporary one when none is named.
//!
//! One thread owns the one connection; the async methods send commands to it and await the answers. A write that
//! was acknowledged survives the process, also `kill -9`. The in-flight markers are kept in memory, because the
//! iterations that they belong to die with the process.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use traffic::clock::{Clock, Slot, Timestamp};
use traffic::ports::{
    Checkpoint, CheckpointStore, Cursor, Marker, MarkerStore, ProgressStore, RecordPage,
    RecordStore, RunStore, Schedule, StoreError, WakeUp,
};
use traffic::record::{Block, Bucket, Record};
use traffic::run::{Run, RunId};

mod claims;
mod database;
mod error;
mod last_instant;
mod markers;
mod names;
mod place;
mod schema;
mod secrecy;
#[cfg(test)]
mod tests;
mod worker;

pub use error::OpenError;
pub(crate) use place::folder;

use claims::Claims;
use database::Database;
use markers::Markers;
use place::Place;
use worker::Worker;

/// The smallest difference between database and wall clock that is logged.
const CLOCKS_DIFFER: Duration = Duration::from_millis(500);

/// A store in one SQLite file; clones share it. Dropping the last clone waits until all commands are done and the
/// file is closed.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    worker: Worker,
    markers: Markers,
    claims: Claims,
    clock: Clock,
    opened_at: Timestamp,
    /// The latest instant that a process before this one was at work.
    last_at_work: Option<Timestamp>,
}

impl SqliteStore {
    /// Opens the database in the file `path`, and creates it if there is none.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, OpenError> {
        let connection = schema::open(path)?;
        let database = Database::new(connection, Place::of_file(path));
        Self::start(database, clock).map_err(|error| OpenError::Other(path.into(), Box::new(error)))
    }

    /// Opens a private database in the folder for temporary files (`TMPDIR`). Nothing is left of it, however the
    /// process ends.
    pub fn temporary(clock: Clock) -> Result<Self, OpenError> {
        let (connection, folder) = schema::open_temporary()?;
        let database = Database::new(connection, Place::Temporary(folder));
        Self::start(database, clock).map_err(|error| OpenError::Temporary(Box::new(error)))
    }

    fn start(mut database: Database, clock: Clock) -> std::io::Result<Self> {
        let last = last_instant::of(&mut database).map_err(std::io::Error::other)?;
        if let Some(last) = last {
            go_on_from(last, &clock);
        }
        let opened_at = clock.now();
        let shared = Shared {
            worker: Worker::start(database)?,
            markers: Markers::default(),
            claims: Claims::default(),
            clock,
            opened_at,
            last_at_work: last,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The latest instant that a process before this one was at work, as far as the database shows it; it is too early
    /// by the time in which nothing was written.
    pub(crate) fn last_at_work(&self) -> Option<Timestamp> {
        self.shared.last_at_work
    }

    async fn run_task<T, F>(&self, task: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Database) -> rusqlite::Result<T> + Send + 'static,
    {
        self.shared.worker.run(task).await
    }

    async fn run_condition<F>(&self, task: F) -> Result<(), StoreError>
    where
        F: FnOnce(&mut Database) -> rusqlite::Result<bool> + Send + 'static,
    {
        if self.run_task(task).await? {
            Ok(())
        } else {
            Err(StoreError::Conflict)
        }
    }

    /// Has the thread do `task` for a run.
    async fn of_run<T, F>(&self, run: &RunId, task: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Database, &RunId) -> rusqlite::Result<T> + Send + 'static,
    {
        let run = run.clone();
        self.run_task(move |database| task(database, &run)).await
    }

    pub(crate) async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        self.run_task(Database::schedules).await
    }

    /// Writes a schedule, in place of the one of its name.
    pub(crate) async fn put_schedule(&self, schedule: &Schedule) -> Result<(), StoreError> {
        let name = schedule.name.clone();
        let body = serde_json::to_string(schedule).expect("a schedule has only texts");
        self.run_task(move |database| database.put_schedule(&name, &body))
            .await
    }

    /// Deletes a schedule; false if there is none of this name.
    pub(crate) async fn delete_schedule(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.run_task(move |database| database.delete_schedule(&name))
            .await
    }
}

impl RunStore for SqliteStore {
    async fn put_run(&self, run: &Run) -> Result<(), StoreError> {
        let (id, revision) = (run.id.clone(), run.revision);
        let body = serde_json::to_string(run).expect("a run has nothing that JSON cannot say");
        self.run_condition(move |database| database.put_run(&id, revision, &body))
            .await
    }

    async fn run(&self, id: &RunId) -> Result<Option<Run>, StoreError> {
        self.of_run(id, Database::run).await
    }

    async fn latest_run(&self) -> Result<Option<Run>, StoreError> {
        self.run_task(Database::latest_run).await
    }

    async fn run_ids(
        &self,
        before: Option<&RunId>,
        limit: usize,
    ) -> Result<Vec<RunId>, StoreError> {
        let before = before.cloned();
        self.run_task(move |database| database.run_ids(before.as_ref(), limit))
            .await
    }

    async fn put_workload(&self, version: &str, source: &str) -> Result<(), StoreError> {
        let (version, source) = (version.to_owned(), source.to_owned());
        self.run_task(move |database| database.put_workload(&version, &source))
            .await
    }

    async fn workload(&self, version: &str) -> Result<Option<String>, StoreError> {
        let version = version.to_owned();
        self.run_task(move |database| database.workload(&version))
            .await
    }

    async fn choose_workload(&self, version: &str) -> Result<(), StoreError> {
        let version = version.to_owned();
        self.run_task(move |database| database.choose_workload(&version))
            .await
    }

    async fn chosen_workload(&self) -> Result<Option<String>, StoreError> {
        self.run_task(Database::chosen_workload).await
    }

    fn marker_lead(&self) -> Duration {
        Duration::ZERO
    }

    fn quiet_before(&self) -> Option<Timestamp> {
        Some(self.shared.opened_at)
    }
}

impl RecordStore for SqliteStore {
    async fn put_record(&self, record: Record) -> Result<(), StoreError> {
        self.shared.worker.write(record).await
    }

    async fn records(
        &self,
        run: &RunId,
        _shards: u32,
        bucket: Bucket,
        since: Option<Cursor>,
    ) -> Result<RecordPage, StoreError> {
        self.of_run(run, move |database, run| {
            database.records(run, bucket, since)
        })
        .await
    }

    async fn next_bucket(&self, run: &RunId, from: Bucket) -> Result<Option<Bucket>, StoreError> {
        self.of_run(run, move |database, run| database.next_bucket(run, from))
            .await
    }

    async fn expire_records(&self, before: Bucket) -> Result<(), StoreError> {
        while self
            .run_task(move |database| database.expire(before))
            .await?
        {}
        Ok(())
    }
}

impl MarkerStore for SqliteStore {
    async fn claim(&self, tick: &WakeUp, writer: u64) -> Result<bool, StoreError> {
        let now = self.shared.clock.now();
        Ok(self.shared.claims.claim(tick, writer, now))
    }

    async fn put_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        self.shared.markers.put(marker, self.shared.clock.now());
        Ok(())
    }

    async fn clear_marker(&self, marker: &Marker) -> Result<(), StoreError> {
        self.shared.markers.clear(marker);
        Ok(())
    }

    async fn markers(
        &self,
        run: &RunId,
        class: &str,
        block: Block,
    ) -> Result<Vec<Marker>, StoreError> {
        Ok(self.shared.markers.of(run, class, block))
    }
}

impl CheckpointStore for SqliteStore {
    async fn put_checkpoint(&self, run: &RunId, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let (run, checkpoint) = (run.clone(), checkpoint.clone());
        self.run_condition(move |database| database.put_checkpoint(&run, &checkpoint))
            .await
    }

    async fn checkpoint(&self, run: &RunId) -> Result<Option<Checkpoint>, StoreError> {
        self.of_run(run, Database::checkpoint).await
    }
}

impl ProgressStore for SqliteStore {
    async fn planned_until(&self, run: &RunId) -> Result<Option<Slot>, StoreError> {
        self.of_run(run, Database::planned_until).await
    }

    async fn advance_planned(
        &self,
        run: &RunId,
        from: Option<Slot>,
        to: Slot,
    ) -> Result<bool, StoreError> {
        self.of_run(run, move |database, run| {
            database.advance_planned(run, from, to)
        })
        .await
    }

    async fn delete_run(
        &self,
        run: &RunId,
        checkpoints: &[RunId],
        _shards: u32,
        _buckets: Range<Bucket>,
    ) -> Result<(), StoreError> {
        let names: Vec<RunId> = [run].into_iter().chain(checkpoints).cloned().collect();
        let listed = names.clone();
        self.run_task(move |database| database.delete_run(&listed))
            .await?;
        while self
            .of_run(run, |database, run| database.delete_records(run))
            .await?
        {}
        self.run_task(move |database| database.delete_names(&names))
            .await
    }
}

/// Moves the clock on to the last instant in the database: behind it, a run would wait for its own past.
fn go_on_from(last: Timestamp, clock: &Clock) {
    let ahead = last.since(clock.now());
    clock.go_on_from(last);
    if ahead > CLOCKS_DIFFER {
        tracing::warn!(
            "the database was last written {} ahead of the wall clock: its runs go on from then, and so do the \
             times of what is new; start on another --db to have the wall clock's",
            crate::duration::shown(ahead)
        );
    }
}
