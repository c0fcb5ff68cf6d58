//! `cicada workload`: the text of the workload in force, or the schema of all of them.
//!
//! The workload in force is the one that `cicada` with the same options, variables and configuration files would run.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use control::WORKLOAD_SCHEMA;
use traffic::clock::Clock;
use traffic::runs::Environment;
use traffic::workload::Workload;

use crate::options::Options;
use crate::{config_files, program, settings};

/// The word that makes a command line one of this command.
pub const COMMAND: &str = "workload";

/// The workload that new runs have, printed.
///
/// Prints the workload that `cicada` with the same options would run: the built-in one, that of -f or
/// LOCUST_LOCUSTFILE, what locustfiles come to, or what was put at /workload and kept by --db.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cicada workload",
    bin_name = "cicada workload",
    max_term_width = 100
)]
pub struct WorkloadOptions {
    /// Workload file, or locustfiles and folders of them, separated by commas. Without it, what was put last and
    /// kept by --db, or else the built-in one
    #[arg(short = 'f', long, alias = "locustfile", value_name = "FILE")]
    workload: Option<OsString>,

    /// Database file that runs and the workload are kept in
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// Print the JSON schema of workloads instead, for editors
    #[arg(long)]
    schema: bool,
}

/// Runs the command.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let options = match WorkloadOptions::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) => return program::explain("cicada workload", &error),
    };
    match text(&options) {
        Ok(text) => {
            // a reader that has seen enough may go
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => program::complain(&error),
    }
}

fn text(options: &WorkloadOptions) -> anyhow::Result<String> {
    if options.schema {
        return Ok(WORKLOAD_SCHEMA.to_owned());
    }
    let mut typed = vec![OsString::from("cicada")];
    if let Some(file) = &options.workload {
        typed.extend(["-f".into(), file.clone()]);
    }
    if let Some(db) = &options.db {
        typed.extend(["--db".into(), db.into()]);
    }
    let options = config_files::options(&typed, Path::new(""), &|name| std::env::var_os(name));
    let options = options
        .map_err(|error| anyhow::anyhow!(crate::options::mistake_of("cicada workload", &error)))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("the runtime cannot be started")?;
    let workload = runtime.block_on(in_force(&options))?;
    Ok(workload.source().to_string())
}

async fn in_force(options: &Options) -> anyhow::Result<Workload> {
    let process: Environment = Arc::new(|name| std::env::var(name).ok());
    let environment = program::with_folder(process, options);
    if let Some(store) = program::kept(options, &Clock::system())? {
        let put = settings::kept_workload(&store, options, &environment).await?;
        if let Some(workload) = put {
            return Ok(workload);
        }
    }
    Ok(settings::workload(options, &environment)?)
}
