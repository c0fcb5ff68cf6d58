//! Locustfiles that convert, compared with Locust itself, which runs the same files; and the messages about
//! those that do not.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod compared;
mod demo;
mod refused;
mod sessions;

use std::path::{Path, PathBuf};

use locustfile::{Reading, SourceFile};

/// The folder of the files.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/locust")
}

/// Reads a file together with the modules beside it, without any variable.
fn read(path: &Path) -> Reading {
    let source = |path: &Path| {
        std::fs::read_to_string(path).ok().map(|text| SourceFile {
            name: path.display().to_string(),
            text,
        })
    };
    let beside = move |file: &SourceFile, module: &str| {
        source(&Path::new(&file.name).with_file_name(format!("{module}.py")))
    };
    locustfile::read(vec![source(path).unwrap()], beside, |_| None, None).unwrap()
}
