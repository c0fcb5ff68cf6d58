//! Where a database lies, what to call it in messages, and whether it is still there.
//!
//! A file that is deleted or replaced under a running process can be written on without an error,
//! and what is written is gone with the process: so we look before each write.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ffi;
use tempfile::TempDir;

/// Where a database lies.
#[derive(Debug)]
pub(super) enum Place {
    /// In a file, by the name the user gave.
    File(PathBuf, Option<Identity>),
    /// In a folder that goes with the database, if it has not gone already.
    Temporary(#[expect(dead_code, reason = "held until the database is closed")] Option<TempDir>),
}

/// What stays the same as long as a name stands for the same file.
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

fn moved() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        ffi::Error::new(ffi::SQLITE_IOERR),
        Some(
            "the file was moved, deleted or replaced while in use: put it back, or restart cicada"
                .into(),
        ),
    )
}
