//! The Lambda function tick: settings, connections, and then [`tick::serve`].

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use aws::DynamoStore;
use aws::environment::{StoreSettings, Variables, check_region, exit_code, start_logging};
use tick::Function;
use tracing_subscriber::layer::Identity;
use traffic::clock::Clock;
use traffic::runs::Runs;
use traffic::tick::Ticker;
use traffic::transport::Http;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run().await)
}

async fn run() -> anyhow::Result<()> {
    let variables = Variables::of_process();
    start_logging(&variables, Identity::new())?;
    let settings = StoreSettings::read(&variables)?;
    let exporter = tick::exporter(&variables)?;
    let config = aws::config::of_function(&variables);
    check_region(&config)?;
    let clock = Clock::system();
    let store = DynamoStore::new(&config, settings.table, settings.retention, clock.clone());
    let store = Arc::new(store);
    let runs = Runs::new(Arc::clone(&store), clock.clone(), variables.lookup());
    let runs = Arc::new(runs);
    let http = Http::new(clock.clone(), tick::http_settings(&variables)?)?;
    tick::warm_up(&runs, http.clone(), &clock).await;
    let ticker = Ticker::new(store, runs, http, clock.clone());
    let function = Function::new(ticker, clock).observed_by(exporter);
    let served = tick::serve(function).await;
    let served = served.map_err(anyhow::Error::from_boxed);
    served.context("Lambda's runtime API cannot be used")
}
