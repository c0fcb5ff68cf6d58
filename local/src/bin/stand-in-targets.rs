//! The stand-in targets as a program of their own.

use std::process::ExitCode;

fn main() -> ExitCode {
    stand_ins::cli::run(local::options::mistake_of, local::interrupts::interrupted())
}
