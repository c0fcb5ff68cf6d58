//! The file of a database: its name in messages, and a check before each write that it is still the same file.
//!
//! A file that is deleted or replaced under a running process can be written on without an error, and everything
//! that is written then is lost with the process.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ffi;
use tempfile::TempDir;

/// The file of a database.
#[derive(Debug)]
pub(super) enum Place {
    /// A file, by the name that the user gave.
    File(PathBuf, Option<Identity>),
    /// A file in a folder that is removed with the database; `None` if it is removed already.
    Temporary(#[expect(dead_code, reason = "held until the database is closed")] Option<TempDir>),
}

/// Device and inode: the same as long as a name stands for the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

impl Place {
    /// The place of a file that is there.
    pub(super) fn of_file(path: &Path) -> Self {
        Self::File(path.to_owned(), Identity::of(path))
    }

    /// An error if the file is not the one that was opened.
    pub(super) fn check(&self) -> rusqlite::Result<()> {
        match self {
            Self::File(path, identity) if Identity::of(path) != *identity => Err(moved()),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, _) => path.display().fmt(f),
            Self::Temporary(_) => f.write_str("the temporary database"),
        }
    }
}

impl Identity {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self(metadata.dev(), metadata.ino()))
    }

    /// Elsewhere a file that is open cannot be deleted.
    #[cfg(not(unix))]
    fn of(_: &Path) -> Option<Self> {
        None
    }
}

/// The folder that a file lies in.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn moved() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        ffi::Error::new(ffi::SQLITE_IOERR),
        Some(
            "the file was moved, deleted or replaced while in use: put it back, or restart cicada"
                .into(),
        ),
    )
}
