//! The options resolved and checked together; [`SettingsError`] has the mistakes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use control::{ClassSettings, ControlSettings};
use traffic::credentials::Keyring;
use traffic::machine;
use traffic::ports::RunStore as _;
use traffic::run_rules::{InvalidField, Limits, RunRules};
use traffic::runs::Environment;
use traffic::workload::{WORKLOAD_ENV, Workload, base_url};

use crate::commands;
use crate::descriptors::Descriptors;
use crate::exports::Exports;
use crate::locustfiles::{WorkloadText, workload_text};
use crate::options::{Options, named};
use crate::results::{ResultsSettings, Rotation};
use crate::store::SqliteStore;
use crate::tags::tagged;
use crate::web::WebSettings;

pub(crate) mod error;

pub use error::SettingsError;

/// The memory of a user whose iteration is due, in bytes: 5,300 were measured while 400,000 users were overdue.
const USER_BYTES: u64 = 6_000;

/// The further memory of a connection that waits for its target: 38,000 were measured at 16,000 connections.
const CONNECTION_BYTES: u64 = 40_000;

/// The memory of all else in the program.
const PROGRAM_BYTES: u64 = 64 * 1024 * 1024;

/// The end of the message about more users than fit in the memory.
const MORE_USERS: &str = ", as many as fit in this machine's memory: name another with --max-users";

#[derive(Clone, Debug)]
pub struct ProgramSettings {
    pub control: ControlSettings,
    /// The database file; without one nothing is kept.
    pub db: Option<PathBuf>,
    /// True if a run is to go on when the program is started again.
    pub resume: bool,
    /// `None` if headless.
    pub web: Option<WebSettings>,
    /// A further server, for `/metrics` alone.
    pub metrics: Option<WebSettings>,
    pub start: Option<Start>,
    /// True if stand-in targets are to be started.
    pub demo: bool,
    pub headless: bool,
    /// The time from the end of the run to the end of the program; `None` for a program that goes on.
    pub autoquit: Option<Duration>,
    /// The longest time that iterations may go on after the end.
    pub stop_timeout: Option<Duration>,
    /// True if statistics are printed while the run goes on.
    pub prints_statistics: bool,
    /// True if anything of the statistics is printed, at the end too.
    pub prints_summary: bool,
    pub exports: Exports,
    /// Where the result of every request goes.
    pub results: Option<ResultsSettings>,
    /// True if statistics count anew once all users are there.
    pub resets_statistics: bool,
    pub exit_code_on_error: u8,
}

/// A run that is started at once, by those of its fields that the command line has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Start {
    pub users: Option<u32>,
    pub spawn_rate: Option<f64>,
    pub run_time: Option<Duration>,
    pub iterations: Option<u64>,
}

impl ProgramSettings {
    /// The number of connections that the traffic may have open at once, of `files` that it may open.
    pub(crate) fn connections(&self, files: Option<usize>) -> Option<usize> {
        connections_within(
            machine::memory(),
            self.control.rules.limits.max_users,
            files,
        )
    }

    /// Resolves the options over a workload.
    pub fn resolve(options: &Options, workload: Arc<Workload>) -> Result<Self, SettingsError> {
        let headless = options.web.headless;
        let autoquit = autoquit(options)?;
        let web = (!headless).then(|| WebSettings::resolve(options));
        let web = web.transpose()?;
        Ok(Self {
            control: control_settings(options, workload)?,
            db: options.own.db.clone(),
            resume: options.own.resume,
            web,
            metrics: WebSettings::of_metrics(options)?,
            start: start(options)?,
            demo: options.own.demo,
            headless,
            autoquit,
            stop_timeout: options.other.stop_timeout,
            prints_statistics: !options.output.skip_log_setup
                && (options.output.print_stats || headless && !options.output.only_summary),
            prints_summary: !options.output.skip_log_setup,
            exports: exports(options)?,
            results: results(options)?,
            resets_statistics: options.output.reset_stats,
            exit_code_on_error: options.other.exit_code_on_error,
        })
    }
}

impl ProgramSettings {
    /// True if the end of the program is not the end of its run.
    pub(crate) fn keeps_runs_on(&self) -> bool {
        self.resume && self.db.is_some()
    }

    /// True if the program ends by itself when its run has ended.
    pub(crate) fn ends_with_run(&self) -> bool {
        self.headless || self.autoquit.is_some()
    }

    /// True if the program's exit code says nothing of its run: a run that goes on, or a server that was told to end
    /// where runs are to go on.
    pub(crate) fn ends_without_verdict(&self, is_interrupted: bool) -> bool {
        is_interrupted && self.resume && (self.db.is_some() || !self.headless)
    }
}

/// Reads the workload that the options name, or the built-in one.
pub fn workload(options: &Options, environment: &Environment) -> Result<Workload, SettingsError> {
    let lookup = |name: &str| match name {
        // whoever names the file has the variables anyhow
        WORKLOAD_ENV => Some("*".to_owned()),
        name => environment(name),
    };
    let host = options.common.host.as_deref();
    let WorkloadText { text, file } = workload_text(&options.common.workload, environment, host)?;
    let mut workload = Workload::parse(&text, &file, &lookup)?;
    if let Some(text) = tagged(&options.other, &workload)? {
        workload = Workload::parse(&text, &file, &lookup)?;
    }
    Ok(workload.with_equal_weights(options.other.equal_weights))
}

/// The workload that was put at `/workload` when the database was last in use, if any was.
pub async fn kept_workload(
    store: &SqliteStore,
    options: &Options,
    environment: &Environment,
) -> Result<Option<Workload>, SettingsError> {
    let Some(version) = store.chosen_workload().await? else {
        return Ok(None);
    };
    let Some(source) = store.workload(&version).await? else {
        return Ok(None);
    };
    let mut workload = Workload::parse_aside(&source, "workload", environment).await?;
    if let Some(text) = tagged(&options.other, &workload)? {
        workload = Workload::parse_aside(&text, "workload", environment).await?;
    }
    Ok(Some(
        workload.with_equal_weights(options.other.equal_weights),
    ))
}

fn control_settings(
    options: &Options,
    workload: Arc<Workload>,
) -> Result<ControlSettings, SettingsError> {
    let mut class_settings = Vec::new();
    for text in &options.common.config_users {
        class_settings.extend(config_users(text)?);
    }
    let named = options.user_classes.iter().filter(|name| !name.is_empty());
    let (shapes, classes): (Vec<_>, Vec<_>) = named
        .cloned()
        .partition(|name| workload.shape(name).is_some());
    let settings = ControlSettings {
        classes,
        shape: shape(options, shapes)?.or_else(|| own_shape(&workload)),
        host: options.common.host.clone(),
        class_settings,
        rules: RunRules {
            limits: limits(options),
            allowed_hosts: options.own.allowed_hosts.clone().unwrap_or_default(),
            keyring: Some(Keyring::default()),
        },
        seed: options.own.seed,
        thresholds: options.own.thresholds.clone(),
        run_name: options.own.run_name.clone(),
        ..ControlSettings::new(workload)
    };
    let checked = settings.checked();
    Ok(checked.map_err(|invalid| as_typed(invalid, options))?)
}

/// The load shape that `--shape` names, or that is named among the classes.
fn shape(options: &Options, among_classes: Vec<String>) -> Result<Option<String>, InvalidField> {
    let given = options.own.shape.iter().filter(|name| !name.is_empty());
    let mut named: Vec<String> = given.cloned().chain(among_classes).collect();
    named.dedup();
    if named.len() > 1 {
        let problem = format!("is given more than once, {}: name one", named.join(" and "));
        return Err(InvalidField::new("--shape", problem));
    }
    Ok(named.pop())
}

/// The shape of a workload that was made of locustfiles: Locust runs it without being asked.
fn own_shape(workload: &Workload) -> Option<String> {
    match workload.shapes() {
        [shape] if locustfile::is_converted(workload.source()) => Some(shape.name().to_string()),
        _ => None,
    }
}

fn limits(options: &Options) -> Limits {
    let usual = Limits::default();
    let files = rlimit::Resource::NOFILE.get_hard().ok();
    let connections = Descriptors::new(files).traffic(options.own.demo);
    let max_spawn_rate = options.own.max_spawn_rate.unwrap_or(usual.max_spawn_rate);
    match options.own.max_users {
        Some(max_users) => Limits {
            max_users,
            max_spawn_rate,
            ..usual
        },
        None => Limits {
            max_users: users_within(machine::memory(), connections).min(usual.max_users),
            max_spawn_rate,
            more_users: Some(MORE_USERS),
        },
    }
}

/// The number of users that fit in `memory` while all of them wait for a target that does not answer. At most
/// `connections` of them have a connection.
fn users_within(memory: Option<u64>, connections: Option<usize>) -> u32 {
    let Some(memory) = memory else {
        return u32::MAX;
    };
    let memory = memory.saturating_sub(PROGRAM_BYTES);
    let connected = memory / (USER_BYTES + CONNECTION_BYTES);
    let connected = connections.map_or(connected, |most| connected.min(most as u64));
    let users = (memory - connected * CONNECTION_BYTES) / USER_BYTES;
    let users = if connections.is_some_and(|most| connected == most as u64) {
        users
    } else {
        connected
    };
    u32::try_from(users).unwrap_or(u32::MAX)
}

/// The number of connections that the traffic may have open at once: as many files as it may open, and as many as fit in
/// `memory` beside `users`, or in a quarter of it if somebody named more users than that.
fn connections_within(memory: Option<u64>, users: u32, files: Option<usize>) -> Option<usize> {
    let Some(memory) = memory else {
        return files;
    };
    let memory = memory.saturating_sub(PROGRAM_BYTES);
    let left = memory.saturating_sub(u64::from(users) * USER_BYTES);
    let fit = left.max(memory / 4) / CONNECTION_BYTES;
    let fit = usize::try_from(fit).unwrap_or(usize::MAX).max(1);
    Some(files.map_or(fit, |files| files.min(fit)))
}

/// The value of `--config-users`: JSON, or the name of a file with JSON.
fn config_users(text: &str) -> Result<Vec<ClassSettings>, SettingsError> {
    let is_file = text.ends_with(".json");
    let json = if is_file {
        std::fs::read_to_string(text).map_err(|source| SettingsError::ConfigUsers {
            path: text.into(),
            source,
        })?
    } else {
        text.into()
    };
    let parsed = ClassSettings::parse(&json).map_err(|invalid| {
        let file = if is_file { text } else { "" };
        let problem = format!("{file} {}", invalid.problem);
        InvalidField::new("--config-users", problem.trim_start())
    });
    Ok(parsed?)
}

/// The mistake, with the field's name on the command line.
fn as_typed(invalid: InvalidField, options: &Options) -> InvalidField {
    let host = options.common.host.as_deref().unwrap_or_default();
    let field = match invalid.field {
        "host" if !host.is_empty() && base_url(host).is_err() => "--host",
        "host" => "--config-users host",
        "config-users" => "--config-users",
        "user_classes" => "CLASS",
        "shape_class" => "--shape",
        "threshold" => "--threshold",
        "iterations" => "--iterations",
        "run_name" => "--run-name",
        other => other,
    };
    let mut problem = invalid.problem;
    if field == "CLASS" {
        let unknown = problem.split('"').nth(1).unwrap_or_default();
        problem.push_str(&commands::meant(unknown));
    }
    InvalidField { field, problem }
}

/// The time from the end of the run to the end of the program; as in Locust, -1 is the same as never.
fn autoquit(options: &Options) -> Result<Option<Duration>, SettingsError> {
    let seconds = options.web.autoquit.filter(|seconds| *seconds != -1);
    let Some(seconds) = seconds else {
        return Ok(None);
    };
    if !(options.web.autostart || options.own.demo) {
        return Err(SettingsError::Autoquit);
    }
    Ok(Some(Duration::from_secs(
        u64::try_from(seconds).unwrap_or_default(),
    )))
}

fn exports(options: &Options) -> Result<Exports, SettingsError> {
    let output = &options.output;
    let exports = Exports {
        csv: named(&output.csv),
        csv_full_history: output.csv_full_history,
        html: output.html.clone().filter(|name| !name.is_empty()),
        json_file: named(&output.json_file),
        json: output.json,
    };
    if exports.csv_full_history && exports.csv.is_none() {
        return Err(SettingsError::CsvFullHistory);
    }
    Ok(exports)
}

fn results(options: &Options) -> Result<Option<ResultsSettings>, SettingsError> {
    let output = &options.output;
    let Some(target) = output.results.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    // no value of an option's own type, since clap repeats those that it cannot read
    let target = target.parse();
    let target = target.map_err(|problem| InvalidField::new("--results", problem))?;
    Ok(Some(ResultsSettings {
        target,
        rotation: Rotation {
            max_size: output.results_max_size,
            max_files: output.results_max_files,
        },
    }))
}

fn start(options: &Options) -> Result<Option<Start>, InvalidField> {
    let common = &options.common;
    if !(options.web.headless || options.web.autostart || options.own.demo) {
        if common.iterations.is_some() {
            let problem =
                "is for a run that starts with the program: add --headless or --autostart";
            return Err(InvalidField::new("--iterations", problem));
        }
        return Ok(None);
    }
    Ok(Some(Start {
        users: common.users,
        spawn_rate: common.spawn_rate,
        // as in Locust, no time at all is the same as no limit
        run_time: common.run_time.filter(|time| !time.is_zero()),
        iterations: common.iterations,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_users_as_fit_in_the_memory_may_be_asked_for() {
        const BYTES: u64 = USER_BYTES + CONNECTION_BYTES;

        assert_eq!(users_within(None, Some(10)), u32::MAX);
        assert_eq!(users_within(Some(PROGRAM_BYTES / 2), None), 0);
        assert_eq!(users_within(Some(PROGRAM_BYTES + 100 * BYTES), None), 100);
        assert_eq!(
            users_within(Some(PROGRAM_BYTES + 100 * BYTES), Some(1_000)),
            100
        );
        // those without a connection take less
        let more = PROGRAM_BYTES + 100 * BYTES + 50 * USER_BYTES;
        assert_eq!(users_within(Some(more), Some(100)), 150);
        assert_eq!(users_within(Some(512 << 20), Some(704)), 73_600);
        assert_eq!(users_within(Some(512 << 20), Some(1_000_000)), 10_212);
    }

    #[test]
    fn connections_leave_memory_to_the_users_that_somebody_named() {
        let fit = |users, files| connections_within(Some(512 << 20), users, files);
        // by default each user has one
        assert_eq!(fit(10_212, Some(1_000_000)), Some(10_212));
        assert_eq!(fit(40_000, Some(1_000_000)), Some(5_744));
        assert_eq!(fit(40_000, None), Some(5_744));
        assert_eq!(fit(40_000, Some(704)), Some(704));
        assert_eq!(fit(1_000_000, Some(1_000_000)), Some(2_936));
        assert_eq!(connections_within(None, 40_000, Some(704)), Some(704));
        assert_eq!(
            connections_within(Some(PROGRAM_BYTES / 2), 1, None),
            Some(1)
        );
    }
}
