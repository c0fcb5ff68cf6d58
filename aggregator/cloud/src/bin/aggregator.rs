//! The Lambda function aggregator: see [`aggregator_cloud::function`].

use std::process::ExitCode;

use aws::environment::{Variables, exit_code};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(aggregator_cloud::function::run(&Variables::of_process()).await)
}
