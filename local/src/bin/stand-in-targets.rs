//! The stand-in targets as a program of their own.

use std::process::ExitCode;

fn main() -> ExitCode {
    local::targets::cli::run()
}
