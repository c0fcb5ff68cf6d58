//! `cicada import`: the workload that a browser's recording comes to, printed or written to a file.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;

use crate::har::kind::ResourceType;
use crate::har::select::Selection;
use crate::har::{self, Naming};
use crate::program;

/// The word that makes a command line one of this command.
pub const COMMAND: &str = "import";

/// The longest recording, in bytes: it is in memory as a whole.
const LONGEST: u64 = 256 * 1024 * 1024;

/// A browser's recording as a workload file.
///
/// Reads a HAR file (HTTP Archive), as the network tools of browsers save it, and prints a workload whose users send
/// the same requests in the same order, with the same pauses. Cookies and secrets are not taken over.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cicada import",
    bin_name = "cicada import",
    max_term_width = 100
)]
pub struct ImportOptions {
    /// The recording
    #[arg(value_name = "FILE.har")]
    file: PathBuf,

    /// File to write the workload to
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Hosts whose requests are taken over, separated by commas: example.com or localhost:8000. Without it, the one
    /// of the first page
    #[arg(long, value_name = "HOSTS", value_delimiter = ',')]
    hosts: Vec<String>,

    /// Take over the requests to all hosts
    #[arg(long, conflicts_with = "hosts")]
    all_hosts: bool,

    /// Kinds of requests that are taken over, separated by commas [default: document,xhr,fetch,eventsource,other]
    #[arg(
        long,
        value_name = "TYPES",
        value_delimiter = ',',
        default_values = ["document", "xhr", "fetch", "eventsource", "other"],
        hide_default_value = true
    )]
    resource_types: Vec<ResourceType>,

    /// Name of the class of users
    #[arg(long, value_name = "NAME", default_value = "Visitor")]
    class: String,

    /// Leave out the pauses between requests
    #[arg(long)]
    no_pauses: bool,
}

/// Runs the command.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let options = match ImportOptions::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) => return program::explain("cicada import", &error),
    };
    match imported(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => program::complain(&error),
    }
}

fn imported(options: ImportOptions) -> anyhow::Result<()> {
    let shown = options.file.display().to_string();
    let recording = read(&options.file, &shown)?;
    let name = options
        .file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let naming = Naming {
        file: &name,
        class: &options.class,
    };
    let selection = Selection {
        types: options.resource_types,
        hosts: options.hosts,
        all_hosts: options.all_hosts,
        has_pauses: !options.no_pauses,
    };
    let workload = har::workload(&recording, &naming, &selection).context(shown)?;
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

/// The text of a recording.
fn read(path: &Path, shown: &str) -> anyhow::Result<String> {
    let unreadable = || format!("{shown} cannot be read");
    let about = std::fs::metadata(path).with_context(unreadable)?;
    if !about.is_file() || about.len() > LONGEST {
        bail!(
            "{shown} is no file of up to {} MiB: record less, or save it without the contents of responses",
            LONGEST >> 20
        );
    }
    let bytes = std::fs::read(path).with_context(unreadable)?;
    let text = String::from_utf8(bytes)
        .ok()
        .with_context(|| format!("{shown} is not UTF-8: export it anew, as HAR"))?;
    // some tools put one at the beginning
    match text.strip_prefix('\u{feff}') {
        Some(text) => Ok(text.to_owned()),
        None => Ok(text),
    }
}
