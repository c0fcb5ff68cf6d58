//! The thread that owns the connection, and the group commit.
//!
//! Everything the store does is a command to this thread. The records that have queued up while it was busy are
//! written in one transaction, so batches form by themselves under load. A write is answered after its commit.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use traffic::ports::StoreError;
use traffic::record::Record;

use super::database::Database;

/// The most records in a transaction, so that the first one does not wait long.
const BATCH_RECORDS: usize = 256;

/// The most bytes in a transaction, but for the last record.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

enum Command {
    Write(Record, Answer<()>),
    Do(Box<dyn FnOnce(&mut Database) + Send>),
}

/// A handle on the thread; dropping it waits until all commands are done.
#[derive(Debug)]
pub(super) struct Worker {
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(database: Database) -> std::io::Result<Self> {
        let (commands, received) = channel();
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || serve(database, &received))?;
        Ok(Self {
            commands: Some(commands),
            thread: Some(thread),
        })
    }

    /// Writes a record, together with those that are queued beside it.
    pub(super) async fn write(&self, record: Record) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Command::Write(record, answer))?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Has the thread do `task` with the database.
    pub(super) async fn run<T, F>(&self, task: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Database) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.send(Command::Do(Box::new(move |database| {
            let done = task(database);
            // fails if the caller was cancelled
            let _ = answer.send(done.map_err(|error| database.error(&error)));
        })))?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    fn send(&self, command: Command) -> Result<(), StoreError> {
        let commands = self.commands.as_ref().ok_or_else(ended)?;
        commands.send(command).map_err(|_| ended())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's thread has panicked");
        }
    }
}

fn ended() -> StoreError {
    StoreError::Unavailable("the store's thread has ended".into())
}

fn serve(mut database: Database, commands: &Receiver<Command>) {
    let mut next = None;
    while let Some(command) = next.take().or_else(|| commands.recv().ok()) {
        match command {
            Command::Do(task) => task(&mut database),
            Command::Write(record, answer) => {
                let mut batch = Batch::default();
                batch.push(record, answer);
                next = batch.fill(commands);
                batch.write(&mut database);
            }
        }
    }
    database.close();
}

#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    answers: Vec<Answer<()>>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, record: Record, answer: Answer<()>) {
        self.bytes += record.payload.len();
        self.records.push(record);
        self.answers.push(answer);
    }

    /// Takes the records that are queued now; returns the first command of another kind.
    fn fill(&mut self, commands: &Receiver<Command>) -> Option<Command> {
        while self.records.len() < BATCH_RECORDS && self.bytes < BATCH_BYTES {
            match commands.try_recv().ok()? {
                Command::Write(record, answer) => self.push(record, answer),
                other => return Some(other),
            }
        }
        None
    }

    fn write(self, database: &mut Database) {
        let written = database.put_records(&self.records);
        for answer in self.answers {
            let written = written.as_ref().copied();
            // fails if the writer was cancelled
            let _ = answer.send(written.map_err(|error| database.error(error)));
        }
    }
}
