//! The Lambda function fanout: settings, connections, and then [`fanout::serve`].

use std::process::ExitCode;

use anyhow::Context as _;
use aws::environment::{FanOutSettings, Variables, exit_code, run_rules, start_logging};
use fanout::Function;
use traffic::clock::Clock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run().await)
}

async fn run() -> anyhow::Result<()> {
    let variables = Variables::of_process();
    start_logging(&variables, tracing_subscriber::layer::Identity::new())?;
    let settings = FanOutSettings::read(&variables)?;
    let rules = run_rules(&variables)?;
    let deployment =
        aws::deployment::connect(settings, variables.lookup(), Clock::system()).await?;
    let function = Function::new(deployment, rules);
    function.warm_up().await;
    let served = fanout::serve(function).await;
    served
        .map_err(anyhow::Error::from_boxed)
        .context("Lambda's runtime API cannot be used")
}
