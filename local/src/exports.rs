//! What the command line asks to be written: Locust's CSV files, the report, and the statistics as JSON.
//!
//! Files are there from the start, so that one that cannot be written ends the program before a run
//! begins, and are written anew while it goes on. Each is whole at every instant: it is replaced, or
//! grows by whole lines. What is in them is the aggregator's to say.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use export::csv::{self, HistoryWriter};
use export::{html, json};
use parking_lot::Mutex;
use statistics::reader::{Aggregation, AggregatorError, Snapshot};
use tokio::time::MissedTickBehavior;
use traffic::ports::Store;

use self::file::{Appended, Replaced};
use self::name::HtmlName;
use self::newest::NewestSecond;

mod file;
mod name;
mod newest;

/// How often CSV files are written, as Locust does.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// Every so many writes, the report and the JSON file are written too.
const PAGES_EVERY: u32 = 5;

/// What is to be written, and where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exports {
    /// Where the names of the CSV files begin.
    pub csv: Option<PathBuf>,
    /// Whether their history has every row.
    pub csv_full_history: bool,
    /// The report, with Locust's placeholders in its name.
    pub html: Option<String>,
    /// The statistics as JSON; `.json` is added to the name.
    pub json_file: Option<PathBuf>,
    /// Whether the statistics are printed as JSON at the end.
    pub json: bool,
}

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{option} {path} cannot be written", path = path.display())]
pub struct ExportError {
    /// The option that asks for it.
    option: &'static str,
    /// The file, or the folder it should be in.
    path: PathBuf,
    /// What the system says.
    source: std::io::Error,
}

/// The files of a program.
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
    /// Begins the files that are asked for, in folders that are made if they are missing.
    ///
    /// # Errors
    /// When one of them cannot be written.
    pub fn begin(exports: &Exports, run_time: Option<Duration>) -> Result<Self, ExportError> {
        let json = exports.json_file.as_deref();
        let json = json.map(|path| Replaced::begin("--json-file", with_suffix(path, ".json")));
        let csv = exports.csv.as_deref();
        let csv = csv.map(|prefix| CsvFiles::begin(prefix, exports.csv_full_history));
        let html = exports.html.as_deref().map(|name| {
            let name = HtmlName::new(name, run_time);
            // there is no run yet that its name could be of
            Replaced::begin("--html", name.of(None)).map(|file| (name, file))
        });
        Ok(Self {
            csv: csv.transpose()?,
            html: html.transpose()?,
            json: json.transpose()?,
            written: 0,
        })
    }

    /// Writes what there is to say now.
    ///
    /// # Errors
    /// When one of them cannot be written; the others are.
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

/// The path with something at its end, whatever dots it has.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Files that are written while a program runs, and once more at its end.
#[derive(Clone, Debug)]
pub(crate) struct Writing(Arc<Mutex<Files>>);

impl Writing {
    /// Writes these files once a second from now on.
    pub(crate) fn new(files: Files) -> Self {
        Self(Arc::new(Mutex::new(files)))
    }

    /// Writes until it is dropped; what goes wrong is logged once.
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
        let snapshot: Result<Snapshot, AggregatorError> = aggregation.snapshot().await;
        Ok(self.write(snapshot?, false).await?)
    }

    /// Writes what there is to say at the end.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) async fn finish(&self, snapshot: Snapshot) -> Result<(), ExportError> {
        self.write(snapshot, true).await
    }

    async fn write(&self, snapshot: Snapshot, is_last: bool) -> Result<(), ExportError> {
        let files = Arc::clone(&self.0);
        let written = tokio::task::spawn_blocking(move || {
            let mut files = files.lock();
            files.write(&snapshot, is_last)
        });
        match written.await {
            Ok(written) => written,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}
