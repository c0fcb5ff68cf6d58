//! The log: lines in Locust's format on standard error or in a file, and at `/logs`.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::prelude::*;
use traffic::clock::Clock;
use web::logs::{LocustFormat, LogBuffer};

use crate::options::OutputOptions;
use crate::screen::Screen;

/// Starts logging as the options say; fails when the log file cannot be written.
pub fn start(
    output: &OutputOptions,
    screen: &Screen,
    logs: &LogBuffer,
    clock: &Clock,
) -> anyhow::Result<()> {
    let format = LocustFormat::new(clock.clone());
    let writer = match &output.logfile {
        None => BoxMakeWriter::new(screen.clone()),
        Some(path) => {
            let file = log_file(path);
            let file =
                file.with_context(|| format!("--logfile {} cannot be written", path.display()))?;
            BoxMakeWriter::new(Mutex::new(file))
        }
    };
    let console = tracing_subscriber::fmt::layer()
        .event_format(format.clone())
        .with_ansi(false)
        .with_writer(writer);
    tracing_subscriber::registry()
        .with(level(&output.loglevel))
        .with(console.with_filter(shown(output)))
        .with(logs.layer(format))
        .try_init()
        .context("logging cannot be started")
}

/// The level from which lines are written; `/logs` has all of them.
fn shown(output: &OutputOptions) -> LevelFilter {
    if output.skip_log_setup {
        // Python's level without a set-up
        LevelFilter::WARN
    } else {
        LevelFilter::TRACE
    }
}

/// The file at `path`, to append to; as in Locust, its folder is made if it is missing.
fn log_file(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// Locust's level names; CRITICAL is above all that is logged here.
fn level(name: &str) -> LevelFilter {
    match name {
        "DEBUG" => LevelFilter::DEBUG,
        "WARNING" => LevelFilter::WARN,
        "ERROR" => LevelFilter::ERROR,
        "CRITICAL" => LevelFilter::OFF,
        _ => LevelFilter::INFO,
    }
}
