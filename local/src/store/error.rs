//! The errors of a database file; each message names the file and the remedy.
//!
//! [`OpenError`] is for the command line, before anything runs. [`store_error`] sorts SQLite's errors during the
//! work into the port's [`StoreError`].

use std::error::Error;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use traffic::ports::StoreError;

use super::place::{Place, folder};

/// The reason why a database cannot be opened; each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("another cicada is using {0}: stop it or choose another --db")]
    InUse(PathBuf),
    #[error("{0} is not a database: choose another --db")]
    NotADatabase(PathBuf),
    #[error("{0} is a database, but not one of cicada's: choose another --db")]
    NotCicada(PathBuf),
    #[error(
        "{0} was written by another version of cicada: use that version, or choose another --db"
    )]
    OtherVersion(PathBuf),
    #[error("{0} is damaged: move it away and start afresh, or choose another --db")]
    Damaged(PathBuf, #[source] rusqlite::Error),
    #[error("{0} cannot be written: make it writable or choose another --db")]
    ReadOnly(PathBuf),
    /// SQLite creates a file beside the database.
    #[error("no file can be created in {}: make the folder writable or choose another --db", folder(.0).display())]
    ReadOnlyFolder(PathBuf),
    #[error("the folder {} does not exist: create it or choose another --db", folder(.0).display())]
    NoFolder(PathBuf),
    #[error("{} is not a folder: choose another --db", folder(.0).display())]
    NotAFolder(PathBuf),
    #[error("no file is named: give one with --db")]
    NoName,
    #[error("{0} is a folder: name a file in it with --db")]
    IsFolder(PathBuf),
    #[error("there is no room for {0}: make room on its disk or choose another --db")]
    Full(PathBuf),
    #[error(
        "no temporary database can be created: set TMPDIR to a folder with room, or name a file with --db"
    )]
    Temporary(#[source] Box<dyn Error + Send + Sync>),
    #[error("{0} cannot be opened as a database: choose another --db")]
    Other(PathBuf, #[source] Box<dyn Error + Send + Sync>),
}

/// The port's error for an error of SQLite.
pub(super) fn store_error(place: &Place, error: &rusqlite::Error) -> StoreError {
    let failure = format!("{place}: {error}").into();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full(failure),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly(failure),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt(failure),
        Some(_) => StoreError::Unavailable(failure),
        // all other errors are about a value in the file that Cicada never writes
        None => StoreError::Corrupt(failure),
    }
}

/// The reason why SQLite did not open `path`.
pub(super) fn open_error(path: &Path, error: rusqlite::Error) -> OpenError {
    let file = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse(file),
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase(file),
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged(file, error),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => read_only(path),
        Some(ErrorCode::DiskFull) => OpenError::Full(file),
        Some(ErrorCode::CannotOpen) => cannot_open(path, error),
        _ => OpenError::Other(file, Box::new(error)),
    }
}

fn read_only(path: &Path) -> OpenError {
    match std::fs::OpenOptions::new().append(true).open(path) {
        Ok(_) => OpenError::ReadOnlyFolder(path.to_owned()),
        Err(_) => OpenError::ReadOnly(path.to_owned()),
    }
}

/// The reason for SQLite's "cannot open", found by looking at the file and its folder.
fn cannot_open(path: &Path, error: rusqlite::Error) -> OpenError {
    let file = path.to_owned();
    if path.as_os_str().is_empty() {
        OpenError::NoName
    } else if path.is_dir() {
        OpenError::IsFolder(file)
    } else if !folder(path).exists() {
        OpenError::NoFolder(file)
    } else if !folder(path).is_dir() {
        OpenError::NotAFolder(file)
    } else if !path.exists() {
        OpenError::ReadOnlyFolder(file)
    } else if std::fs::File::open(path).is_err() {
        OpenError::ReadOnly(file)
    } else if std::fs::OpenOptions::new().append(true).open(path).is_ok() {
        // the file is fine, so it is the write-ahead log beside it that cannot be created
        OpenError::ReadOnlyFolder(file)
    } else {
        OpenError::Other(file, Box::new(error))
    }
}
