//! The aggregator in a container: see [`aggregator_cloud::server`].

use std::process::ExitCode;

use aws::environment::{Variables, exit_code};

#[tokio::main]
async fn main() -> ExitCode {
    let variables = Variables::of_process();
    // the container's health check
    if std::env::args().nth(1).as_deref() == Some("health") {
        return aggregator_cloud::server::health(&variables).await;
    }
    exit_code(aggregator_cloud::server::run(&variables).await)
}
