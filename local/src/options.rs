//! The command line as it is typed: Locust's flags with Locust's names, and a few of Cicada's own.
//!
//! Each value is checked by itself here; [`crate::settings`] checks them together and resolves them.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use clap::builder::{BoolishValueParser, OsStringValueParser, TypedValueParser};
use clap::error::{ContextKind, ErrorKind};
use clap::{ArgAction, Args, Parser};
use control::parse_timespan;
use traffic::credentials::without_credentials;
use traffic::host_allowlist::AllowedHosts;
use traffic::run_rules::{InvalidField, Limits};
use traffic::workload::Threshold;
use web::api::{BasePath, Names, Origins, TraceUrl};

use crate::absent_options;
use crate::results::size;

/// The version, and the commit of a release build: `0.1.0 (1a2b3c4d5e)`.
pub const VERSION: &str = env!("CICADA_VERSION");

/// The end of the help text. The password is a variable and no option, because others can read a command line
/// in the list of processes.
const ENVIRONMENT: &str = "Environment:
  LOCUST_BASIC_AUTH=user:password  Ask for these on everything but /health
  TARGET_APP_URL, AI_AGENT_URL     Where the hosts of the built-in workload are

What traffic would cost on AWS: cicada cost --help
Whether a server is well:       cicada health --help
Which variables are in force:   cicada env --help";

/// Rust's texts about numbers that it cannot read, and the texts that Cicada prints in their place.
const PLAINER: [[&str; 2]; 4] = [
    ["invalid digit found in string", "must be a whole number"],
    [
        "number too large to fit in target type",
        "is too large a number",
    ],
    [
        "number too small to fit in target type",
        "is too small a number",
    ],
    ["invalid float literal", "must be a number"],
];

/// Realistic demo traffic that speaks Locust.
///
/// Runs the user classes of a workload file against its hosts, and answers Locust's web API.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cicada",
    version = VERSION,
    disable_version_flag = true,
    args_override_self = true,
    max_term_width = 100,
    after_help = ENVIRONMENT
)]
pub struct Options {
    /// User classes to run; all of them if none is named (see --list). A load shape's name is the
    /// same as --shape
    #[arg(
        value_name = "CLASS",
        env = "LOCUST_USER_CLASSES",
        value_delimiter = ' '
    )]
    pub user_classes: Vec<String>,
    #[command(flatten)]
    pub common: CommonOptions,
    #[command(flatten)]
    pub web: WebOptions,
    #[command(flatten)]
    pub own: OwnOptions,
    #[command(flatten)]
    pub output: OutputOptions,
    #[command(flatten)]
    pub other: OtherOptions,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
pub struct CommonOptions {
    /// Workload file for new runs, or locustfiles and folders of them, separated by commas; whatever
    /// was put at /workload before. Without it, what was put last and kept by --db, or else the
    /// built-in one with the demo's six classes
    #[arg(
        short = 'f',
        long,
        alias = "locustfile",
        value_name = "FILE",
        value_delimiter = ',',
        env = "LOCUST_LOCUSTFILE"
    )]
    pub workload: Vec<PathBuf>,

    /// Configuration file, read after ~/.locust.conf, locust.conf and pyproject.toml: options' names and values
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Base URL for all classes, such as http://localhost:8000
    #[arg(short = 'H', long, value_name = "URL", env = "LOCUST_HOST")]
    pub host: Option<String>,

    /// Number of users; 1 if not given, and 60 with --demo
    #[arg(short = 'u', long, value_name = "N", env = "LOCUST_USERS", allow_negative_numbers = true,
          value_parser = users)]
    pub users: Option<u32>,

    /// Users started a second; 1 if not given, and 6 with --demo
    #[arg(short = 'r', long, value_name = "N", env = "LOCUST_SPAWN_RATE", allow_negative_numbers = true,
          value_parser = spawn_rate)]
    pub spawn_rate: Option<f64>,

    /// Stop after this time: 20, 20s, 3m, 2h, 1h20m. Without it, traffic goes on until it is stopped
    #[arg(short = 't', long, value_name = "TIME", env = "LOCUST_RUN_TIME", allow_negative_numbers = true,
          value_parser = parse_timespan)]
    pub run_time: Option<Duration>,

    /// Stop after this number of iterations of all users together, once they have ended; with --headless or --autostart
    #[arg(short = 'i', long, value_name = "N", env = "LOCUST_ITERATIONS", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub iterations: Option<u64>,

    /// Show the user classes and load shapes, and exit
    #[arg(short = 'l', long)]
    pub list: bool,

    /// Settings of user classes: JSON, or a .json file, with user_class_name and any of weight,
    /// fixed_count and host
    #[arg(long, value_name = "JSON", env = "LOCUST_CONFIG_USERS", num_args = 0..)]
    pub config_users: Vec<String>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Web options")]
pub struct WebOptions {
    /// Address to serve on, such as 127.0.0.1 or `[::1]`; all of the machine's, IPv4 and IPv6, if empty
    /// or *
    #[arg(
        long,
        value_name = "IP",
        env = "LOCUST_WEB_HOST",
        default_value = "",
        hide_default_value = true
    )]
    pub web_host: String,

    /// Port to serve on
    #[arg(
        short = 'P',
        long,
        value_name = "PORT",
        env = "LOCUST_WEB_PORT",
        allow_negative_numbers = true,
        default_value_t = 8089
    )]
    pub web_port: u16,

    /// Path that everything is served under, such as /cicada
    #[arg(
        long,
        value_name = "PATH",
        env = "LOCUST_WEB_BASE_PATH",
        default_value = "",
        hide_default_value = true
    )]
    pub web_base_path: BasePath,

    /// TLS certificate in PEM, to serve https:// with --tls-key
    #[arg(long, value_name = "FILE", env = "LOCUST_TLS_CERT", value_parser = path_or_nothing())]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key in PEM
    #[arg(long, value_name = "FILE", env = "LOCUST_TLS_KEY", value_parser = path_or_nothing())]
    pub tls_key: Option<PathBuf>,

    /// Serve nothing, start at once, and end with the run
    #[arg(long, env = "LOCUST_HEADLESS", value_parser = BoolishValueParser::new())]
    pub headless: bool,

    /// Start at once, and serve
    #[arg(long, env = "LOCUST_AUTOSTART", value_parser = BoolishValueParser::new())]
    pub autostart: bool,

    /// Port to serve /metrics on as well, also with --headless; everything else is served on --web-port only
    #[arg(
        long,
        value_name = "PORT",
        env = "LOCUST_PROMETHEUS_PORT",
        allow_negative_numbers = true
    )]
    pub prometheus_port: Option<u16>,

    /// With --autostart: exit this many seconds after the run has ended
    #[arg(
        long,
        value_name = "SECONDS",
        env = "LOCUST_AUTOQUIT",
        allow_negative_numbers = true
    )]
    pub autoquit: Option<i64>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cicada's own options")]
pub struct OwnOptions {
    /// Database file to keep runs, schedules and the workload in; a run that was not stopped goes on
    /// with it
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,

    /// With --db: a run goes on after SIGTERM too, at the next start and as it was, and --autostart starts only the
    /// first run. A run that was stopped stays stopped. The container's default
    #[arg(long, env = "CICADA_RESUME", value_parser = BoolishValueParser::new())]
    pub resume: bool,

    /// Load shape of the workload that says how many users there are when, instead of --users and
    /// --spawn-rate (see --list)
    #[arg(long, value_name = "NAME", env = "LOCUST_SHAPE")]
    pub shape: Option<String>,

    /// Seed of the runs' random draws: the same seed gives the same requests
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<u64>,

    /// A figure that must stay below a number, such as 'p95<500', 'fail_ratio<0.05' or 'p95<500 of NAME'; may be
    /// repeated. Then the exit code is 3 if one does not, and failed requests alone do not decide
    #[arg(long = "threshold", value_name = "METRIC<NUMBER", value_parser = Threshold::from_str)]
    pub thresholds: Vec<Threshold>,

    /// The name of the runs that are started, for lists, reports and --json
    #[arg(long, value_name = "NAME", env = "CICADA_RUN_NAME")]
    pub run_name: Option<String>,

    /// The most users that may be asked for
    #[arg(long, value_name = "N", env = "CICADA_MAX_USERS", allow_negative_numbers = true, value_parser = users)]
    pub max_users: Option<u32>,

    /// The most users started a second that may be asked for
    #[arg(long, value_name = "N", env = "CICADA_MAX_SPAWN_RATE", allow_negative_numbers = true,
          value_parser = spawn_rate)]
    pub max_spawn_rate: Option<f64>,

    /// The only hosts that traffic may be sent to, separated by commas: example.com, *.example.com,
    /// localhost:8000, or `https://example.com` for one scheme only
    #[arg(long, value_name = "HOSTS", env = "CICADA_ALLOWED_HOSTS")]
    pub allowed_hosts: Option<AllowedHosts>,

    /// Names that this server is called by, separated by commas, such as cicada.example.com. Without a
    /// password, changes are refused under a name that may be anybody's; * takes every name
    #[arg(long, value_name = "NAMES", env = "CICADA_WEB_NAMES", value_parser = web_names)]
    pub web_names: Option<Names>,

    /// Where the page's traces lead to: a URL with {trace_id} in it, such as
    /// `https://jaeger.example.com/trace/{trace_id}`
    #[arg(
        long,
        value_name = "URL",
        env = "CICADA_TRACE_URL",
        default_value = "",
        hide_default_value = true
    )]
    pub trace_url: TraceUrl,

    /// Origins of other pages, such as a dashboard's, that may read and change what the own page may,
    /// separated by commas: `https://dashboard.example.com`. A password is asked for all the same
    #[arg(long, value_name = "ORIGINS", env = "CICADA_ALLOWED_ORIGINS", value_parser = origins)]
    pub allowed_origins: Option<Origins>,

    /// Start stand-in targets on this machine, and send them traffic
    #[arg(long)]
    pub demo: bool,

    /// Check the workload file, show the hosts in force, and exit
    #[arg(long)]
    pub check: bool,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output options")]
pub struct OutputOptions {
    /// Print no statistics while a --headless run goes on
    #[arg(long, env = "LOCUST_ONLY_SUMMARY", value_parser = BoolishValueParser::new())]
    pub only_summary: bool,

    /// Print statistics also while the web API is served
    #[arg(long, env = "LOCUST_PRINT_STATS", value_parser = BoolishValueParser::new())]
    pub print_stats: bool,

    /// Keep statistics in FILE_stats.csv, FILE_stats_history.csv, FILE_failures.csv and
    /// FILE_exceptions.csv
    #[arg(long, value_name = "FILE", env = "LOCUST_CSV", value_parser = path_or_nothing())]
    pub csv: Option<PathBuf>,

    /// With --csv: every row in the history, and not only all together
    #[arg(long, env = "LOCUST_CSV_FULL_HISTORY", value_parser = BoolishValueParser::new())]
    pub csv_full_history: bool,

    /// Keep a report in this file; {u}, {r} and {t} in its name are users, spawn rate and run time
    #[arg(long, value_name = "FILE", env = "LOCUST_HTML")]
    pub html: Option<String>,

    /// Print the statistics as JSON at the end, on stdout; tables and log are on stderr
    #[arg(long)]
    pub json: bool,

    /// Keep the statistics as JSON in FILE.json
    #[arg(long, value_name = "FILE")]
    pub json_file: Option<PathBuf>,

    /// Write a row for every request to FILE.jsonl or FILE.csv, packed with .gz after that, or to
    /// `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(
        long,
        value_name = "FILE|URL",
        env = "CICADA_RESULTS",
        hide_env_values = true
    )]
    pub results: Option<String>,

    /// Size at which a file of --results is put aside under a number, and the next one begun
    #[arg(long, value_name = "SIZE", env = "CICADA_RESULTS_MAX_SIZE", default_value = "100m",
          value_parser = size)]
    pub results_max_size: u64,

    /// The most files of --results, the newest with them; all of them if not given
    #[arg(long, value_name = "N", env = "CICADA_RESULTS_MAX_FILES", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub results_max_files: Option<u32>,

    /// Count anew once all users are there
    #[arg(long, env = "LOCUST_RESET_STATS", value_parser = BoolishValueParser::new())]
    pub reset_stats: bool,

    /// Show how often each class does which task, and exit
    #[arg(long)]
    pub show_task_ratio: bool,

    /// The same as JSON
    #[arg(long)]
    pub show_task_ratio_json: bool,

    /// DEBUG, INFO, WARNING, ERROR or CRITICAL
    #[arg(
        short = 'L',
        long,
        value_name = "LEVEL",
        env = "LOCUST_LOGLEVEL",
        default_value = "INFO",
        ignore_case = true,
        value_parser = clap::builder::PossibleValuesParser::new(
            ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
        ).map(|level| level.to_uppercase())
    )]
    pub loglevel: String,

    /// Write the log to this file instead of stderr
    #[arg(long, value_name = "FILE", env = "LOCUST_LOGFILE")]
    pub logfile: Option<PathBuf>,

    /// Log only warnings and errors, and print no tables
    #[arg(long, alias = "skip-log", env = "LOCUST_SKIP_LOG_SETUP", value_parser = BoolishValueParser::new())]
    pub skip_log_setup: bool,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Other options")]
pub struct OtherOptions {
    /// How long iterations may go on after the end; what is cut off then is counted as such.
    /// By default, until their timeouts after a stop, and 3 s when the program ends
    #[arg(short = 's', long, value_name = "TIME", env = "LOCUST_STOP_TIMEOUT", allow_negative_numbers = true,
          value_parser = parse_timespan)]
    pub stop_timeout: Option<Duration>,

    /// Exit code when any request failed
    #[arg(
        long,
        value_name = "N",
        env = "LOCUST_EXIT_CODE_ON_ERROR",
        allow_negative_numbers = true,
        default_value_t = 1
    )]
    pub exit_code_on_error: u8,

    /// Give every class the same weight
    #[arg(long)]
    pub equal_weights: bool,

    /// Only tasks with one of these tags
    #[arg(short = 'T', long, value_name = "TAG", env = "LOCUST_TAGS", num_args = 0.., value_delimiter = ' ')]
    pub tags: Vec<String>,

    /// Only tasks with none of these tags
    #[arg(short = 'E', long, value_name = "TAG", env = "LOCUST_EXCLUDE_TAGS", num_args = 0.., value_delimiter = ' ')]
    pub exclude_tags: Vec<String>,

    /// Export spans and metrics to http://localhost:4318, unless OTEL_EXPORTER_OTLP_ENDPOINT says where to
    #[arg(long, env = "LOCUST_ENABLE_OPENTELEMETRY", value_parser = BoolishValueParser::new())]
    pub otel: bool,

    /// Name that groups runs: the attribute `profile` of exported spans and metrics
    #[arg(long, value_name = "NAME", env = "LOCUST_PROFILE")]
    pub profile: Option<String>,

    /// Accepted, and without a meaning here: the page always has the picker
    #[arg(long, env = "LOCUST_USERCLASS_PICKER", hide = true, value_parser = BoolishValueParser::new())]
    pub class_picker: bool,

    /// Accepted, and without a meaning here: there is one page
    #[arg(long, alias = "legacy-ui", hide = true)]
    pub modern_ui: bool,

    /// Print the version, with the commit that it was built from, and exit
    #[arg(short = 'V', long, action = ArgAction::Version)]
    pub version: Option<bool>,
}

/// Clap's message about a command line of `command`, in one line: the mistake, and clap's suggestion.
pub fn mistake_of(command: &str, error: &clap::Error) -> String {
    let unknown = error
        .get(ContextKind::InvalidArg)
        .filter(|_| !command.contains(' ') && error.kind() == ErrorKind::UnknownArgument);
    let unknown = unknown.map(ToString::to_string).unwrap_or_default();
    if let Some(instead) = absent_options::instead_of(&unknown) {
        return format!("{unknown} is an option of Locust's: {instead} (see {command} --help)");
    }
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| {
        let is_general = line.starts_with("Usage:") || line.starts_with("For more information");
        // every mistyped flag could also be a value
        !(line.is_empty() || is_general || line.starts_with("tip: to pass"))
    });
    let lines: Vec<&str> = lines.collect();
    let line = lines.join(" ").replace(" tip: ", ", ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    // clap repeats what was typed, which may be a host with a password
    let words: Vec<_> = line.split(' ').map(without_credentials).collect();
    let mut line = words.join(" ");
    for [rust, plain] in PLAINER {
        line = line.replace(rust, plain);
    }
    format!("{line} (see {command} --help)")
}

/// A path that may be empty, as from a variable that is set to nothing.
fn path_or_nothing() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// The path, unless its option or variable is set to nothing.
pub(crate) fn named(path: &Option<PathBuf>) -> Option<PathBuf> {
    path.clone().filter(|path| !path.as_os_str().is_empty())
}

fn web_names(text: &str) -> Result<Names, String> {
    text.parse()
        .map_err(|invalid: InvalidField| invalid.problem)
}

fn origins(text: &str) -> Result<Origins, String> {
    text.parse()
        .map_err(|invalid: InvalidField| invalid.problem)
}

fn users(text: &str) -> Result<u32, String> {
    let most = Limits::default().max_users;
    let users = text.parse().ok().filter(|users| *users <= most);
    users.ok_or_else(|| format!("must be a whole number from 0 to {most}"))
}

fn spawn_rate(text: &str) -> Result<f64, String> {
    let most = Limits::default().max_spawn_rate;
    let rate = text.parse().ok();
    rate.filter(|rate| *rate > 0.0 && *rate <= most)
        .ok_or_else(|| format!("must be a number above 0, and at most {most}"))
}
