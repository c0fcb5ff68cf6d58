//! The program from its options to its exit code.
//!
//! A mistake in what was typed is one line and exit code 2; a run in which a request failed ends
//! with `--exit-code-on-error`.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use ::web::api::Door;
use ::web::logs::LogBuffer;
use anyhow::Context as _;
use stand_ins::{Targets, TargetsConfig};
use statistics::visible::lines;
use telemetry::Telemetry;
use traffic::clock::Clock;
use traffic::runs::Environment;
use traffic::workload::{FOLDER, WORKLOAD_ENV, Workload};

use crate::descriptors::Descriptors;
use crate::ending::{CLOSES_WITHIN, EXPORTS_WITHIN};
use crate::engine::Engine;
use crate::exports::Files;
use crate::interrupts::Interrupts;
use crate::observers::both;
use crate::options::Options;
use crate::results::Results;
use crate::screen::Screen;
use crate::settings::{ProgramSettings, SettingsError};
use crate::store::{OpenError, SqliteStore};
use crate::web::{self, Running, Server};
use crate::{
    exposure, inspect, logging, options, session, settings, stand_in_markers, telemetry_variables,
};

/// The exit code of a program that was used wrongly, or cannot start as asked.
const EXIT_MISUSE: u8 = 2;

/// A mistake that the user can put right: it ends the program with exit code 2.
#[derive(Debug)]
struct Misuse(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Misuse {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// Runs the program that the options ask for.
pub fn run(options: &Options) -> ExitCode {
    let logs = LogBuffer::default();
    let clock = Clock::steady();
    let screen = Screen::stderr();
    if let Err(error) = logging::start(&options.output, &screen, &logs, &Clock::system()) {
        return complain(&error);
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error),
    };
    let code = match runtime.block_on(program(options, screen, logs, clock)) {
        Ok(code) => ExitCode::from(code),
        Err(Misuse(error)) => complain(&error),
    };
    // all results are written by now; the tasks that are left drop the store, which closes it
    runtime.shutdown_timeout(CLOSES_WITHIN);
    code
}

/// Prints the mistake in the command line of `command`, or the help or version that was asked for.
pub fn explain(command: &str, error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        return complain(&anyhow::anyhow!(options::mistake_of(command, error)));
    }
    // a reader may close the pipe before the end of the text
    let _ = error.print();
    ExitCode::SUCCESS
}

pub(crate) fn complain(error: &anyhow::Error) -> ExitCode {
    end_with(EXIT_MISUSE, error)
}

/// The exit code `code`, with the error on standard error.
pub(crate) fn end_with(code: u8, error: &anyhow::Error) -> ExitCode {
    let text = format!("{error:#}");
    let _ = writeln!(std::io::stderr(), "{}: {}", called(), lines(&text));
    ExitCode::from(code)
}

/// The name of the program in messages: `locust` if a link of that name was called, else `cicada`. It decides
/// nothing else.
pub fn called() -> &'static str {
    let program = std::env::args_os().next().map(PathBuf::from);
    let is_locust =
        program.is_some_and(|program| program.file_name() == Some(OsStr::new("locust")));
    if is_locust { "locust" } else { "cicada" }
}

/// The runtime. On one core all tasks run on this thread: handing work between threads costs more there.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut builder = if cores == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder
        .enable_all()
        .build()
        .context("the runtime cannot be started")
}

async fn program(
    options: &Options,
    screen: Screen,
    logs: LogBuffer,
    clock: Clock,
) -> Result<u8, Misuse> {
    let process = with_folder(Arc::new(|name| std::env::var(name).ok()), options);
    if options.common.list || inspect::is_asked_for(options) {
        return look(options, &process);
    }
    // the first process of a container is told to end in vain until it listens
    let mut interrupted = Interrupts::listen()?;
    let door = web::door(options, &process)?;
    let variables = telemetry_variables::with_options(&process, &options.other);
    let telemetry = telemetry::TelemetrySettings::read(&*variables)?;
    let kept = kept(options, &clock)?;
    let settings = resolve(options, &process, kept.as_ref()).await?;
    // whoever reaches the one port reaches the other one, and needs no second warning
    let open = match settings.web.as_ref().or(settings.metrics.as_ref()) {
        Some(web) => exposure::judge(web, &door, &process)?,
        None => None,
    };
    let run_time = settings.start.and_then(|start| start.run_time);
    let files = Files::begin(&settings.exports, run_time)?;
    let results = settings.results.as_ref().map(Results::start).transpose()?;
    let descriptors = Descriptors::new(raise_open_files());
    let bound = Bound::of(&settings, open, descriptors).await?;
    let targets = if settings.demo {
        Some(demo_targets(clock.clone()).await?)
    } else {
        None
    };
    let environment = with_targets(process, targets.as_ref(), options);
    let settings = match &targets {
        // the classes' hosts are the stand-ins' now
        Some(_) => resolve(options, &environment, kept.as_ref()).await?,
        None => settings,
    };
    let store = match kept {
        Some(kept) => kept,
        None => store(settings.db.as_deref(), &clock)?,
    };
    let control = settings.control.clone();
    let environment = with_variables(environment, &control.workload);
    let telemetry = telemetry.as_ref().map(start_telemetry).transpose()?;
    let exported = telemetry.clone().map(|telemetry| telemetry as _);
    let observer = both(exported, results.clone().map(|results| results as _));
    let stop_timeout = settings.stop_timeout;
    let most = settings.connections(descriptors.traffic(targets.is_some()));
    let engine = Engine::start(
        store,
        control,
        stop_timeout,
        environment,
        clock,
        observer,
        most,
    );
    let mut engine = tokio::select! {
        engine = engine => engine?,
        () = interrupted.next() => {
            tracing::info!("interrupted before anything was started");
            return Ok(0);
        }
    };
    if let Some(telemetry) = &telemetry {
        engine.tell_users(Arc::clone(telemetry));
    }
    if settings.db.is_some() && !options.common.workload.is_empty() {
        engine.control.choose_configured_workload().await?;
    }
    let running = bound
        .start(&mut engine, &door, &logs, targets.as_ref())
        .await?;
    let telling = targets.as_ref().map(|targets| {
        let control = Arc::clone(&engine.control);
        tokio::spawn(stand_in_markers::follow(control, targets.behaviours()))
    });
    let code = session::attend(&mut engine, &settings, &screen, files, interrupted).await;
    if let Some(telling) = telling {
        telling.abort();
    }
    close(running, telemetry, results, targets).await;
    Ok(code?)
}

/// The servers whose ports are taken: of the API, and of `/metrics` alone.
struct Bound {
    api: Option<Server>,
    metrics: Option<Server>,
}

impl Bound {
    async fn of(
        settings: &ProgramSettings,
        open: Option<String>,
        descriptors: Descriptors,
    ) -> Result<Self, Misuse> {
        let of_metrics = open.clone().filter(|_| settings.web.is_none());
        let metrics = match &settings.metrics {
            Some(web) => Some(Server::bind(web, of_metrics, descriptors).await?),
            None => None,
        };
        let api = match &settings.web {
            Some(web) => Some(Server::bind(web, open, descriptors).await?),
            None => None,
        };
        Ok(Self { api, metrics })
    }

    /// Serves from now on, and follows the schedules where there is an API: without one nobody could see or delete them.
    async fn start(
        self,
        engine: &mut Engine,
        door: &Door,
        logs: &LogBuffer,
        targets: Option<&Targets>,
    ) -> Result<Vec<Running>, Misuse> {
        let mut running = Vec::new();
        if let Some(metrics) = self.metrics {
            running.push(metrics.start_metrics(engine, door.clone(), logs.clone()));
        }
        if let Some(api) = self.api {
            running.push(api.start(engine, door.clone(), logs.clone()));
            if let Some(targets) = targets {
                tracing::info!("stand-in target-app at {}", targets.target_app_url());
                tracing::info!("stand-in ai-agent at {}", targets.ai_agent_url());
            }
            engine.follow_schedules().await?;
        }
        Ok(running)
    }
}

/// Ends all that is left once the run has ended.
async fn close(
    servers: Vec<Running>,
    telemetry: Option<Arc<Telemetry>>,
    results: Option<Arc<Results>>,
    targets: Option<Targets>,
) {
    let servers = async {
        for server in servers {
            server.stop().await;
        }
    };
    let telemetry = async {
        if let Some(telemetry) = telemetry {
            telemetry.shut_down(EXPORTS_WITHIN).await;
        }
    };
    let results = async {
        if let Some(results) = results {
            results.finish(EXPORTS_WITHIN).await;
        }
    };
    let targets = async {
        if let Some(targets) = targets {
            targets.shutdown().await;
        }
    };
    tokio::join!(servers, telemetry, results, targets);
}

/// The store in a database file, or in one that ends with the program.
fn store(db: Option<&Path>, clock: &Clock) -> Result<SqliteStore, OpenError> {
    match db {
        Some(path) => SqliteStore::open(path, clock.clone()),
        None => SqliteStore::temporary(clock.clone()),
    }
}

/// Exports spans and metrics from now on.
fn start_telemetry(settings: &telemetry::TelemetrySettings) -> anyhow::Result<Arc<Telemetry>> {
    let telemetry = Telemetry::start(settings)?;
    tracing::info!("spans and metrics go to {}", settings.hosts().join(" and "));
    Ok(Arc::new(telemetry))
}

/// Prints what the options ask for instead of a run.
fn look(options: &Options, environment: &Environment) -> Result<u8, Misuse> {
    let workload = Arc::new(settings::workload(options, environment)?);
    if options.common.list {
        // as in Locust, `--list` goes before every other option
        return Ok(say(&inspect::list(&workload)));
    }
    ProgramSettings::resolve(options, Arc::clone(&workload))?;
    let text = inspect::asked_for(options, &workload);
    Ok(say(&text.unwrap_or_default()))
}

/// The database, if its file exists and no `--workload` takes the place of the workload in it.
pub(crate) fn kept(options: &Options, clock: &Clock) -> Result<Option<SqliteStore>, OpenError> {
    let path = options.own.db.as_ref().filter(|path| path.exists());
    let path = path.filter(|_| options.common.workload.is_empty());
    path.map(|path| SqliteStore::open(path, clock.clone()))
        .transpose()
}

/// The settings, with the workload that new runs have.
async fn resolve(
    options: &Options,
    environment: &Environment,
    kept: Option<&SqliteStore>,
) -> Result<ProgramSettings, SettingsError> {
    let put = match kept {
        Some(store) => settings::kept_workload(store, options, environment).await?,
        None => None,
    };
    let workload = match put {
        Some(workload) => workload,
        None => settings::workload(options, environment)?,
    };
    ProgramSettings::resolve(options, Arc::new(workload))
}

/// Prints `text`; the exit code is 0.
pub(crate) fn say(text: &str) -> u8 {
    // a reader may close the pipe before the end of the text
    let _ = std::io::stdout().write_all(lines(text).as_bytes());
    0
}

/// Raises the limit of open files as far as the system allows, as Locust does. The limit, if it is known.
fn raise_open_files() -> Option<u64> {
    let limit = rlimit::increase_nofile_limit(u64::MAX)
        .inspect_err(|error| tracing::warn!(%error, "the limit of open files cannot be raised"))
        .ok()?;
    if limit < 10_000 {
        tracing::warn!(
            limit,
            "few files may be open at once: raise ulimit -n for many slow users"
        );
    }
    Some(limit)
}

/// The stand-in targets, on ports 8000 and 8001 if those are free.
async fn demo_targets(clock: Clock) -> anyhow::Result<Targets> {
    let config = TargetsConfig {
        clock,
        ..TargetsConfig::default()
    };
    match Targets::start(config.clone()).await {
        Ok(targets) => Ok(targets),
        Err(error) => {
            tracing::warn!(%error, "the stand-in targets take free ports instead");
            let any = |address: SocketAddr| SocketAddr::new(address.ip(), 0);
            let config = TargetsConfig {
                target_app: any(config.target_app),
                ai_agent: any(config.ai_agent),
                ..config
            };
            Ok(Targets::start(config).await?)
        }
    }
}

/// The environment in which [`FOLDER`] is the folder of the workload file. So the files that a workload names
/// are found beside its file, also when its text comes from the store.
pub(crate) fn with_folder(process: Environment, options: &Options) -> Environment {
    let file = options.common.workload.first();
    let folder = file.and_then(|file| file.parent());
    let Some(folder) = folder.map(|folder| folder.display().to_string()) else {
        return process;
    };
    Arc::new(move |name| match name {
        FOLDER => Some(folder.clone()),
        name => process(name),
    })
}

/// The environment in which workloads may read the variables, too, that this program's own workload names: a run that
/// is taken up again has its text from the store.
fn with_variables(process: Environment, workload: &Workload) -> Environment {
    let named = workload.variables().into_iter().map(|(name, _)| name);
    let given: Vec<String> = process(WORKLOAD_ENV).into_iter().chain(named).collect();
    let given = given.join(",");
    Arc::new(move |name| match name {
        WORKLOAD_ENV => Some(given.clone()),
        name => process(name),
    })
}

/// The environment in which the hosts of the demo are the stand-ins.
fn with_targets(process: Environment, targets: Option<&Targets>, options: &Options) -> Environment {
    let Some(targets) = targets else {
        return process;
    };
    if !options.common.workload.is_empty() {
        tracing::info!(
            "workload files reach the stand-in targets by TARGET_APP_URL and AI_AGENT_URL"
        );
    }
    let urls = HashMap::from([
        ("TARGET_APP_URL", targets.target_app_url()),
        ("AI_AGENT_URL", targets.ai_agent_url()),
    ]);
    Arc::new(move |name| urls.get(name).cloned().or_else(|| process(name)))
}
