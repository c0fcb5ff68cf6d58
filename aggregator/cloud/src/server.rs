//! The aggregator in a container: the same router on a port of its own.
//!
//! It folds by a timer what a stage's heartbeat has not, and lets requests that have begun end before
//! it does.

use std::future::Future;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use aggregator::probe::probe;
use anyhow::Context as _;
use aws::environment::{Executor, Variables, causes, exit_code};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use traffic::ports::{Heartbeat, Queue, Store};

use crate::settings::{Misconfigured, Settings, web_address};
use crate::{Cloud, logging};

/// What to do about a server that others can reach and that has no password.
const NO_PASSWORD: &str =
    "set it to user:password, or CICADA_WEB_HOST to 127.0.0.1 so that only this machine has access";

/// The whole program: settings, connections, and then answers until it is told to end.
///
/// # Errors
/// When it cannot start as it is set up, or the port cannot be had.
pub async fn run(variables: &Variables) -> anyhow::Result<()> {
    let logs = logging(variables)?;
    match Executor::read(variables)? {
        Executor::Functions => {
            let (settings, address) = settings(variables)?;
            let listener = listen(address).await?;
            let end = told_to_end()?;
            let cloud = Cloud::connect(settings, variables, logs).await?;
            serve(&cloud, listener, end).await
        }
        Executor::Processes => {
            let settings = Settings::of_processes(variables)?;
            let (settings, address) = with_address(settings, variables)?;
            let listener = listen(address).await?;
            let end = told_to_end()?;
            let cloud = Cloud::of_processes(settings, variables, logs).await?;
            serve(&cloud, listener, end).await
        }
    }
}

/// Whether a server that these variables start is well: exit code 0 if it is, 1 and a line if not.
pub async fn health(variables: &Variables) -> ExitCode {
    let port = web_address(variables).map(|address| address.port());
    let asked = match port {
        Ok(port) => probe(&format!("http://127.0.0.1:{port}/health")).await,
        Err(error) => return exit_code::<anyhow::Error>(Err(error.into())),
    };
    match asked {
        Ok(()) => ExitCode::SUCCESS,
        Err(unwell) => {
            let _ = writeln!(std::io::stderr(), "{}", causes(&unwell));
            ExitCode::FAILURE
        }
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("{address} cannot be listened on"))
}

/// The settings of a server: where others can reach it, it needs a password.
///
/// # Errors
/// The first mistake there is.
pub fn settings(variables: &Variables) -> Result<(Settings, SocketAddr), Misconfigured> {
    with_address(Settings::read(variables)?, variables)
}

fn with_address<P>(
    settings: Settings<P>,
    variables: &Variables,
) -> Result<(Settings<P>, SocketAddr), Misconfigured> {
    let address = web_address(variables)?;
    if address.ip().is_loopback() {
        return Ok((settings, address));
    }
    Ok((settings.with_password(NO_PASSWORD)?, address))
}

/// Serves until `end`, and lets what has begun end.
///
/// # Errors
/// When connections cannot be accepted any more.
pub async fn serve<S: Store, Q: Queue, H: Heartbeat>(
    cloud: &Cloud<S, Q, H>,
    listener: TcpListener,
    end: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the port is not known")?;
    tracing::info!(%address, "serving");
    let server = axum::serve(listener, cloud.router()).with_graceful_shutdown(async {
        end.await;
        tracing::info!("ending: what has begun is answered");
    });
    tokio::select! {
        served = server => served.context("connections cannot be accepted"),
        () = cloud.fold_by_the_minute() => Ok(()),
    }
}

/// Ends with SIGTERM, which ends containers, or with ctrl-c.
fn told_to_end() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("ctrl-c cannot be heard")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
