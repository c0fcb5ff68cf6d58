//! `cicada env`: the variables that are in force, without secrets, where there is no shell to print them.
//!
//! Only variables that `cicada` reads are printed: those of its options, of the workload's hosts, and those that its
//! libraries know. An empty variable counts as one that is not set, as it does everywhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser};
use statistics::visible::line;
use traffic::credentials::without_credentials;
use traffic::runs::Environment;
use traffic::workload::{FOLDER, WORKLOAD_ENV, Workload};
use web::api::BASIC_AUTH;

use crate::options::{Options, mistake_of};
use crate::{config_files, exposure, first_word, program, results, settings};

/// The first word of a command line of this command.
pub const COMMAND: &str = "env";

/// The program that this command stands in for, if `cicada` is called by its name.
const PRINTENV: &str = "printenv";

/// The exit code where a variable that was asked for is not set, as that of `printenv`.
const EXIT_UNSET: u8 = 1;

/// Stands for a secret.
const MASK: &str = "***";

/// Holds a URL that may have its password after the question mark.
const RESULTS: &str = "CICADA_RESULTS";

/// Variables without an option of their own.
const OTHERS: [&str; 12] = [
    BASIC_AUTH,
    FOLDER,
    WORKLOAD_ENV,
    exposure::BIND,
    exposure::CONTAINER,
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "TZ",
    "TZDIR",
    "TMPDIR",
];

/// Variables of proxies, in either case.
const PROXIES: [&str; 4] = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];

/// The beginning of all variables of OpenTelemetry.
const TELEMETRY: &str = "OTEL_";

/// The beginnings of names that are meant for this program, read or not.
const OURS: [&str; 2] = ["CICADA_", "LOCUST_"];

/// The variables in force, secrets masked: NAME=value of each, or the value alone of those that are named.
///
/// Exit code 1 if one of them is not set.
#[derive(Clone, Debug, Parser)]
#[command(name = "cicada env", bin_name = "cicada env", max_term_width = 100)]
pub struct EnvOptions {
    /// Variables to print; all that are set if none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// The arguments of this command: the program's name, and all that follows [`COMMAND`], or all of a program that
/// is called `printenv`. `None` for another command line.
pub fn asked_for(arguments: Vec<OsString>) -> Option<Vec<OsString>> {
    let program = Path::new(arguments.first()?).file_name();
    if program == Some(OsStr::new(PRINTENV)) {
        return Some(arguments);
    }
    first_word::asked_for(COMMAND, arguments)
}

/// Prints the variables.
pub fn run(arguments: Vec<OsString>, variables: BTreeMap<String, String>) -> ExitCode {
    let options = match EnvOptions::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) => return program::explain("cicada env", &error),
    };
    let variables = InForce::new(variables);
    let text = match variables.text(&options.names) {
        Ok(text) => text,
        Err(unset) => {
            return program::end_with(EXIT_UNSET, &anyhow::anyhow!(unset));
        }
    };
    if let Some(note) = variables.note() {
        let _ = writeln!(std::io::stderr(), "cicada: {note}");
    }
    // a reader may close the pipe before the end of the text
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// The variables that are set, and the names of those that are read.
struct InForce {
    set: BTreeMap<String, String>,
    read: BTreeSet<String>,
    /// Those of them that the workload calls secrets.
    secrets: BTreeSet<String>,
    /// Why the workload's own variables are not known, if they are not.
    trouble: Option<String>,
}

impl InForce {
    fn new(mut set: BTreeMap<String, String>) -> Self {
        set.retain(|_, value| !value.trim().is_empty());
        let mut read: BTreeSet<String> = OTHERS.map(str::to_owned).into();
        for proxy in PROXIES {
            read.extend([proxy.to_owned(), proxy.to_uppercase()]);
        }
        let command = Options::command();
        let of_options = command.get_arguments().filter_map(clap::Arg::get_env);
        read.extend(of_options.map(|name| name.to_string_lossy().into_owned()));
        let (mut secrets, mut trouble) = (BTreeSet::new(), None);
        match workload(&set) {
            Ok(workload) => {
                let hosts = workload.hosts().iter();
                read.extend(hosts.filter_map(|host| host.variable().map(str::to_owned)));
                for (name, is_secret) in workload.variables() {
                    secrets.extend(is_secret.then(|| name.clone()));
                    read.insert(name);
                }
            }
            Err(error) => trouble = Some(error),
        }
        Self {
            set,
            read,
            secrets,
            trouble,
        }
    }

    fn reads(&self, name: &str) -> bool {
        self.read.contains(name) || name.starts_with(TELEMETRY)
    }

    /// `NAME=value` of all, or the values of these.
    fn text(&self, names: &[String]) -> Result<String, String> {
        if names.is_empty() {
            let read = self.set.iter().filter(|(name, _)| self.reads(name));
            return Ok(read
                .map(|(name, value)| format!("{name}={}\n", self.shown(name, value)))
                .collect());
        }
        names
            .iter()
            .map(|name| match self.set.get(name) {
                Some(value) if self.reads(name) => Ok(format!("{}\n", self.shown(name, value))),
                Some(_) => Err(format!(
                    "{} is not a variable that cicada reads",
                    line(name)
                )),
                None => Err(format!("{} is not set", line(name))),
            })
            .collect()
    }

    fn shown(&self, name: &str, value: &str) -> String {
        match self.secrets.contains(name) {
            true => MASK.to_owned(),
            false => shown(name, value),
        }
    }

    /// What is wrong with the variables.
    fn note(&self) -> Option<String> {
        let unread = self
            .set
            .keys()
            .filter(|name| OURS.iter().any(|ours| name.starts_with(ours)) && !self.reads(name));
        let unread: Vec<&str> = unread.map(String::as_str).collect();
        let unread = (!unread.is_empty()).then(|| format!("not read: {}", unread.join(", ")));
        let notes: Vec<String> = self.trouble.clone().into_iter().chain(unread).collect();
        (!notes.is_empty()).then(|| line(&notes.join("; ")).into_owned())
    }
}

/// The workload that these variables name, or the built-in one.
fn workload(set: &BTreeMap<String, String>) -> Result<Workload, String> {
    let unknown = |problem: String| format!("the workload's variables are not known: {problem}");
    let variable = |name: &str| set.get(name).map(OsString::from);
    let options = config_files::options(&["cicada".into()], Path::new(""), &variable);
    let options = options.map_err(|error| unknown(mistake_of("cicada", &error)))?;
    let set = set.clone();
    let environment: Environment = Arc::new(move |name: &str| set.get(name).cloned());
    let workload = settings::workload(&options, &environment);
    workload.map_err(|error| unknown(error.to_string()))
}

/// The value as it may be seen: in one line, without passwords and tokens.
fn shown(name: &str, value: &str) -> String {
    if name == BASIC_AUTH {
        return match value.split_once(':') {
            Some((user, _)) => format!("{}:{MASK}", line(user)),
            None => MASK.to_owned(),
        };
    }
    if name == RESULTS {
        return line(&results::shown(value)).into_owned();
    }
    let is_secret = ["HEADERS", "PASSWORD", "SECRET", "TOKEN"];
    if is_secret.iter().any(|word| name.contains(word)) {
        return MASK.to_owned();
    }
    if !value.contains('@') {
        return line(value).into_owned();
    }
    // several URLs may stand beside each other, and a password may hold any character
    line(&without_credentials(value)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_force(variables: &[(&str, &str)]) -> InForce {
        let variables = variables.iter();
        InForce::new(
            variables
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn variables_that_are_read_are_printed_and_secrets_are_not() {
        let variables = in_force(&[
            ("LOCUST_BASIC_AUTH", "demo:se:cret"),
            ("TARGET_APP_URL", "http://me:p@ss/w@shop:8000"),
            ("AI_AGENT_URL", ""),
            ("LOCUST_USERS", "6"),
            ("HTTPS_PROXY", "http://proxy:secret@proxy:3128"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret"),
            ("OTEL_SERVICE_NAME", "a\nb"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("PATH", "/bin"),
            (
                "CICADA_RESULTS",
                "postgres://db/shop?user=me&password=secret",
            ),
            ("CICADA_BNID", "secret"),
        ]);
        assert_eq!(
            variables.text(&[]).unwrap(),
            "CICADA_RESULTS=postgres://db:5432/shop\nHTTPS_PROXY=http://proxy:3128\nLOCUST_BASIC_AUTH=demo:***\nLOCUST_USERS=6\n\
             OTEL_EXPORTER_OTLP_HEADERS=***\nOTEL_SERVICE_NAME=a\\nb\nTARGET_APP_URL=http://shop:8000\n"
        );
        assert_eq!(variables.note().unwrap(), "not read: CICADA_BNID");
    }

    #[test]
    fn a_named_variable_is_its_value_alone() {
        let variables = in_force(&[
            ("LOCUST_USERS", "6"),
            ("AI_AGENT_URL", "http://a"),
            ("PATH", "/"),
        ]);
        let text = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            variables.text(&names)
        };
        assert_eq!(
            text(&["AI_AGENT_URL", "LOCUST_USERS"]).unwrap(),
            "http://a\n6\n"
        );
        for (names, said) in [
            (["AI_AGENT_URL", "LOCUST_HOST"], "LOCUST_HOST is not set"),
            (
                ["AI_AGENT_URL", "PATH"],
                "PATH is not a variable that cicada reads",
            ),
        ] {
            assert_eq!(text(&names).unwrap_err(), said);
        }
        assert_eq!(variables.note(), None);
    }

    #[test]
    fn a_program_called_printenv_is_this_command() {
        let asked = |line: &str| asked_for(line.split(' ').map(Into::into).collect());
        assert_eq!(asked("cicada env A").unwrap(), ["cicada", "A"]);
        assert_eq!(
            asked("/usr/local/bin/printenv A").unwrap(),
            ["/usr/local/bin/printenv", "A"]
        );
        assert_eq!(asked("cicada health"), None);
        assert_eq!(asked("cicada"), None);
    }
}
