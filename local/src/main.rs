//! The `cicada` binary.

use std::process::ExitCode;

use clap::Parser as _;
use local::options::Options;

fn main() -> ExitCode {
    local::program::run(&Options::parse())
}
