//! From the start of a run to the exit code: starts what was asked for, prints, and waits for the end
//! of the run, an interrupt, or a reader that has gone.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use control::SwarmRequest;
use statistics::reader::Snapshot;
use statistics::thresholds::{Judged, judged};
use traffic::run::Run;

use crate::console;
use crate::ending::{FIGURES_WITHIN, PATIENCE, WRITES_WITHIN};
use crate::engine::{Engine, Resumed};
use crate::exports::{Files, Writing};
use crate::interrupts::Interrupts;
use crate::keys::Keys;
use crate::milestones::Milestones;
use crate::screen::Screen;
use crate::settings::{ProgramSettings, Start};
use crate::user_keys;

/// The time between two prints of the statistics of a headless run, as in Locust.
const PRINT_EVERY: Duration = Duration::from_secs(2);

/// The same on a terminal, where they are drawn anew in place.
const DRAW_EVERY: Duration = Duration::from_secs(1);

/// The time between two looks whether the run is over.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The exit code when a threshold does not hold.
const THRESHOLD_FAILED: u8 = 3;

/// Locust's default number of users and spawn rate.
const DEFAULT: (u32, f64) = (1, 1.0);

/// The number of users and the spawn rate of a `--demo`: ten users of each class.
const DEMO: (u32, f64) = (60, 6.0);

/// Starts the run that the settings ask for, waits until the end of the program, and returns the exit code.
///
/// Fails when a run cannot be started as asked, or one of the engine's loops has ended.
pub(crate) async fn attend(
    engine: &mut Engine,
    settings: &ProgramSettings,
    screen: &Screen,
    files: Files,
    mut interrupted: Interrupts,
) -> anyhow::Result<u8> {
    let milestones = Milestones::new(
        engine.clock.now(),
        settings.resets_statistics,
        settings.headless,
    );
    if let Some(start) = &settings.start {
        swarm(engine, settings, start).await?;
    }
    let writing = Writing::new(files);
    let aggregation = Arc::clone(&engine.aggregation);
    let end = tokio::select! {
        () = writing.go_on(&aggregation) => End::default(),
        end = to_the_end(engine, settings, screen, &mut interrupted, milestones) => end?,
    };
    let has_no_verdict = settings.ends_without_verdict(end.is_interrupted);
    let figures = async {
        let snapshot = engine.aggregation.snapshot_anew().await?;
        let written = writing.finish(snapshot.clone()).await;
        anyhow::Ok((snapshot, written))
    };
    let (snapshot, written) = tokio::select! {
        figures = figures => figures?,
        // a run with a long past takes a while to count
        () = interrupted.again() => {
            tracing::warn!("interrupted again: the last figures are not written");
            return Ok(settings.exit_code_on_error);
        }
        () = tokio::time::sleep(FIGURES_WITHIN), if has_no_verdict => {
            tracing::warn!("the last figures take too long: they are not written");
            return Ok(code_of(is_incomplete(engine, end), settings));
        }
    };
    if settings.exports.json {
        let _read = was_read(console::print_json(&snapshot))?;
    }
    screen.clear();
    if snapshot.run.is_some() && settings.prints_summary {
        let _read = was_read(console::print_summary(screen, &snapshot))?;
    }
    let thresholds = judged(&snapshot);
    if !thresholds.is_empty() && settings.prints_summary {
        let _read = was_read(console::print_thresholds(screen, &thresholds))?;
    }
    written?;
    let is_incomplete = is_incomplete(engine, end);
    let code = if has_no_verdict {
        code_of(is_incomplete, settings)
    } else {
        exit_code(&snapshot, &thresholds, is_incomplete, settings)
    };
    tracing::info!("Shutting down (exit code {code})");
    Ok(code)
}

/// How a session has come to its end.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    /// True if the program was told to end, and did not end with its run.
    is_interrupted: bool,
    /// True if all results were written.
    is_clean: bool,
}

/// True if some results could not be written.
fn is_incomplete(engine: &Engine, end: End) -> bool {
    let lost = engine.lost_requests();
    if lost > 0 {
        tracing::error!(
            lost,
            "requests were sent whose results could not be written"
        );
    }
    lost > 0 || !end.is_clean || engine.is_failing_to_write()
}

fn code_of(has_failed: bool, settings: &ProgramSettings) -> u8 {
    if has_failed {
        settings.exit_code_on_error
    } else {
        0
    }
}

/// The exit code: where there are thresholds they decide, and not single failed requests.
fn exit_code(
    snapshot: &Snapshot,
    thresholds: &[Judged],
    is_incomplete: bool,
    settings: &ProgramSettings,
) -> u8 {
    let failed = match thresholds {
        [] => !snapshot.report().errors.is_empty() || snapshot.exceptions().next().is_some(),
        _ => false,
    };
    if thresholds.iter().any(|threshold| !threshold.holds) {
        THRESHOLD_FAILED
    } else {
        code_of(failed || is_incomplete, settings)
    }
}

/// Waits until the program is to end, and ends the run or leaves it.
async fn to_the_end(
    engine: &mut Engine,
    settings: &ProgramSettings,
    screen: &Screen,
    interrupted: &mut Interrupts,
    milestones: Milestones,
) -> anyhow::Result<End> {
    let is_interrupted = tokio::select! {
        () = interrupted.next() => true,
        ended = until_the_end(engine, settings, screen, milestones) => {
            ended?;
            false
        }
    };
    let is_left = is_interrupted && settings.keeps_runs_on();
    Ok(End {
        is_interrupted,
        is_clean: finish(engine, settings, interrupted, is_left).await,
    })
}

/// Starts a run, or changes a run that goes on as the command line says. With `--resume` there is nothing to do but
/// for the first run.
async fn swarm(engine: &Engine, settings: &ProgramSettings, start: &Start) -> anyhow::Result<()> {
    let run = engine.run().await?;
    if run.is_some() && settings.keeps_runs_on() {
        match engine.resumed() {
            Resumed::GoesOn => {
                tracing::info!("the run goes on as it was: the command line's is for a first run");
                return Ok(());
            }
            Resumed::Nothing if !settings.ends_with_run() => {
                tracing::info!(
                    "the last run is over and stays so: start one on the page, or leave out --resume"
                );
                return Ok(());
            }
            Resumed::Nothing | Resumed::Ended => {}
        }
    }
    let resumed = run
        .as_deref()
        .map(|run| run.plan.run())
        .filter(|_| engine.resumed() == Resumed::GoesOn);
    let control = &settings.control;
    let says_nothing = *start == Start::default()
        && control.host.is_none()
        && control.classes.is_empty()
        && control.shape.is_none();
    if resumed.is_some() && says_nothing {
        return Ok(());
    }
    let (users, spawn_rate) = if settings.demo { DEMO } else { DEFAULT };
    if resumed.is_some() && !control.thresholds.is_empty() {
        tracing::warn!(
            "--threshold is ignored: a run that goes on keeps the thresholds of its start"
        );
    }
    if resumed.is_some() && start.iterations.is_some() {
        tracing::warn!("--iterations is ignored: a run that goes on keeps the limit of its start");
    }
    let request = match resumed {
        Some(run) => changed(run, start, settings, engine),
        None => SwarmRequest {
            user_count: Some(start.users.unwrap_or(users).into()),
            spawn_rate: Some(start.spawn_rate.unwrap_or(spawn_rate)),
            run_time: start.run_time,
            iterations: start.iterations,
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
    if let Some(iterations) = start.iterations.filter(|_| resumed.is_none()) {
        tracing::info!("Iteration limit set to {iterations}");
    }
    match run_time {
        Some(time) => tracing::info!("Run time limit set to {} seconds", time.as_secs()),
        None if swarmed.shape_class.is_some() || start.iterations.is_some() => {}
        None => tracing::info!("No run time limit set, use CTRL+C to interrupt"),
    }
    Ok(())
}

/// The change to a run that goes on: a field that the command line does not have stays as it is.
fn changed(run: &Run, start: &Start, settings: &ProgramSettings, engine: &Engine) -> SwarmRequest {
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
async fn until_the_end(
    engine: &mut Engine,
    settings: &ProgramSettings,
    screen: &Screen,
    mut milestones: Milestones,
) -> anyhow::Result<()> {
    let period = match screen.size() {
        Some(_) => DRAW_EVERY,
        None => PRINT_EVERY,
    };
    let mut print_at = tokio::time::interval(period);
    let mut keys = Keys::listen();
    let mut looks = settings.start.is_some();
    loop {
        tokio::select! {
            error = engine.broken() => return Err(error),
            () = tokio::time::sleep(LOOK_EVERY) => {
                milestones.look(&engine.control).await;
                if !looks || !engine.is_idle().await? {
                    continue;
                }
                if let Some(after) = settings.autoquit {
                    tokio::time::sleep(after).await;
                }
                if settings.headless || settings.autoquit.is_some() {
                    return Ok(());
                }
                // the server goes on, so that people can look at the results
                looks = false;
            }
            _ = print_at.tick(), if settings.prints_statistics => {
                let snapshot = engine.aggregation.snapshot().await?;
                if !was_read(console::print_current(screen, &snapshot))? {
                    return Ok(());
                }
            }
            key = keys.next() => user_keys::press(engine, key).await,
        }
    }
}

/// Ends the run, or leaves it to the next process, and waits for the iterations in flight unless a second interrupt
/// comes; false if some results could not be written.
async fn finish(
    engine: &Engine,
    settings: &ProgramSettings,
    interrupted: &mut Interrupts,
    is_left: bool,
) -> bool {
    let patience = settings.stop_timeout.unwrap_or(PATIENCE);
    tracing::info!(
        in_flight = engine.in_flight(),
        "stopping: interrupt again to leave at once"
    );
    let finish = async {
        if is_left {
            engine.leave(patience).await
        } else {
            engine.finish(patience).await
        }
    };
    tokio::select! {
        finished = tokio::time::timeout(patience + WRITES_WITHIN, finish) => {
            let finished = finished.map_err(anyhow::Error::from).flatten();
            if let Err(error) = &finished {
                let error: &(dyn std::error::Error + 'static) = error.as_ref();
                tracing::error!(error, "the end of the run could not be written");
            }
            finished.is_ok()
        }
        () = interrupted.again() => {
            tracing::warn!("interrupted again: the iterations in flight are not recorded");
            true
        }
    }
}

/// False if the reader of the tables is gone: `cicada --headless 2>&1 | head` is no error.
fn was_read(printed: io::Result<()>) -> anyhow::Result<bool> {
    match printed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("statistics cannot be printed"),
    }
}
