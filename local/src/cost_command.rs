//! `cicada cost`: the cost of some traffic on AWS, without sending any of it.
//!
//! It is a command of its own when it is the first word; flags and words after it have nothing to do with
//! Locust's. [`cost`] has the options of the question and estimates; this reads files and prints.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use cost::{Prices, Question};
use statistics::visible::lines;
use traffic::run_rules::{InvalidField, Limits};
use traffic::workload::Workload;

use crate::options::{self, Options};
use crate::settings;

/// The word that makes a command line one of this command.
pub const COMMAND: &str = "cost";

/// The exit code of wrong usage.
const EXIT_MISUSE: u8 = 2;

/// The cost of traffic on AWS, from its plan.
///
/// Plays some minutes of the traffic without sending any, counts the calls to each service, and prices
/// them for a month. docs/cost.md says how, and what is left out.
#[derive(Clone, Debug, Parser)]
#[command(name = "cicada cost", bin_name = "cicada cost", max_term_width = 100)]
pub struct CostOptions {
    #[command(flatten)]
    question: Question,

    /// Workload file; without it, the built-in one with the demo's six classes
    #[arg(short = 'f', long, value_name = "FILE")]
    workload: Option<PathBuf>,

    /// Prices in place of the built-in ones, in a file of the same form
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let options = match CostOptions::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) if error.use_stderr() => {
            return complain(&options::mistake_of("cicada cost", &error));
        }
        Err(help) => {
            // a reader that has seen enough may go
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    match text(&options) {
        Ok(text) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => complain(&format!("{error:#}")),
    }
}

fn complain(mistake: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "cicada: {}", lines(mistake));
    ExitCode::from(EXIT_MISUSE)
}

/// The text to print.
pub fn text(options: &CostOptions) -> anyhow::Result<String> {
    let workload = Arc::new(workload(options)?);
    let most_users = Limits::default().max_users;
    let estimate = options
        .question
        .estimate(&workload, &prices(options)?, most_users);
    let estimate = estimate.map_err(|mistake| typed(&mistake))?;
    if options.json {
        return Ok(serde_json::to_string_pretty(&estimate)? + "\n");
    }
    Ok(estimate.to_string())
}

/// A mistake in a field, by the field's option.
fn typed(mistake: &InvalidField) -> anyhow::Error {
    let flag = mistake.field.replace('_', "-");
    anyhow::anyhow!("--{flag} {}", mistake.problem)
}

fn workload(options: &CostOptions) -> anyhow::Result<Workload> {
    let mut typed = vec![OsString::from("cicada")];
    if let Some(path) = &options.workload {
        typed.extend(["-f".into(), path.into()]);
    }
    let run_options = Options::try_parse_from(typed)?;
    let environment = Arc::new(|name: &str| std::env::var(name).ok());
    Ok(settings::workload(&run_options, &(environment as _))?)
}

fn prices(options: &CostOptions) -> anyhow::Result<Prices> {
    let Some(path) = &options.prices else {
        return Ok(Prices::built_in());
    };
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("--prices file {file} cannot be read"))?;
    Ok(Prices::parse(&text, &file)?)
}
