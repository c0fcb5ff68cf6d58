//! `cicada cost`: what some traffic would cost on AWS, without sending any of it.
//!
//! It is a command of its own when it is the first word; flags and words after it have nothing to do with
//! Locust's. [`cost`] estimates, this reads what was typed and prints.

use std::ffi::OsString;
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::builder::RangedU64ValueParser;
use clap::{Parser, ValueEnum};
use control::InvalidField;
use cost::{
    ALARMS, Architecture, BLOCK_SIZE, Hours, MEMORY, Prices, Question, RETENTION_DAYS,
    TICKS_PER_MESSAGE,
};
use statistics::visible::lines;
use traffic::record::BLOCK_USERS;
use traffic::workload::Workload;

use crate::options::{self, Options};
use crate::settings;

/// The word that makes a command line one of this command.
pub const COMMAND: &str = "cost";

/// The program was used wrongly.
const EXIT_MISUSE: u8 = 2;

/// What traffic costs on AWS, from its plan.
///
/// Plays some minutes of the traffic without sending any, counts the calls to each service, and prices
/// them for a month. docs/cost.md says how, and what is left out.
#[derive(Clone, Debug, Parser)]
#[command(name = "cicada cost", bin_name = "cicada cost", max_term_width = 100)]
pub struct CostOptions {
    /// Number of users, shared among the classes by their weights
    #[arg(
        short = 'u',
        long,
        value_name = "N",
        required_unless_present_any = ["class_counts", "shape"]
    )]
    users: Option<u32>,

    /// Users of single classes: JSON such as {"ModelAUser": 2}, or CLASS=N for each
    #[arg(long, value_name = "JSON|CLASS=N", num_args = 1.., conflicts_with = "users")]
    class_counts: Vec<String>,

    /// A load shape of the workload: as many users as it has on average, in --hours of it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["users", "class_counts"])]
    shape: Option<String>,

    /// Workload file; without it, the built-in one with the demo's six classes
    #[arg(short = 'f', long, value_name = "FILE")]
    workload: Option<PathBuf>,

    /// When traffic is on: 8/day, 40/week or 100/month
    #[arg(long, value_name = "HOURS", default_value = "24/day")]
    hours: Hours,

    /// When somebody watches the statistics, within those hours [default: 1/day, or all of less]
    #[arg(long, value_name = "HOURS")]
    watch_hours: Option<Hours>,

    /// How long requests take on average, in seconds: of all, or CLASS=SECONDS or REQUEST=SECONDS;
    /// may be repeated [default: what the stand-in targets take]
    #[arg(long, value_name = "SECONDS")]
    response_time: Vec<String>,

    /// Memory of the tick function in MB
    #[arg(long, value_name = "MB", default_value_t = 128, value_parser = within(&MEMORY))]
    memory: u32,

    /// What the functions run on
    #[arg(long, value_enum, default_value_t = Cpu::X86_64)]
    architecture: Cpu,

    /// How many ticks of a second one message carries at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = within(&TICKS_PER_MESSAGE))]
    ticks_per_message: u32,

    /// How many users one tick executes at most
    #[arg(long, value_name = "N", default_value_t = BLOCK_USERS, value_parser = within(&BLOCK_SIZE))]
    block_size: u32,

    /// How long records are kept
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = within(&RETENTION_DAYS))]
    retention_days: u32,

    /// How many alarms the deployment has
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = within(&ALARMS))]
    alarms: u32,

    /// Prices to use instead of the built-in ones, in a file of the same form
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// The region that is shown; prices are those of the file
    #[arg(long, value_name = "NAME")]
    region: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// As Lambda calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cpu {
    /// The default
    #[value(name = "x86_64")]
    X86_64,
    /// A fifth cheaper
    Arm64,
}

fn within(range: &RangeInclusive<u32>) -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(u64::from(*range.start())..=u64::from(*range.end()))
}

/// What follows the word, if a command line is one of this command; the program's name is kept.
pub fn asked_for(mut arguments: Vec<OsString>) -> Option<Vec<OsString>> {
    (arguments.get(1)? == COMMAND).then(|| {
        arguments.remove(1);
        arguments
    })
}

/// Does what follows the word.
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

/// What is to be printed.
///
/// # Errors
/// When something that was typed, or a file that it names, cannot be used.
pub fn text(options: &CostOptions) -> anyhow::Result<String> {
    let workload = Arc::new(workload(options)?);
    let estimate = question(options).and_then(|question| {
        question
            .estimate(&workload, &prices(options)?)
            .map_err(|mistake| typed(&mistake))
    })?;
    if options.json {
        return Ok(serde_json::to_string_pretty(&estimate)? + "\n");
    }
    Ok(estimate.to_string())
}

/// A field by the name that it has on the command line.
fn typed(mistake: &InvalidField) -> anyhow::Error {
    let flag = mistake.field.replace('_', "-");
    anyhow::anyhow!("--{flag} {}", mistake.problem)
}

fn question(options: &CostOptions) -> anyhow::Result<Question> {
    let mut question = Question {
        users: options.users.map(u64::from),
        shape: options.shape.clone(),
        hours: options.hours,
        watch_hours: options.watch_hours,
        response_times: options.response_time.clone(),
        memory: options.memory,
        architecture: match options.architecture {
            Cpu::X86_64 => Architecture::X86,
            Cpu::Arm64 => Architecture::Arm,
        },
        ticks_per_message: options.ticks_per_message,
        block_size: options.block_size,
        retention_days: options.retention_days,
        alarms: options.alarms,
        region: options.region.clone(),
        ..Question::default()
    };
    for text in &options.class_counts {
        question
            .add_class_counts(text)
            .map_err(|mistake| typed(&mistake))?;
    }
    Ok(question)
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
