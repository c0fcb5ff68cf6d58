//! The same ticks in a container, without a queue: settings, connections, and then [`tick::server`].

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use aws::DynamoStore;
use aws::environment::{StoreSettings, Variables, check_region, exit_code, start_logging};
use tick::server::Server;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::Identity;
use traffic::clock::Clock;
use traffic::runs::Runs;
use traffic::tick::Ticker;
use traffic::transport::{Http, HttpSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run().await)
}

/// Descriptors for all but connections to targets, as many as a function keeps.
const OTHERS: u64 = 224;

/// The connections that the container's limit of descriptors leaves room for.
fn max_connections() -> Option<usize> {
    let files = rlimit::increase_nofile_limit(u64::MAX).ok()?;
    usize::try_from(files.saturating_sub(OTHERS).max(files / 4).max(1)).ok()
}

async fn run() -> anyhow::Result<()> {
    let variables = Variables::of_process();
    start_logging(&variables, Identity::new())?;
    let settings = StoreSettings::read(&variables)?;
    let config = aws::config::load().await;
    check_region(&config)?;
    let clock = Clock::system();
    let store = DynamoStore::new(&config, settings.table, settings.retention, clock.clone());
    let store = Arc::new(store);
    let runs = Runs::new(Arc::clone(&store), clock.clone(), variables.lookup());
    let runs = Arc::new(runs);
    let http = HttpSettings {
        max_connections: max_connections(),
        ..tick::http_settings(&variables)?
    };
    let http = Http::new(clock.clone(), http)?;
    let ticker = Ticker::new(store, Arc::clone(&runs), http, clock.clone());
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("ctrl-c cannot be heard")?;
    let end = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    tracing::info!("looking for ticks");
    Server::new(ticker, runs, clock, rand::random())
        .run(end)
        .await;
    Ok(())
}
