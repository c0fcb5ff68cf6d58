//! The program from its options to its exit code.
//!
//! A mistake in what was typed is one line and exit code 2; a run in which a request failed ends
//! with `--exit-code-on-error`.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ::web::logs::LogBuffer;
use anyhow::Context as _;
use stand_ins::{Targets, TargetsConfig};
use statistics::visible::lines;
use telemetry::Telemetry;
use traffic::clock::Clock;
use traffic::runs::Environment;
use traffic::telemetry::Observer;
use traffic::workload::FOLDER;

use crate::descriptors::Descriptors;
use crate::engine::Engine;
use crate::exports::Files;
use crate::options::Options;
use crate::session::Interrupts;
use crate::settings::{Settings, SettingsError};
use crate::store::{OpenError, SqliteStore};
use crate::web::{self, Server};
use crate::{inspect, logging, options, session, settings};

/// The program was used wrongly, or cannot start as asked.
const EXIT_MISUSE: u8 = 2;

/// How long the end may take once there is nothing left to do.
const CLOSES_WITHIN: Duration = Duration::from_secs(2);

/// How long the last spans and metrics may take to be exported at the end.
const EXPORTS_WITHIN: Duration = Duration::from_secs(3);

/// Something that the user can put right; ends the program with exit code 2.
#[derive(Debug)]
struct Misuse(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Misuse {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// Does what the options say.
pub fn run(options: &Options) -> ExitCode {
    let logs = LogBuffer::default();
    let clock = Clock::steady();
    if let Err(error) = logging::start(&options.output, &logs, &Clock::system()) {
        return complain(&error);
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error),
    };
    let code = match runtime.block_on(program(options, logs, clock)) {
        Ok(code) => ExitCode::from(code),
        Err(Misuse(error)) => complain(&error),
    };
    // everything that counts was finished before; what is left lets go of the store, which is closed
    runtime.shutdown_timeout(CLOSES_WITHIN);
    code
}

/// Says what is wrong with a command line that cannot be read, or what was asked for instead of a
/// run: help and version.
pub fn explain(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        return complain(&anyhow::anyhow!(options::mistake(error)));
    }
    // a reader that has seen enough may go
    let _ = error.print();
    ExitCode::SUCCESS
}

fn complain(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(
        std::io::stderr(),
        "cicada: {}",
        lines(&format!("{error:#}"))
    );
    ExitCode::from(EXIT_MISUSE)
}

/// On one core everything runs on this thread: handing work between threads costs more there.
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

async fn program(options: &Options, logs: LogBuffer, clock: Clock) -> Result<u8, Misuse> {
    let process = with_folder(Arc::new(|name| std::env::var(name).ok()), options);
    if options.common.list || inspect::is_asked_for(options) {
        return look(options, &process);
    }
    let door = web::door(options, &process)?;
    let telemetry = telemetry::TelemetrySettings::read(&*process)?;
    let kept = kept(options, &clock)?;
    let settings = resolve(options, &process, kept.as_ref()).await?;
    let run_time = settings.start.and_then(|start| start.run_time);
    let files = Files::begin(&settings.exports, run_time)?;
    let descriptors = Descriptors::new(raise_open_files());
    let server = match &settings.web {
        Some(web) => Some(Server::bind(web, &door, descriptors).await?),
        None => None,
    };
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
    let store = match (kept, &settings.db) {
        (Some(kept), _) => kept,
        (None, Some(path)) => SqliteStore::open(path, clock.clone())?,
        (None, None) => SqliteStore::temporary(clock.clone())?,
    };
    let control = settings.control.clone();
    let telemetry = telemetry.as_ref().map(start_telemetry).transpose()?;
    let observer = telemetry
        .clone()
        .map(|telemetry| telemetry as Arc<dyn Observer>);
    let stop_timeout = settings.stop_timeout;
    let most = descriptors.traffic(targets.is_some());
    let engine = Engine::start(
        store,
        control,
        stop_timeout,
        environment,
        clock,
        observer,
        most,
    );
    let mut engine = engine.await?;
    if let Some(telemetry) = &telemetry {
        engine.tell_users(Arc::clone(telemetry));
    }
    if settings.db.is_some() && options.common.workload.is_some() {
        engine.control.choose_configured_workload().await?;
    }
    // whoever ends it while it starts ends it all the same
    let interrupted = Interrupts::listen()?;
    let mut running = None;
    if let Some(server) = server {
        running = Some(server.start(&engine, door, logs));
        if let Some(targets) = &targets {
            tracing::info!("stand-in target-app at {}", targets.target_app_url());
            tracing::info!("stand-in ai-agent at {}", targets.ai_agent_url());
        }
        // without a server nobody could see or delete them
        engine.follow_schedules().await?;
    }
    let code = session::attend(&mut engine, &settings, files, interrupted).await;
    if let Some(running) = running {
        running.stop().await;
    }
    if let Some(telemetry) = telemetry {
        telemetry.shut_down(EXPORTS_WITHIN).await;
    }
    let code = code?;
    if let Some(targets) = targets {
        targets.shutdown().await;
    }
    Ok(code)
}

/// Exports spans and metrics from now on.
fn start_telemetry(settings: &telemetry::TelemetrySettings) -> anyhow::Result<Arc<Telemetry>> {
    let telemetry = Telemetry::start(settings)?;
    tracing::info!("spans and metrics go to {}", settings.hosts().join(" and "));
    Ok(Arc::new(telemetry))
}

/// What can be said without a run.
fn look(options: &Options, environment: &Environment) -> Result<u8, Misuse> {
    let workload = Arc::new(settings::workload(options, environment)?);
    if options.common.list {
        // as in Locust, whatever else was typed
        return Ok(say(&inspect::list(&workload)));
    }
    Settings::resolve(options, Arc::clone(&workload))?;
    let text = inspect::asked_for(options, &workload);
    Ok(say(&text.unwrap_or_default()))
}

/// The database, if there is one already and what was put at its `/workload` goes on.
fn kept(options: &Options, clock: &Clock) -> Result<Option<SqliteStore>, OpenError> {
    let path = options.own.db.as_ref().filter(|path| path.exists());
    let path = path.filter(|_| options.common.workload.is_none());
    path.map(|path| SqliteStore::open(path, clock.clone()))
        .transpose()
}

/// The settings over the workload that new runs have.
async fn resolve(
    options: &Options,
    environment: &Environment,
    kept: Option<&SqliteStore>,
) -> Result<Settings, SettingsError> {
    let put = match kept {
        Some(store) => settings::kept_workload(store, options, environment).await?,
        None => None,
    };
    let workload = match put {
        Some(workload) => workload,
        None => settings::workload(options, environment)?,
    };
    Settings::resolve(options, Arc::new(workload))
}

/// Prints what was asked for instead of a run.
fn say(text: &str) -> u8 {
    // a reader that has seen enough may go
    let _ = std::io::stdout().write_all(lines(text).as_bytes());
    0
}

/// As Locust does: as many connections at once as the system lets us have, which is returned if it is
/// known.
fn raise_open_files() -> Option<u64> {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => {
            if limit < 10_000 {
                tracing::warn!(
                    limit,
                    "few files may be open at once: raise ulimit -n for many slow users"
                );
            }
            Some(limit)
        }
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            None
        }
    }
}

/// The stand-in targets, on their usual ports if those are free.
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

/// The environment in which the files that a workload names are in its own file's folder, wherever its
/// text is read from later.
fn with_folder(process: Environment, options: &Options) -> Environment {
    let folder = options
        .common
        .workload
        .as_ref()
        .and_then(|file| file.parent());
    let Some(folder) = folder.map(|folder| folder.display().to_string()) else {
        return process;
    };
    Arc::new(move |name| match name {
        FOLDER => Some(folder.clone()),
        name => process(name),
    })
}

/// The environment in which the demo's hosts are the stand-ins.
fn with_targets(process: Environment, targets: Option<&Targets>, options: &Options) -> Environment {
    let Some(targets) = targets else {
        return process;
    };
    if options.common.workload.is_some() {
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
