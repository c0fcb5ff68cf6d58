//! The aggregator in a container: see [`aggregator_cloud::server`].

use std::process::ExitCode;

use aggregator_cloud::server::{self, CLOSES_WITHIN};
use aws::environment::{Variables, exit_code};

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit_code(Err(anyhow::Error::from(error))),
    };
    let variables = Variables::of_process();
    let code = runtime.block_on(async {
        // the container's health check
        if std::env::args().nth(1).as_deref() == Some("health") {
            return server::health(&variables).await;
        }
        exit_code(Box::pin(server::run(&variables)).await)
    });
    // a look-up of a name may take longer than anybody waits
    runtime.shutdown_timeout(CLOSES_WITHIN);
    code
}
