//! What can go wrong with a database file, in words that name the file and what to do.
//!
//! [`OpenError`] is for the command line, before anything runs; [`store_error`] sorts what SQLite
//! says in the middle of work into the port's [`StoreError`].

use std::error::Error;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use traffic::ports::StoreError;

use super::place::Place;

/// Why a database cannot be opened; each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds it.
    #[error("another cicada is using {0}: stop it or choose another --db")]
    InUse(PathBuf),
    /// It holds something else than a SQLite database.
    #[error("{0} is not a database: choose another --db")]
    NotADatabase(PathBuf),
    /// It is somebody else's SQLite database.
    #[error("{0} is a database, but not one of cicada's: choose another --db")]
    NotCicada(PathBuf),
    /// It was written by another version of Cicada.
    #[error(
        "{0} was written by another version of cicada: use that version, or choose another --db"
    )]
    OtherVersion(PathBuf),
    /// It is one of ours, but damaged.
    #[error("{0} is damaged: move it away and start afresh, or choose another --db")]
    Damaged(PathBuf, #[source] rusqlite::Error),
    /// The file may be read, but not written.
    #[error("{0} cannot be written: make it writable or choose another --db")]
    ReadOnly(PathBuf),
    /// Files cannot be created in its folder, and SQLite needs one beside the database.
    #[error("no file can be created in {}: make the folder writable or choose another --db", folder(.0).display())]
    ReadOnlyFolder(PathBuf),
    /// Its folder does not exist.
    #[error("the folder {} does not exist: create it or choose another --db", folder(.0).display())]
    NoFolder(PathBuf),
    /// What should be its folder is a file.
    #[error("{} is not a folder: choose another --db", folder(.0).display())]
    NotAFolder(PathBuf),
    /// The name is empty.
    #[error("no file is named: give one with --db")]
    NoName,
    /// It is a folder itself.
    #[error("{0} is a folder: name a file in it with --db")]
    IsFolder(PathBuf),
    /// There is no room for it.
    #[error("there is no room for {0}: make room on its disk or choose another --db")]
    Full(PathBuf),
    /// The private database that is used when no file is named.
    #[error(
        "no temporary database can be created: set TMPDIR to a folder with room, or name a file with --db"
    )]
    Temporary(#[source] Box<dyn Error + Send + Sync>),
    /// Anything else.
    #[error("{0} cannot be opened as a database: choose another --db")]
    Other(PathBuf, #[source] Box<dyn Error + Send + Sync>),
}

/// Sorts what SQLite says about an open database.
pub(super) fn store_error(place: &Place, error: &rusqlite::Error) -> StoreError {
    let failure = format!("{place}: {error}").into();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full(failure),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly(failure),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt(failure),
        Some(_) => StoreError::Unavailable(failure),
        // everything that is not SQLite's own is about a value that we would never have written
        None => StoreError::Corrupt(failure),
    }
}

/// Finds out why SQLite did not open `path`.
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

/// The folder that a file lies in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn read_only(path: &Path) -> OpenError {
    match std::fs::OpenOptions::new().append(true).open(path) {
        Ok(_) => OpenError::ReadOnlyFolder(path.to_owned()),
        Err(_) => OpenError::ReadOnly(path.to_owned()),
    }
}

/// SQLite says "cannot open" for many reasons: look which one it is.
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
