//! `cicada convert`: the workload that locustfiles come to, printed or written to a file.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use statistics::visible::lines;
use traffic::runs::Environment;

use crate::locustfiles::reading;
use crate::{options, program};

/// The word that makes a command line one of this command.
pub const COMMAND: &str = "convert";

/// The exit code of wrong usage, and of a file that a workload cannot say.
const EXIT_MISUSE: u8 = 2;

/// A locustfile as a workload file.
///
/// Reads Python without executing it, and prints the workload with the line that each part comes from.
/// What a workload cannot say is listed with its line, and then nothing is printed.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cicada convert",
    bin_name = "cicada convert",
    max_term_width = 100
)]
pub struct ConvertOptions {
    /// Locustfiles, or folders of them
    #[arg(value_name = "LOCUSTFILE", required = true, value_delimiter = ',')]
    files: Vec<PathBuf>,

    /// File to write the workload to
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Base URL for classes without a host of their own
    #[arg(short = 'H', long, value_name = "URL", env = "LOCUST_HOST")]
    host: Option<String>,
}

/// Runs the command.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let options = match ConvertOptions::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) if error.use_stderr() => {
            return complain(&options::mistake_of("cicada convert", &error));
        }
        Err(help) => return program::explain("cicada convert", &help),
    };
    match converted(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error:#}")),
    }
}

fn complain(mistake: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "cicada: {}", lines(mistake));
    ExitCode::from(EXIT_MISUSE)
}

fn converted(options: &ConvertOptions) -> anyhow::Result<()> {
    let environment: Environment = Arc::new(|name: &str| std::env::var(name).ok());
    let files: Vec<&PathBuf> = options.files.iter().collect();
    let reading = reading(&files, &environment, options.host.as_deref())?;
    let workload = reading.conversion?.toml;
    match &options.output {
        Some(path) => std::fs::write(path, workload)
            .with_context(|| format!("{} cannot be written", path.display())),
        None => {
            // a reader that has seen enough may go
            let _ = std::io::stdout().write_all(workload.as_bytes());
            Ok(())
        }
    }
}
