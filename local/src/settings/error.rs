//! The mistakes in options, each in one line that says what to write instead.

use std::path::PathBuf;

use traffic::ports::StoreError;
use traffic::run_rules::InvalidField;
use traffic::workload::WorkloadErrors;

/// A mistake in the options or in a file that they name; the program ends with exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("workload file {path} cannot be read", path = path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} stands beside other files: -f takes one workload file, or locustfiles", path = .0.display())]
    OneWorkload(PathBuf),
    #[error("the folder {path} has no locustfile: name one that has .py files", path = .0.display())]
    NoLocustfile(PathBuf),
    #[error(transparent)]
    Locustfile(#[from] locustfile::Problems),
    #[error("no task has the tags that are asked for: see --tags and --exclude-tags")]
    NoTask,
    #[error("the workload cannot be edited ({0}): leave out --tags and --exclude-tags")]
    Tags(String),
    #[error(transparent)]
    Workload(#[from] WorkloadErrors),
    #[error("the database cannot be read")]
    Database(#[from] StoreError),
    #[error(transparent)]
    Field(#[from] InvalidField),
    #[error("--web-host {0:?} is not an IP address: write 127.0.0.1 or leave it out")]
    WebHost(String),
    #[error(
        "CICADA_BIND is {0:?}, so the port is published beyond this machine: set LOCUST_BASIC_AUTH=user:password, or \
         CICADA_BIND=127.0.0.1"
    )]
    Published(String),
    #[error("{0} is missing: TLS needs --tls-cert and --tls-key")]
    HalfOfTls(&'static str),
    #[error("--autoquit ends the program after a run: start one with --autostart, or leave it out")]
    Autoquit,
    #[error("--csv-full-history is about the files of --csv: name them, or leave it out")]
    CsvFullHistory,
    #[error("--config-users file {path} cannot be read")]
    ConfigUsers {
        path: String,
        source: std::io::Error,
    },
}
