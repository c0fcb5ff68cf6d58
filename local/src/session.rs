//! From the start of a run to the exit code: starts what was asked for, prints, and waits for the end
//! of the run, an interrupt, or a reader that has gone.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use control::SwarmRequest;
use traffic::run::Run;

use crate::console;
use crate::engine::Engine;
use crate::exports::{Files, Writing};
use crate::reset::Reset;
use crate::settings::{Settings, Start};

/// How often a headless run prints its statistics, as Locust does.
const PRINT_EVERY: Duration = Duration::from_secs(2);

/// How often it is looked whether the run is over.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long what is in flight may go on when the program ends, unless a stop timeout says.
const PATIENCE: Duration = Duration::from_secs(10);

/// A second interrupt counts from here on: shells and tools send the first one twice.
const SAME_INTERRUPT: Duration = Duration::from_millis(300);

/// Users of a run, and how many are started a second, unless told otherwise: Locust's.
const DEFAULT: (u32, f64) = (1, 1.0);

/// The same of a `--demo`: ten of each class.
const DEMO: (u32, f64) = (60, 6.0);

/// Starts what is to be started, stays until the end, and says the exit code.
///
/// # Errors
/// When a run cannot be started as asked, or a part of the engine has broken off.
pub(crate) async fn attend(
    engine: &mut Engine,
    settings: &Settings,
    files: Files,
    mut interrupted: Interrupts,
) -> anyhow::Result<u8> {
    if let Some(start) = &settings.start {
        swarm(engine, settings, start).await?;
    }
    let writing = Writing::new(files);
    let aggregation = Arc::clone(&engine.aggregation);
    let clean = tokio::select! {
        () = writing.go_on(&aggregation) => false,
        clean = to_the_end(engine, settings, &mut interrupted) => clean?,
    };
    let snapshot = engine.aggregation.snapshot_anew().await?;
    let written = writing.finish(snapshot.clone()).await;
    if settings.exports.json {
        let _read = was_read(console::print_json(&snapshot))?;
    }
    if snapshot.run.is_some() {
        let _read = was_read(console::print_summary(settings.tables, &snapshot))?;
    }
    written?;
    let lost = engine.lost_requests();
    if lost > 0 {
        tracing::error!(
            lost,
            "requests were sent whose results could not be written"
        );
    }
    let report = snapshot.report();
    let failed = !report.errors.is_empty() || snapshot.exceptions().next().is_some();
    let failed = failed || lost > 0 || !clean || engine.is_failing_to_write();
    let code = if failed {
        settings.exit_code_on_error
    } else {
        0
    };
    tracing::info!("shutting down (exit code {code})");
    Ok(code)
}

/// Stays until the program is to end, and ends the run; false if not all of it could be written.
async fn to_the_end(
    engine: &mut Engine,
    settings: &Settings,
    interrupted: &mut Interrupts,
) -> anyhow::Result<bool> {
    tokio::select! {
        () = interrupted.next() => {}
        ended = until_the_end(engine, settings) => ended?,
    }
    Ok(finish(engine, settings, interrupted).await)
}

/// Starts a run, or changes one that goes on to what the command line says of it.
async fn swarm(engine: &Engine, settings: &Settings, start: &Start) -> anyhow::Result<()> {
    let run = engine.run().await?;
    let resumed = run
        .as_deref()
        .map(|run| run.plan.run())
        .filter(|_| engine.has_resumed());
    let control = &settings.control;
    let says_nothing = *start == Start::default()
        && control.host.is_none()
        && control.classes.is_empty()
        && control.shape.is_none();
    if resumed.is_some() && says_nothing {
        return Ok(());
    }
    let (users, spawn_rate) = if settings.demo { DEMO } else { DEFAULT };
    let request = match resumed {
        Some(run) => changed(run, start, settings, engine),
        None => SwarmRequest {
            user_count: Some(start.users.unwrap_or(users).into()),
            spawn_rate: Some(start.spawn_rate.unwrap_or(spawn_rate)),
            run_time: start.run_time,
            ..SwarmRequest::default()
        },
    };
    let run_time = request.run_time;
    let swarmed = engine.control.swarm(request).await?;
    if let Some(shape) = &swarmed.shape_class {
        if start.users.is_some() || start.spawn_rate.is_some() {
            tracing::warn!("--users and --spawn-rate are ignored: the shape {shape} says how many");
        }
        tracing::info!("the shape {shape} is on");
    }
    match run_time {
        Some(time) => tracing::info!("run time limit set to {} seconds", time.as_secs()),
        None if swarmed.shape_class.is_some() => {}
        None => tracing::info!("no run time limit set: interrupt with Ctrl-C to stop"),
    }
    Ok(())
}

/// What a run that goes on is changed to: where the command line says nothing, it stays as it is.
fn changed(run: &Run, start: &Start, settings: &Settings, engine: &Engine) -> SwarmRequest {
    let now = engine.clock.now();
    let last = run.segments.last();
    let left = last
        .and_then(|last| last.until)
        .map(|until| until.since(now));
    SwarmRequest {
        user_count: start
            .users
            .or(last.map(|last| last.user_count))
            .map(u64::from),
        spawn_rate: start.spawn_rate.or(last.map(|last| last.spawn_rate)),
        run_time: start.run_time.or(left),
        host: settings.control.host.clone(),
        user_classes: settings.control.classes.clone(),
        ..SwarmRequest::default()
    }
}

/// Returns when the program is to end by itself.
async fn until_the_end(engine: &mut Engine, settings: &Settings) -> anyhow::Result<()> {
    let mut print_at = tokio::time::interval(PRINT_EVERY);
    let mut looks = settings.start.is_some();
    let mut reset = Reset::default();
    loop {
        tokio::select! {
            error = engine.broken() => return Err(error),
            () = tokio::time::sleep(LOOK_EVERY), if settings.resets_statistics => {
                reset.once_all_users_are_there(&engine.control).await;
            }
            _ = print_at.tick(), if settings.prints_statistics => {
                let snapshot = engine.aggregation.snapshot().await?;
                if !was_read(console::print_current(settings.tables, &snapshot))? {
                    return Ok(());
                }
            }
            () = tokio::time::sleep(LOOK_EVERY), if looks => {
                if !engine.is_idle().await? {
                    continue;
                }
                if let Some(after) = settings.autoquit {
                    tokio::time::sleep(after).await;
                }
                if settings.headless || settings.autoquit.is_some() {
                    return Ok(());
                }
                // whoever looks at the results ends it
                looks = false;
            }
        }
    }
}

/// Ends the run, and waits for what is in flight unless it is interrupted again; false if not all of
/// it could be written.
async fn finish(engine: &Engine, settings: &Settings, interrupted: &mut Interrupts) -> bool {
    let patience = settings.stop_timeout.unwrap_or(PATIENCE);
    tracing::info!(
        in_flight = engine.in_flight(),
        "stopping: interrupt again to leave at once"
    );
    let again = async {
        tokio::time::sleep(SAME_INTERRUPT).await;
        interrupted.next().await;
    };
    tokio::select! {
        finished = engine.finish(patience) => {
            if let Err(error) = &finished {
                let error: &(dyn std::error::Error + 'static) = error.as_ref();
                tracing::error!(error, "the end of the run could not be written");
            }
            finished.is_ok()
        }
        () = again => {
            tracing::warn!("left at once: what is in flight will not be recorded");
            true
        }
    }
}

/// Whether somebody still reads what is printed: `cicada --headless | head` is no error.
fn was_read(printed: io::Result<()>) -> anyhow::Result<bool> {
    match printed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("statistics cannot be printed"),
    }
}

/// Ctrl-C and SIGTERM: from [`Interrupts::listen`] on, neither ends the process by itself.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl Interrupts {
    /// Listens from now on; what comes before anybody waits for it is kept.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let interrupt = signal(SignalKind::interrupt());
            let terminate = signal(SignalKind::terminate());
            Ok(Self {
                signals: [
                    interrupt.context("Ctrl-C cannot be listened for")?,
                    terminate.context("SIGTERM cannot be listened for")?,
                ],
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate] = &mut self.signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
