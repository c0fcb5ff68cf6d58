//! `cicada results`: the requests of a run, from the records of a database file or of a stage's table.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use aws::DynamoStore;
use aws::environment::{StoreSettings, TABLE, Variables, check_region};
use clap::Parser;
use traffic::clock::Clock;
use traffic::ports::{RecordStore, RunStore};
use traffic::record::Bucket;
use traffic::run::{Run, RunId};
use traffic::runs::Environment;

use crate::program;
use crate::results::records::Records;
use crate::results::row::{Format, Row, instant};
use crate::store::SqliteStore;

/// The first word of a command line of this command.
pub const COMMAND: &str = "results";

/// Runs that a message names.
const NAMED: usize = 5;

/// The requests of a run, a row each, from the records that are there.
///
/// A record does not have a request's user, iteration, task and status: those columns are empty, and `--results` of
/// a run that goes on has them. On one machine records are kept for an hour.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cicada results",
    bin_name = "cicada results",
    max_term_width = 100
)]
pub struct ResultsOptions {
    /// Database file of a cicada that does not run at the moment
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// DynamoDB table of a stage; region and credentials are those of the environment, as for aws
    #[arg(long, value_name = "NAME", env = "CICADA_TABLE")]
    table: Option<String>,

    /// Name of the run; the newest one if not given
    #[arg(long, value_name = "ID")]
    run: Option<String>,

    /// Form of the rows
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "jsonl")]
    format: Format,
}

/// Prints the rows; the exit code is 0, also if there are none.
pub fn run(arguments: Vec<OsString>, environment: &Environment) -> ExitCode {
    let options = match ResultsOptions::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) => return program::explain("cicada results", &error),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let printed = match &runtime {
        Ok(runtime) => runtime.block_on(print(&options, environment)),
        Err(error) => Err(anyhow::anyhow!("the runtime cannot be started: {error}")),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_about_reader(&error) => ExitCode::SUCCESS,
        Err(error) => program::complain(&error),
    }
}

/// True if whoever reads the rows has seen enough.
fn is_about_reader(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

async fn print(options: &ResultsOptions, environment: &Environment) -> anyhow::Result<()> {
    let clock = Clock::system();
    if let Some(path) = &options.db {
        let store = opened(path, &clock)?;
        return print_from(&store, &clock, options).await;
    }
    let Some(table) = options.table.clone().filter(|table| !table.is_empty()) else {
        anyhow::bail!("--db or --table is missing: name the file of --db, or the stage's table");
    };
    let environment = Arc::clone(environment);
    let variables = Variables::new(Arc::new(move |name: &str| match name {
        TABLE => Some(table.clone()),
        name => environment(name),
    }));
    let settings = StoreSettings::read(&variables)?;
    let config = aws::config::load().await;
    check_region(&config)?;
    let store = DynamoStore::new(&config, settings.table, settings.retention, clock.clone());
    print_from(&store, &clock, options).await
}

/// The database of a file that is there: none is made.
fn opened(path: &Path, clock: &Clock) -> anyhow::Result<SqliteStore> {
    anyhow::ensure!(
        path.is_file(),
        "--db {} is not there: name the file that cicada was started with",
        path.display()
    );
    Ok(SqliteStore::open(path, clock.clone())?)
}

async fn print_from<S: RunStore + RecordStore>(
    store: &S,
    clock: &Clock,
    options: &ResultsOptions,
) -> anyhow::Result<()> {
    let Some(run) = asked_for(store, options.run.as_deref()).await? else {
        anyhow::bail!("no run is recorded there yet");
    };
    let mut out = BufWriter::new(io::stdout().lock());
    out.write_all(options.format.head().as_bytes())?;
    let mut records = Records::new(store, &run, clock.now());
    let mut first = None;
    while let Some(rows) = records.next().await? {
        first = first.or_else(|| rows.first().map(completed));
        let mut text = Vec::new();
        options.format.write(&rows, &mut text)?;
        out.write_all(&text)?;
    }
    out.flush()?;
    if let Some(note) = note(&run, first) {
        let _ = writeln!(io::stderr(), "cicada: {note}");
    }
    Ok(())
}

/// The run of this name, or the newest one if there is any.
async fn asked_for<S: RunStore>(store: &S, name: Option<&str>) -> anyhow::Result<Option<Run>> {
    let unread = "the runs cannot be read";
    let Some(name) = name else {
        return store.latest_run().await.context(unread);
    };
    let run = match RunId::parse(name) {
        Some(id) => store.run(&id).await.context(unread)?,
        None => None,
    };
    if run.is_none() {
        let known = store.run_ids(None, NAMED).await.context(unread)?;
        let known: Vec<&str> = known.iter().map(|id| &*id.0).collect();
        anyhow::bail!(
            "--run {name:?} is no run of these records: the newest are {}",
            known.join(", ")
        );
    }
    Ok(run)
}

fn completed(row: &Row) -> Bucket {
    Bucket::of(row.started_at + row.response_time)
}

/// What is to be said of a run whose first records are not there any more.
fn note(run: &Run, first: Option<Bucket>) -> Option<String> {
    let id = &run.id;
    match first {
        None => Some(format!(
            "run {id} has no records left: on one machine they are kept for an hour, and its statistics longer"
        )),
        // a first request may take a while
        Some(first) if first.0 > Bucket::of(run.starts()).0 + 6 => Some(format!(
            "run {id} began at {}, and its first record that is there is of {}",
            instant(run.starts()),
            instant(first.start())
        )),
        Some(_) => None,
    }
}
