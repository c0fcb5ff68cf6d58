//! Opens a database file and makes sure that it is one of Cicada's, whole, writable and of this version.
//!
//! A foreign file, and one of another version, is left as it was. SQLite's exclusive lock is held as long as the
//! store is open, so a second process is refused.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tempfile::TempDir;

use super::error::{OpenError, open_error};
use super::secrecy;

/// Marks a SQLite file as Cicada's: "CICA".
const APPLICATION_ID: i32 = 0x4349_4341;

/// The version of [`SCHEMA`].
const VERSION: u32 = 1;

/// The longest wait for another process that reads the file for a moment.
const LOCK_PATIENCE: Duration = Duration::from_millis(300);

/// SQLite's page cache; a run needs far less at one time.
const CACHE_KIB: i32 = 4 * 1024;

/// Pages in the write-ahead log before they are copied into the file (16 MiB).
const CHECKPOINT_PAGES: i32 = 4_096;

/// The write-ahead log shrinks back to this after a burst.
const LOG_LIMIT_BYTES: i32 = 32 * 1024 * 1024;

/// Statements that stay compiled; more than there are.
const STATEMENTS: usize = 48;

/// A database survives a power cut, less the last moments. A file survives `kill -9` with either setting.
const SYNCHRONOUS: &str = "NORMAL";

/// A database is lost with a power cut: a temporary one is lost with its process anyway.
const NOT_SYNCHRONOUS: &str = "OFF";

/// Run and class names are interned, so that a record's row and its keys are a few dozen bytes.
///
/// `AUTOINCREMENT` because a cursor is a record's number: a number must never be given twice, also
/// after the newest records were expired.
const SCHEMA: &str = "
CREATE TABLE run_names (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE class_names (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE workloads (
    version TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL
) STRICT;
CREATE TABLE runs (
    run INTEGER PRIMARY KEY REFERENCES run_names,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE plans (
    run INTEGER PRIMARY KEY REFERENCES run_names,
    planned_until INTEGER NOT NULL
) STRICT;
CREATE TABLE checkpoints (
    run INTEGER PRIMARY KEY REFERENCES run_names,
    revision INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE records (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run_names,
    bucket INTEGER NOT NULL,
    class INTEGER NOT NULL REFERENCES class_names,
    block INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    writer INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    payload BLOB NOT NULL,
    UNIQUE (run, bucket, class, block, slot, writer, sequence)
) STRICT;
CREATE INDEX records_by_bucket ON records (run, bucket);
CREATE TABLE chosen_workload (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    version TEXT NOT NULL
) STRICT;
CREATE TABLE schedules (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
";

/// Opens or creates the database in a file.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    open_with(path, SYNCHRONOUS)
}

/// Opens a private database in a folder for temporary files. The folder is removed at once where the system
/// allows that, so that nothing is left of it, however the process ends.
///
/// SQLite's own temporary databases cannot even be read once the disk is full.
pub(super) fn open_temporary() -> Result<(Connection, Option<TempDir>), OpenError> {
    let temporary = |error: Box<dyn Error + Send + Sync>| OpenError::Temporary(error);
    let folder = TempDir::with_prefix("cicada-").map_err(|error| temporary(error.into()))?;
    let connection = open_with(&folder.path().join("cicada.db"), NOT_SYNCHRONOUS)
        .map_err(|error| temporary(error.into()))?;
    if cfg!(unix) {
        folder.close().map_err(|error| temporary(error.into()))?;
        return Ok((connection, None));
    }
    Ok((connection, Some(folder)))
}

fn open_with(path: &Path, synchronous: &str) -> Result<Connection, OpenError> {
    refuse_scraps(path)?;
    let failed = |error| open_error(path, error);
    secrecy::create(path);
    let connection = connect(path).map_err(failed)?;
    if connection.is_readonly(c"main").map_err(failed)? {
        return Err(OpenError::ReadOnly(path.to_owned()));
    }
    let is_new = examine(&connection, path)?;
    secrecy::tighten(path);
    prepare(connection, is_new, synchronous).map_err(failed)
}

/// The path in a form that is none of SQLite's special names: `:memory:` and `file:...` are plain files here.
fn plain(path: &Path) -> PathBuf {
    if path.is_absolute() {
        path.to_owned()
    } else {
        Path::new(".").join(path)
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(plain(path), flags)?;
    connection.busy_timeout(LOCK_PATIENCE)?;
    // before anything is read, so that the file is never shared
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    Ok(connection)
}

/// SQLite takes a file that is shorter than its shortest page for an empty one, and writes over it.
fn refuse_scraps(path: &Path) -> Result<(), OpenError> {
    const SHORTEST_PAGE: u64 = 512;
    match std::fs::metadata(path) {
        Ok(file) if file.is_file() && (1..SHORTEST_PAGE).contains(&file.len()) => {
            Err(OpenError::NotADatabase(path.to_owned()))
        }
        _ => Ok(()),
    }
}

/// True if the file is empty; an error if it is not Cicada's, or of another version.
fn examine(connection: &Connection, path: &Path) -> Result<bool, OpenError> {
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|error| open_error(path, error))
    };
    let objects = number("SELECT count(*) FROM sqlite_schema")?;
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    match (application == i64::from(APPLICATION_ID), version) {
        (false, 0) if application == 0 && objects == 0 => Ok(true),
        (false, _) => Err(OpenError::NotCicada(path.to_owned())),
        (true, version) if version == i64::from(VERSION) => Ok(false),
        (true, _) => Err(OpenError::OtherVersion(path.to_owned())),
    }
}

fn prepare(
    mut connection: Connection,
    is_new: bool,
    synchronous: &str,
) -> rusqlite::Result<Connection> {
    if is_new {
        // there is nothing to lose yet, and waiting for the disk would take longer than all the rest
        connection.pragma_update(None, "synchronous", NOT_SYNCHRONOUS)?;
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_LIMIT_BYTES, |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // takes the lock for good, and fails if the file cannot be written
    write_schema(&mut connection, is_new)?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    Ok(connection)
}

/// Writes the tables of a new file, all of them or none.
fn write_schema(connection: &mut Connection, is_new: bool) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_new {
        transaction.execute_batch(SCHEMA)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}
