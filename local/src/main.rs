//! The `cicada` binary.

use std::process::ExitCode;

use clap::Parser as _;
use local::options::Options;
use local::{cost_command, program};

fn main() -> ExitCode {
    if let Some(arguments) = cost_command::asked_for(std::env::args_os().collect()) {
        return cost_command::run(arguments);
    }
    match Options::try_parse() {
        Ok(options) => program::run(&options),
        Err(error) => program::explain(&error),
    }
}
