//! The `cicada` binary.

use std::process::ExitCode;

use clap::Parser as _;
use local::options::Options;
use local::program;

fn main() -> ExitCode {
    match Options::try_parse() {
        Ok(options) => program::run(&options),
        Err(error) => program::explain(&error),
    }
}
