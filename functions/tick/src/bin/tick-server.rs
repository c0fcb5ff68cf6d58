//! The same ticks in a container, without a queue: settings, connections, and then [`tick::server`].
//!
//! `tick-server health` asks the one that runs in the same container whether it is well.

use std::future::Future;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use aws::DynamoStore;
use aws::environment::{
    SettingError, StoreSettings, Variables, check_region, exit_code, start_logging,
};
use tick::server::{CLOSES_WITHIN, Server, answer, ask};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::Identity;
use traffic::clock::Clock;
use traffic::runs::Runs;
use traffic::tick::Ticker;
use traffic::transport::{Http, HttpSettings};

/// The port of this machine on which the process says whether it is well.
const HEALTH_PORT: &str = "CICADA_HEALTH_PORT";

fn main() -> ExitCode {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit_code(Err(anyhow::Error::from(error))),
    };
    let variables = Variables::of_process();
    let code = runtime.block_on(async {
        // the container's health check
        if std::env::args().nth(1).as_deref() == Some("health") {
            return health(&variables).await;
        }
        exit_code(run(&variables).await)
    });
    // a look-up of a name may take longer than anybody waits
    runtime.shutdown_timeout(CLOSES_WITHIN);
    code
}

/// Descriptors for all but connections to targets, as many as a function keeps.
const OTHERS: u64 = 224;

/// The connections that the container's limit of descriptors leaves room for.
fn max_connections() -> Option<usize> {
    let files = rlimit::increase_nofile_limit(u64::MAX).ok()?;
    usize::try_from(files.saturating_sub(OTHERS).max(files / 4).max(1)).ok()
}

async fn run(variables: &Variables) -> anyhow::Result<()> {
    // the first process of a container is told to end in vain until it listens
    let end = told_to_end()?;
    start_logging(variables, Identity::new())?;
    let settings = StoreSettings::read(variables)?;
    let health = match health_port(variables)? {
        Some(port) => Some(listen(port).await?),
        None => None,
    };
    let config = aws::config::load().await;
    check_region(&config)?;
    let clock = Clock::system();
    let store = DynamoStore::new(&config, settings.table, settings.retention, clock.clone());
    let store = Arc::new(store);
    let runs = Runs::new(Arc::clone(&store), clock.clone(), variables.lookup());
    let runs = Arc::new(runs);
    let http = HttpSettings {
        max_connections: max_connections(),
        ..tick::http_settings(variables)?
    };
    let http = Http::new(clock.clone(), http)?;
    let ticker = Ticker::new(store, Arc::clone(&runs), http, clock.clone());
    let server = Server::new(ticker, runs, clock, rand::random());
    if let Some(listener) = health {
        tokio::spawn(answer(listener, server.health()));
    }
    tracing::info!("looking for ticks");
    server.run(end).await;
    Ok(())
}

fn health_port(variables: &Variables) -> Result<Option<u16>, SettingError> {
    variables.parsed(
        HEALTH_PORT,
        |_: &u16| true,
        "write a port such as 8088, or leave it out for none",
    )
}

async fn listen(port: u16) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.with_context(|| format!("{HEALTH_PORT} is {port}, and cannot be listened on"))
}

/// Exit code 0 if the process of this container is well, 1 and a line if not.
async fn health(variables: &Variables) -> ExitCode {
    let asked = match health_port(variables) {
        Ok(Some(port)) => ask(port).await,
        Ok(None) => Err(anyhow::anyhow!(
            "{HEALTH_PORT} is not set: there is nobody to ask"
        )),
        Err(error) => Err(error.into()),
    };
    match asked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Ends with SIGTERM, which ends containers, or with ctrl-c; both are listened for from now on.
fn told_to_end() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("ctrl-c cannot be heard")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
