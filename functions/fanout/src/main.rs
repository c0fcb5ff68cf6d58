//! The Lambda function fanout: settings, connections, and then [`fanout::serve`].

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use aws::environment::{FanOutSettings, Variables, exit_code, start_logging};
use control::Control;
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
    let control_settings = fanout::control_settings(&variables)?;
    let deployment =
        aws::deployment::connect(settings, variables.lookup(), Clock::system()).await?;
    let control = Control::new(control_settings, Arc::clone(&deployment))?;
    let function = Function::new(deployment, control);
    function.warm_up().await;
    let served = fanout::serve(function).await;
    served
        .map_err(anyhow::Error::from_boxed)
        .context("Lambda's runtime API cannot be used")
}
