//! The aggregator in a container: the same router on a port of its own.
//!
//! It folds sealed buckets by a timer, beside the stage's heartbeat, and lets requests that have begun end before
//! it does. It serves while its store is away, and says so at `/health`; a table of its own is made whenever it is
//! not there.

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use aws::environment::{Executor, Variables, exit_code};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use traffic::clock::Clock;
use traffic::error_chain::one_line;
use traffic::ports::{Heartbeat, Queue, Store};
use web::probe::probe;
use web::serve::{Serving, Tls};

use crate::settings::{AggregatorSettings, Misconfigured, Web};
use crate::{Cloud, keep_table, logging};

/// The time for the threads of the process's runtime at its end, when nothing is left to do.
pub const CLOSES_WITHIN: Duration = Duration::from_millis(500);

/// The remedy for a server that others can reach without a password.
const NO_PASSWORD: &str =
    "set it to user:password (only a server on CICADA_WEB_HOST=127.0.0.1 needs none)";

/// The whole program: settings, connections, and then answers until it is told to end.
pub async fn run(variables: &Variables) -> anyhow::Result<()> {
    // the first process of a container is told to end in vain until it listens
    let end = told_to_end()?;
    let logs = logging(variables)?;
    match Executor::read(variables)? {
        Executor::Functions => {
            let (settings, web) = settings(variables)?;
            let prepared = Prepared::new(&web, end).await?;
            let cloud = Cloud::connect(settings, variables, logs).await?;
            prepared.serve(&cloud, &web).await
        }
        Executor::Processes => {
            let (settings, web) =
                with_web(AggregatorSettings::of_processes(variables)?, variables)?;
            let prepared = Prepared::new(&web, end).await?;
            let is_made = settings.stage.is_made;
            let (cloud, store) = Cloud::of_processes(settings, variables, logs).await?;
            tokio::select! {
                served = Box::pin(prepared.serve(&cloud, &web)) => served,
                () = keep_table(&store), if is_made => Ok(()),
            }
        }
    }
}

/// Asks the server that these variables start for its health: exit code 0 if it is well, 1 and a line if not.
pub async fn health(variables: &Variables) -> ExitCode {
    let web = match Web::read(variables) {
        Ok(web) => web,
        Err(error) => return exit_code::<anyhow::Error>(Err(error.into())),
    };
    match probe(&web.health()).await {
        Ok(_version) => ExitCode::SUCCESS,
        Err(unwell) => {
            let _ = writeln!(std::io::stderr(), "{}", one_line(&unwell));
            ExitCode::FAILURE
        }
    }
}

/// The port and the certificate of a server, taken before anything is connected.
struct Prepared<E> {
    listener: TcpListener,
    tls: Option<Tls>,
    end: E,
}

impl<E: Future<Output = ()> + Send + 'static> Prepared<E> {
    async fn new(web: &Web, end: E) -> anyhow::Result<Self> {
        let tls = web.tls.as_ref().map(Tls::read).transpose()?;
        let trouble = tls
            .as_ref()
            .and_then(|tls| tls.trouble(Clock::system().now()));
        if let Some(trouble) = trouble {
            tracing::warn!("{trouble}");
        }
        let (host, port) = (web.host, web.port);
        let listener = host.listen(port).await;
        Ok(Self {
            listener: listener.with_context(|| format!("{host}:{port} cannot be listened on"))?,
            tls,
            end,
        })
    }

    async fn serve<S: Store, Q: Queue, H: Heartbeat>(
        self,
        cloud: &Cloud<S, Q, H>,
        web: &Web,
    ) -> anyhow::Result<()> {
        let serving = Serving {
            tls: self.tls,
            ..Serving::plain(web.base_path.over(web.trace_url.over(cloud.router())))
        };
        serve(cloud, self.listener, serving, self.end).await
    }
}

/// The settings of a server: where others can reach it, it needs a password.
pub fn settings(variables: &Variables) -> Result<(AggregatorSettings, Web), Misconfigured> {
    with_web(AggregatorSettings::read(variables)?, variables)
}

fn with_web<P>(
    settings: AggregatorSettings<P>,
    variables: &Variables,
) -> Result<(AggregatorSettings<P>, Web), Misconfigured> {
    let web = Web::read(variables)?;
    if web.host.is_loopback() {
        return Ok((settings, web));
    }
    Ok((settings.with_password(NO_PASSWORD)?, web))
}

/// Serves until `end`, lets what has begun end, and folds meanwhile.
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
    let server = web::serve::serve(listener, serving, async {
        end.await;
        tracing::info!("ending: what has begun is answered");
    });
    let fold = async {
        cloud.warm_up_at_last().await;
        tokio::join!(cloud.fold_by_the_minute(), cloud.adapt());
    };
    tokio::select! {
        () = server => Ok(()),
        () = fold => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_told_to_end_has_ended_before_a_container_engine_kills_it() {
        assert!(web::serve::GRACE + CLOSES_WITHIN < Duration::from_secs(9));
    }
}
