//! The files that the command line asks for: Locust's CSV files, the report, and the statistics as JSON.
//!
//! All files are opened at the start, so that one that cannot be written ends the program before a run begins.
//! While a run goes on they are written again and again. A file is whole at every instant: it is replaced, or
//! grows by whole lines. The crate `export` makes their contents.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use export::csv::{self, HistoryWriter};
use export::{html, json};
use parking_lot::Mutex;
use statistics::reader::{Aggregation, Snapshot};
use tokio::time::MissedTickBehavior;
use traffic::ports::Store;

pub use self::file::ExportError;
use self::file::{Appended, Replaced};
use self::name::HtmlName;
use self::newest::NewestSecond;

mod file;
mod name;
mod newest;

/// The time between two writes of the CSV files, as in Locust.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// The report and the JSON file are written with each fifth write of the CSV files.
const PAGES_EVERY: u32 = 5;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exports {
    /// The beginning of the names of the CSV files.
    pub csv: Option<PathBuf>,
    /// True if their history has every row, and not only `Aggregated`.
    pub csv_full_history: bool,
    /// The name of the report, with Locust's placeholders.
    pub html: Option<String>,
    /// The statistics as JSON; `.json` is added to the name.
    pub json_file: Option<PathBuf>,
    /// True if the statistics are printed as JSON at the end.
    pub json: bool,
}

#[derive(Debug)]
pub struct Files {
    csv: Option<CsvFiles>,
    html: Option<(HtmlName, Replaced)>,
    json: Option<Replaced>,
    written: u32,
}

#[derive(Debug)]
struct CsvFiles {
    requests: Replaced,
    failures: Replaced,
    exceptions: Replaced,
    history: Appended,
    lines: HistoryWriter,
    newest: NewestSecond,
}

impl Files {
    /// Checks that the files can be written, and makes the folders that are missing.
    pub fn begin(exports: &Exports, run_time: Option<Duration>) -> Result<Self, ExportError> {
        let json = exports.json_file.as_deref();
        let json = json.map(|path| Replaced::begin("--json-file", with_suffix(path, ".json")));
        let csv = exports.csv.as_deref();
        let csv = csv.map(|prefix| CsvFiles::begin(prefix, exports.csv_full_history));
        let html = exports.html.as_deref().map(|name| {
            let name = HtmlName::new(name, run_time);
            // before the first run the placeholders stay in the name
            Replaced::begin("--html", name.of(None)).map(|file| (name, file))
        });
        Ok(Self {
            csv: csv.transpose()?,
            html: html.transpose()?,
            json: json.transpose()?,
            written: 0,
        })
    }

    /// Writes the files for a snapshot. Fails when one cannot be written; the others are written all the same.
    fn write(&mut self, snapshot: &Snapshot, is_last: bool) -> Result<(), ExportError> {
        let with_pages = is_last || self.written.is_multiple_of(PAGES_EVERY);
        self.written = self.written.wrapping_add(1);
        let csv = self.csv.as_mut().map(|csv| csv.write(snapshot, is_last));
        let pages = with_pages.then(|| self.write_pages(snapshot));
        csv.unwrap_or(Ok(())).and(pages.unwrap_or(Ok(())))
    }

    fn write_pages(&mut self, snapshot: &Snapshot) -> Result<(), ExportError> {
        let json = self.json.as_mut();
        let json = json.map(|file| file.write(&json::statistics(snapshot)));
        let html = self.html.as_mut().map(|(name, file)| {
            let path = name.of(Some(snapshot));
            if !file.is_at(&path) {
                // a run that was changed has another name
                let renamed = Replaced::begin("--html", path)?;
                std::mem::replace(file, renamed).remove()?;
            }
            file.write(&html::report(snapshot, html::Theme::Auto))
        });
        json.unwrap_or(Ok(())).and(html.unwrap_or(Ok(())))
    }
}

impl CsvFiles {
    fn begin(prefix: &Path, is_full: bool) -> Result<Self, ExportError> {
        let begin = |suffix| Replaced::begin("--csv", with_suffix(prefix, suffix));
        let history = with_suffix(prefix, "_stats_history.csv");
        Ok(Self {
            requests: begin("_stats.csv")?,
            failures: begin("_failures.csv")?,
            exceptions: begin("_exceptions.csv")?,
            history: Appended::begin("--csv", history, csv::history_head())?,
            lines: HistoryWriter::new(is_full),
            newest: NewestSecond::default(),
        })
    }

    fn write(&mut self, snapshot: &Snapshot, is_last: bool) -> Result<(), ExportError> {
        let report = snapshot.report();
        let state = snapshot.state();
        let writer = &mut self.lines;
        let mut lines = self.newest.take(snapshot, state, || writer.lines(snapshot));
        if is_last {
            lines.push_str(&self.newest.finish());
        }
        let history = self.history.append(&lines);
        let requests = self.requests.write(&csv::requests(&report));
        let failures = self.failures.write(&csv::failures(&report));
        let exceptions = self.exceptions.write(&csv::exceptions(snapshot));
        history.and(requests).and(failures).and(exceptions)
    }
}

/// The path with a suffix at its end, whatever dots it has.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The files, written while a program runs and a last time at its end.
#[derive(Clone, Debug)]
pub(crate) struct Writing(Arc<Mutex<Files>>);

impl Writing {
    pub(crate) fn new(files: Files) -> Self {
        Self(Arc::new(Mutex::new(files)))
    }

    /// Writes once a second until the future is dropped; of failures in a row the first is logged.
    pub(crate) async fn go_on<S: Store>(&self, aggregation: &Aggregation<S>) {
        let mut due = tokio::time::interval(WRITE_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut is_well = true;
        loop {
            due.tick().await;
            let written = self.write_now(aggregation).await;
            if let Err(error) = &written
                && is_well
            {
                let error: &(dyn std::error::Error + 'static) = error.as_ref();
                tracing::error!(error, "files are not written for now");
            }
            is_well = written.is_ok();
        }
    }

    async fn write_now<S: Store>(&self, aggregation: &Aggregation<S>) -> anyhow::Result<()> {
        Ok(self.write(aggregation.snapshot().await?, false).await?)
    }

    pub(crate) async fn finish(&self, snapshot: Snapshot) -> Result<(), ExportError> {
        self.write(snapshot, true).await
    }

    async fn write(&self, snapshot: Snapshot, is_last: bool) -> Result<(), ExportError> {
        let files = Arc::clone(&self.0);
        let write = move || files.lock().write(&snapshot, is_last);
        match tokio::task::spawn_blocking(write).await {
            Ok(written) => written,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}
