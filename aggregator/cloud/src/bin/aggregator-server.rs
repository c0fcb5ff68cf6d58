//! The aggregator in a container: see [`aggregator_cloud::server`].

use std::process::ExitCode;

use aws::environment::{Variables, exit_code};

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(aggregator_cloud::server::run(&Variables::of_process()).await)
}
