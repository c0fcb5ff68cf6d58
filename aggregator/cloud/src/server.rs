//! The aggregator in a container: the same router on a port of its own.
//!
//! It folds by a timer what a stage's heartbeat has not, and lets requests that have begun end before
//! it does.

use std::future::Future;

use aggregator::serve::{Serving, Tls};
use anyhow::Context as _;
use aws::environment::Variables;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use traffic::ports::{Heartbeat, Queue, Store};

use crate::settings::{Misconfigured, Settings, Web};
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
    let (settings, web) = settings(variables)?;
    let tls = web.tls.as_ref().map(Tls::read).transpose()?;
    let address = web.address;
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("{address} cannot be listened on"))?;
    let end = told_to_end()?;
    let cloud = Cloud::connect(settings, variables, logs).await?;
    let serving = Serving {
        tls,
        ..Serving::plain(web.base_path.over(cloud.router()))
    };
    serve(&cloud, listener, serving, end).await
}

/// The settings of a server: where others can reach it, it needs a password.
///
/// # Errors
/// The first mistake there is.
pub fn settings(variables: &Variables) -> Result<(Settings, Web), Misconfigured> {
    let web = Web::read(variables)?;
    let settings = Settings::read(variables)?;
    if web.address.ip().is_loopback() {
        return Ok((settings, web));
    }
    Ok((settings.with_password(NO_PASSWORD)?, web))
}

/// Serves until `end`, lets what has begun end, and folds meanwhile.
///
/// # Errors
/// When the port is not known.
pub async fn serve<S: Store, Q: Queue, H: Heartbeat>(
    cloud: &Cloud<S, Q, H>,
    listener: TcpListener,
    serving: Serving,
    end: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the port is not known")?;
    let scheme = if serving.tls.is_some() {
        "https"
    } else {
        "http"
    };
    tracing::info!(%address, scheme, "serving");
    let server = aggregator::serve::serve(listener, serving, async {
        end.await;
        tracing::info!("ending: what has begun is answered");
    });
    tokio::select! {
        () = server => Ok(()),
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
