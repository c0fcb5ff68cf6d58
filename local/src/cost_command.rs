//! `cicada cost`: what some traffic would cost on AWS, without sending any of it.
//!
//! It is a command of its own when it is the first word; flags and words after it have nothing to do with
//! Locust's. [`aggregator::cost`] estimates, this reads what was typed and prints.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use aggregator::control::{InvalidField, Limits};
use aggregator::cost::{
    Architecture, Assumptions, Estimate, Hours, Prices, ResponseTimes, Schedule, run_of,
    run_of_shape,
};
use anyhow::{Context as _, bail};
use clap::{Parser, ValueEnum};
use traffic::record::{BLOCK_USERS, BlockSize};
use traffic::run::Share;
use traffic::workload::{UserClass, Workload};

use crate::options::{self, Options};
use crate::settings;

/// The word that makes a command line one of this command.
pub const COMMAND: &str = "cost";

/// The program was used wrongly.
const EXIT_MISUSE: u8 = 2;

/// How long somebody watches unless it is said.
const WATCHED: Hours = Hours::a_day(1.0);

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
    #[arg(long, value_name = "MB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(128..=10_240))]
    memory: u32,

    /// What the functions run on
    #[arg(long, value_enum, default_value_t = Cpu::X86_64)]
    architecture: Cpu,

    /// How many ticks of a second one message carries at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100))]
    ticks_per_message: u64,

    /// How many users one tick executes at most
    #[arg(long, value_name = "N", default_value_t = BLOCK_USERS, value_parser = clap::value_parser!(u32).range(1..=100))]
    block_size: u32,

    /// How long records are kept
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    retention_days: u32,

    /// How many alarms the deployment has
    #[arg(long, value_name = "N", default_value_t = 6)]
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
    let _ = writeln!(std::io::stderr(), "cicada: {mistake}");
    ExitCode::from(EXIT_MISUSE)
}

/// What is to be printed.
///
/// # Errors
/// When something that was typed, or a file that it names, cannot be used.
pub fn text(options: &CostOptions) -> anyhow::Result<String> {
    let workload = Arc::new(workload(options)?);
    let prices = prices(options)?;
    let assumptions = assumptions(options, &workload)?;
    let schedule = schedule(options)?;
    let block_size = BlockSize::new(options.block_size).unwrap_or_default();
    let run = match &options.shape {
        Some(shape) => run_of_shape(workload, shape, block_size)
            .map_err(|unknown| InvalidField::new("--shape", unknown.problem))?,
        None => {
            let (shares, users) = shares(options, &workload)?;
            run_of(workload, shares, users, block_size)
        }
    };
    let estimate = Estimate::of(&run, schedule, &assumptions, &prices);
    if options.json {
        return Ok(serde_json::to_string_pretty(&estimate)? + "\n");
    }
    Ok(estimate.to_string())
}

fn schedule(options: &CostOptions) -> anyhow::Result<Schedule> {
    let hours = options.hours;
    let watch_hours = match options.watch_hours {
        Some(watched) if watched.in_month() > hours.in_month() => bail!(
            "--watch-hours {watched} is more than --hours {hours}: count only hours with traffic"
        ),
        Some(watched) => watched,
        None if hours.in_month() < WATCHED.in_month() => hours,
        None => WATCHED,
    };
    Ok(Schedule { hours, watch_hours })
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

/// Whose users how many are, and how many it is in all.
fn shares(options: &CostOptions, workload: &Workload) -> anyhow::Result<(Vec<Share>, u32)> {
    let most = Limits::default().max_users;
    let share = |class: &UserClass, fixed_count| Share {
        class: class.name().to_string(),
        weight: class.weight(),
        fixed_count,
    };
    let Some(users) = options.users else {
        let counts = class_counts(&options.class_counts)?;
        let users: u64 = counts.values().sum();
        let users = u32::try_from(users)
            .ok()
            .filter(|users| (1..=most).contains(users));
        let users = users
            .with_context(|| format!("--class-counts must come to 1 to {most} users in all"))?;
        let shares = counts.iter().filter(|(_, count)| **count > 0);
        let shares = shares.map(|(name, count)| {
            let class = workload
                .class(name)
                .with_context(|| unknown(name, workload))?;
            Ok(share(class, *count as u32))
        });
        return Ok((shares.collect::<anyhow::Result<_>>()?, users));
    };
    if !(1..=most).contains(&users) {
        bail!("--users must be a whole number from 1 to {most}");
    }
    let classes = workload.classes().iter();
    let shares = classes.map(|class| share(class, class.fixed_count()));
    Ok((shares.collect(), users))
}

/// Users by class: from JSON, or from `CLASS=N`.
fn class_counts(texts: &[String]) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for text in texts {
        if text.trim_start().starts_with('{') {
            let parsed: BTreeMap<String, u64> = serde_json::from_str(text)
                .with_context(|| "--class-counts is not JSON such as {\"ModelAUser\": 2}")?;
            counts.extend(parsed);
            continue;
        }
        let parsed = text.split_once('=').and_then(|(name, count)| {
            let count = count.trim().parse().ok()?;
            Some((name.trim().to_owned(), count))
        });
        let Some((name, count)) = parsed else {
            bail!("--class-counts {text:?} is neither JSON nor CLASS=N: write ModelAUser=2");
        };
        counts.insert(name, count);
    }
    Ok(counts)
}

fn unknown(name: &str, workload: &Workload) -> String {
    let known: Vec<&str> = workload
        .classes()
        .iter()
        .map(|class| &**class.name())
        .collect();
    let meant = workload.class_like(name);
    let meant = meant.map_or(String::new(), |meant| {
        format!(", perhaps {meant} was meant")
    });
    format!(
        "--class-counts names the unknown class {name:?}{meant}; the workload has {}",
        known.join(", ")
    )
}

fn prices(options: &CostOptions) -> anyhow::Result<Prices> {
    let mut prices = match &options.prices {
        None => Prices::built_in(),
        Some(path) => {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("--prices file {file} cannot be read"))?;
            Prices::parse(&text, &file)?
        }
    };
    if let Some(region) = &options.region {
        prices.region = format!("{region} (prices of {})", prices.region);
    }
    Ok(prices)
}

fn assumptions(options: &CostOptions, workload: &Workload) -> anyhow::Result<Assumptions> {
    let mut response_times = ResponseTimes::default();
    for text in &options.response_time {
        response_times
            .set(text, workload)
            .context("--response-time")?;
    }
    Ok(Assumptions {
        response_times,
        architecture: match options.architecture {
            Cpu::X86_64 => Architecture::X86,
            Cpu::Arm64 => Architecture::Arm,
        },
        tick_memory_mb: options.memory,
        ticks_per_message: options.ticks_per_message as usize,
        retention_days: f64::from(options.retention_days),
        alarms: options.alarms,
        ..Assumptions::default()
    })
}
